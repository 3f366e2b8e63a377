//! The choices as the page shows them: what there is to choose from, what is
//! chosen, and what is wrong beside where it is wrong. Pure.

use engine::metadata::{HydratedField, HydratedIntegration, HydratedReadObject, Lack};
use manifest::{Backfill, Integration};

use super::form;
use super::picked::{self, Picked, PickedObject};
use super::wrong::Wrong;

/// More fields than that are not shown unasked, and scroll.
const MANY: usize = 12;

/// Everything that the form shows.
#[derive(Debug)]
pub(super) struct Choices {
    pub(super) objects: Vec<ObjectChoice>,
    pub(super) writes: Vec<Tick>,
    /// Whether calls are passed through; `None` where nobody asks.
    pub(super) proxy: Option<bool>,
    /// What is wrong with no object in particular.
    pub(super) errors: Vec<String>,
}

/// One object that may be read.
#[derive(Debug)]
pub(super) struct ObjectChoice {
    /// Its place on the page, for identifiers.
    pub(super) index: usize,
    /// The provider's name.
    pub(super) name: String,
    pub(super) title: String,
    /// The provider's title, where the app has another.
    pub(super) origin: Option<String>,
    pub(super) state: ObjectState,
    /// How far back it is read, and when.
    pub(super) history: String,
    /// Why there is less to choose from than there could be.
    pub(super) lack: Option<Lack>,
    /// Always read.
    pub(super) required: Vec<String>,
    pub(super) mappings: Vec<MappingChoice>,
    pub(super) fields: Vec<Tick>,
    /// The name of the checkbox for all of them, and whether it is ticked.
    pub(super) every: String,
    pub(super) everything: bool,
    /// Whether that means fields that come later, too.
    pub(super) is_open: bool,
    pub(super) errors: Vec<String>,
}

/// Whether an object is read, and who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectState {
    /// The app does.
    Always,
    /// The provider does: it is not offered any more.
    Removed,
    Chosen,
    NotChosen,
}

impl ObjectChoice {
    pub(super) fn is_chosen(&self) -> bool {
        matches!(self.state, ObjectState::Chosen | ObjectState::Always)
    }

    pub(super) fn is_removed(&self) -> bool {
        self.state == ObjectState::Removed
    }

    pub(super) fn is_always(&self) -> bool {
        self.state == ObjectState::Always
    }

    /// Whether its fields are shown unasked: few, or with one that is wrong.
    pub(super) fn is_open_wide(&self) -> bool {
        let wrong = self.fields.iter().any(|field| field.error.is_some());
        wrong || !self.is_long()
    }

    /// Whether there are many fields.
    pub(super) fn is_long(&self) -> bool {
        self.fields.len() > MANY
    }

    /// How many of the fields are ticked.
    pub(super) fn ticked(&self) -> usize {
        match self.everything {
            true => self.fields.len(),
            false => self.fields.iter().filter(|field| field.ticked).count(),
        }
    }
}

/// A checkbox.
#[derive(Debug)]
pub(super) struct Tick {
    /// The name in the form.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) title: String,
    pub(super) ticked: bool,
    pub(super) error: Option<String>,
}

/// A select.
#[derive(Debug)]
pub(super) struct MappingChoice {
    /// The name in the form.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) prompt: Option<String>,
    pub(super) required: bool,
    /// Whether nothing may be chosen.
    pub(super) may_be_empty: bool,
    pub(super) options: Vec<Choice>,
    pub(super) error: Option<String>,
}

/// One of a select.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) title: String,
    pub(super) chosen: bool,
}

impl Choices {
    /// Puts together what there is and what is picked.
    pub(super) fn new(
        hydrated: &HydratedIntegration,
        manifest: &Integration,
        picked: &Picked,
        wrong: &[Wrong],
    ) -> Self {
        let read = hydrated.read.iter().flat_map(|read| &read.objects);
        let objects = read.enumerate().map(|(index, object)| {
            let picked = picked.object(&object.object_name);
            object_choice(index, object, manifest, picked, wrong)
        });
        let write = hydrated.write.iter().flat_map(|write| &write.objects);
        let writes = write.map(|object| Tick {
            name: form::WRITE.to_owned(),
            ticked: picked.writes.contains(&object.object_name),
            value: object.object_name.clone(),
            title: object.display_name.clone(),
            error: None,
        });
        let general = wrong.iter().filter(|wrong| wrong.object.is_none());
        Self {
            objects: objects.collect(),
            writes: writes.collect(),
            proxy: manifest.is_proxy_enabled().then_some(picked.proxy),
            errors: general.map(|wrong| wrong.text.clone()).collect(),
        }
    }

    /// How many things are wrong, where they are.
    pub(super) fn wrong(&self) -> usize {
        let of_object = |object: &ObjectChoice| {
            let mappings = object.mappings.iter().map(|one| &one.error);
            let fields = object.fields.iter().map(|one| &one.error);
            object.errors.len() + mappings.chain(fields).flatten().count()
        };
        self.errors.len() + self.objects.iter().map(of_object).sum::<usize>()
    }

    /// Whether nothing is asked of the customer but to go on.
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.writes.is_empty() && self.proxy.is_none()
    }

    /// Whether the provider shows too little of what the app asks for for it to be
    /// the objects' fault.
    pub(super) fn is_elsewhere(&self) -> bool {
        let looked = self.objects.iter().filter(|object| !object.is_removed());
        let (mut all, mut absent, mut barred) = (0_usize, 0_usize, 0_usize);
        for object in looked {
            all += 1;
            absent += usize::from(object.lack == Some(Lack::NotThere));
            barred += usize::from(object.lack == Some(Lack::NotAllowed));
        }
        // Some things are the account's own, and are seen whatever was said.
        (absent > 0 && absent * 2 >= all) || (all > 0 && absent + barred == all)
    }
}

fn object_choice(
    index: usize,
    object: &HydratedReadObject,
    manifest: &Integration,
    picked: &PickedObject,
    wrong: &[Wrong],
) -> ObjectChoice {
    let name = &object.object_name;
    let declared = manifest.read_object(name);
    let always = declared.is_some_and(manifest::ReadObject::is_always_enabled);
    let state = match (always, object.lack, picked.chosen) {
        (true, _, _) => ObjectState::Always,
        (false, Some(Lack::Removed), false) => ObjectState::Removed,
        (false, _, true) => ObjectState::Chosen,
        (false, _, false) => ObjectState::NotChosen,
    };
    let about = |wrong: &&Wrong| wrong.object.as_ref() == Some(name);
    let of_field = |field: &str| {
        let mut wrong = wrong.iter().filter(about);
        let wrong = wrong.find(|w| w.mapping.is_none() && w.field.as_deref() == Some(field));
        wrong.map(|wrong| wrong.text.clone())
    };
    let fields = fields(object, picked, of_field);
    let is_shown = |wrong: &&Wrong| {
        let field = wrong.field.as_ref();
        wrong.mapping.is_some()
            || field.is_some_and(|field| fields.iter().any(|f| f.value == *field))
    };
    let errors = wrong.iter().filter(about).filter(|wrong| !is_shown(wrong));
    let errors: Vec<String> = errors.map(|wrong| wrong.text.clone()).collect();
    let own = object.map_to_display_name.as_ref();
    let title = own.unwrap_or(&object.display_name);
    let mappings = declared.into_iter().flat_map(picked::mappings);
    let mappings = mappings.map(|mapping| {
        let mut error = wrong.iter().filter(about);
        let error = error.find(|wrong| wrong.mapping.as_deref() == Some(mapping.name));
        let error = error.map(|wrong| wrong.text.clone());
        mapping_choice(object, &mapping, picked, error)
    });
    ObjectChoice {
        index,
        origin: (title != &object.display_name).then(|| object.display_name.clone()),
        title: title.clone(),
        state,
        history: history(object.backfill.as_ref(), !object.schedule.is_empty()),
        lack: object.lack,
        required: object.required_fields.iter().filter_map(required).collect(),
        mappings: mappings.collect(),
        fields,
        every: form::every_field_of(name),
        everything: picked.everything,
        is_open: declared.is_some_and(picked::is_open),
        errors,
        name: name.clone(),
    }
}

/// A field that is always read, unless the customer says which it is.
fn required(field: &HydratedField) -> Option<String> {
    match field {
        HydratedField::Existent {
            display_name,
            map_to_display_name,
            ..
        } => Some(titled(display_name, map_to_display_name.as_deref())),
        HydratedField::Mapping { .. } => None,
    }
}

/// What a field is called: by the app, where it says so, and by the provider.
fn titled(provider: &str, app: Option<&str>) -> String {
    match app {
        Some(own) if own != provider => format!("{own} ({provider})"),
        Some(_) | None => provider.to_owned(),
    }
}

fn fields(
    object: &HydratedReadObject,
    picked: &PickedObject,
    error: impl Fn(&str) -> Option<String>,
) -> Vec<Tick> {
    let name = form::field_of(&object.object_name);
    let mut fields: Vec<Tick> = object
        .optional_fields
        .iter()
        .filter_map(|field| match field {
            HydratedField::Existent {
                field_name,
                display_name,
                map_to_display_name,
                ..
            } => Some(Tick {
                name: name.clone(),
                title: titled(display_name, map_to_display_name.as_deref()),
                ticked: picked.everything || picked.fields.contains(field_name),
                error: error(field_name),
                value: field_name.clone(),
            }),
            HydratedField::Mapping { .. } => None,
        })
        .collect();
    // Chosen by other means, or at a time when there was more.
    for field in &picked.fields {
        if !fields.iter().any(|known| known.value == *field) {
            fields.push(Tick {
                name: name.clone(),
                value: field.clone(),
                title: field.clone(),
                ticked: true,
                error: error(field),
            });
        }
    }
    if fields.len() > MANY {
        // What is wrong, and what is chosen, is not looked for.
        fields.sort_by_key(|field| (field.error.is_none(), !field.ticked));
    }
    fields
}

fn mapping_choice(
    object: &HydratedReadObject,
    mapping: &picked::Mapping<'_>,
    picked: &PickedObject,
    error: Option<String>,
) -> MappingChoice {
    let chosen = picked.mappings.get(mapping.name).map(String::as_str);
    let chosen = chosen.or(mapping.default);
    let mut options: Vec<Choice> = object
        .all_fields
        .iter()
        .map(|field| Choice {
            value: field.field_name.clone(),
            title: field.display_name.clone(),
            chosen: chosen == Some(&field.field_name),
        })
        .collect();
    if let Some(chosen) = chosen
        && !options.iter().any(|option| option.chosen)
    {
        options.push(Choice {
            value: chosen.to_owned(),
            title: chosen.to_owned(),
            chosen: true,
        });
    }
    MappingChoice {
        name: form::mapping_of(&object.object_name, mapping.name),
        title: mapping.title.unwrap_or(mapping.name).to_owned(),
        prompt: mapping.prompt.map(str::to_owned),
        required: mapping.required,
        may_be_empty: mapping.default.is_none(),
        options,
        error,
    }
}

/// How far back an object is read, and when.
fn history(backfill: Option<&Backfill>, is_scheduled: bool) -> String {
    let period = backfill.map(|backfill| &backfill.default_period);
    let before = match period {
        Some(period) if period.full_history == Some(true) => {
            Some("Everything there is now".to_owned())
        }
        Some(period) => match period.days.unwrap_or(0) {
            0 => None,
            1 => Some("What changed in the last day".to_owned()),
            days => Some(format!("What changed in the last {days} days")),
        },
        None => None,
    };
    match (before, is_scheduled) {
        (Some(before), true) => format!("{before}, and what changes from now on"),
        (None, true) => "What changes from now on".to_owned(),
        (Some(before), false) => format!("{before}, once"),
        (None, false) => "Only when it is asked for".to_owned(),
    }
}

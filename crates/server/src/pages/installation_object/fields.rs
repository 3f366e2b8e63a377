//! The fields of an object in a form: which go out, and from which field a mapped one
//! comes.

use std::collections::BTreeSet;

use connector::Object;
use engine::ReadObjectConfig;
use manifest::{IntegrationField, ReadObject};

use crate::pages::form::Form;

/// A field that may be chosen.
pub(super) struct FieldChoice {
    pub(super) name: String,
    pub(super) chosen: bool,
}

/// A field of the app for which one of the provider is chosen.
pub(super) struct Mapping {
    /// The app's name.
    pub(super) name: String,
    pub(super) prompt: String,
    pub(super) required: bool,
    pub(super) source: String,
}

/// The fields that may be chosen.
pub(super) fn choices(
    object: &ReadObject,
    known: Option<&Object>,
    choice: &ReadObjectConfig,
) -> Vec<FieldChoice> {
    let selected = choice.selected_fields.clone().unwrap_or_default();
    let mut names: BTreeSet<String> = optional(object).into_iter().collect();
    if offers_all(object) {
        let required: BTreeSet<String> = required(object).into_iter().collect();
        names.extend(self::known(known).filter(|name| !required.contains(name)));
        names.extend(selected.keys().cloned());
    }
    let all = is_all(choice);
    names
        .into_iter()
        .map(|name| FieldChoice {
            chosen: selected.get(&name).copied().unwrap_or(all),
            name,
        })
        .collect()
}

/// The fields that the provider's table has.
pub(super) fn known(object: Option<&Object>) -> impl Iterator<Item = String> {
    let fields = object.into_iter().flat_map(|object| object.fields);
    fields.map(|field| field.name.to_owned())
}

/// Whether every field may be asked for at once.
pub(super) fn offers_all(object: &ReadObject) -> bool {
    object.optional_fields_auto.as_deref() == Some("all")
}

/// Whether every field is.
pub(super) fn is_all(choice: &ReadObjectConfig) -> bool {
    choice.selected_fields_auto.as_deref() == Some("all")
}

/// Those that always go out.
pub(super) fn required(object: &ReadObject) -> Vec<String> {
    existent(object.required_fields.iter().flatten())
}

fn optional(object: &ReadObject) -> Vec<String> {
    existent(object.optional_fields.iter().flatten())
}

fn existent<'a>(fields: impl Iterator<Item = &'a IntegrationField>) -> Vec<String> {
    let names = fields.filter_map(|field| match field {
        IntegrationField::Existent { field_name, .. } => Some(field_name.clone()),
        IntegrationField::Mapping { .. } => None,
    });
    names.collect()
}

/// The fields of the app for which the customer chooses one of the provider.
pub(super) fn mappings(object: &ReadObject, choice: &ReadObjectConfig) -> Vec<Mapping> {
    let chosen = choice.selected_field_mappings.clone().unwrap_or_default();
    let required = object
        .required_fields
        .iter()
        .flatten()
        .map(|field| (true, field));
    let optional = object
        .optional_fields
        .iter()
        .flatten()
        .map(|field| (false, field));
    let all = required
        .chain(optional)
        .filter_map(|(required, field)| match field {
            IntegrationField::Mapping {
                map_to_name,
                default,
                prompt,
                ..
            } => {
                let source = chosen.get(map_to_name).or(default.as_ref());
                Some(Mapping {
                    name: map_to_name.clone(),
                    prompt: prompt.clone().unwrap_or_default(),
                    required,
                    source: source.cloned().unwrap_or_default(),
                })
            }
            IntegrationField::Existent { .. } => None,
        });
    let mut all: Vec<Mapping> = all.collect();
    // What the app offers to this customer alone.
    for offer in choice.dynamic_mappings_input.iter().flatten() {
        let fixed = offer.field_name.as_ref();
        let (name, text) = (&offer.map_to_name, |key| offer.rest.get(key)?.as_str());
        let is_open = fixed.is_none_or(String::is_empty) && !name.is_empty();
        if is_open && !all.iter().any(|known| known.name == *name) {
            all.push(Mapping {
                name: name.clone(),
                prompt: text("prompt").unwrap_or_default().to_owned(),
                required: false,
                source: chosen.get(name).cloned().unwrap_or_default(),
            });
        }
    }
    all
}

/// What the form says, laid over what was chosen before.
pub(super) fn edited(
    before: ReadObjectConfig,
    object: &ReadObject,
    form: &Form,
) -> ReadObjectConfig {
    let mut choice = before;
    choice
        .object_name
        .get_or_insert_with(|| object.object_name.clone());
    choice.disabled = (!form.has("enabled")).then_some(true);
    choice.schedule = form.given("schedule").map(str::to_owned);
    let was_all = choice.selected_fields_auto.as_deref() == Some("all");
    let all = form.has("all");
    choice.selected_fields_auto = all.then(|| "all".to_owned());
    let mut selected = choice.selected_fields.take().unwrap_or_default();
    if all && !was_all {
        // Whoever has just asked for all of them has not refused any.
        selected.retain(|_, chosen| *chosen);
    }
    for offered in form.every("offered").filter(|_| all == was_all) {
        let chosen = form.every("field").any(|name| name == offered);
        // Only what differs from what would be without a word is written down.
        if chosen != all || selected.contains_key(offered) {
            selected.insert(offered.to_owned(), chosen);
        }
    }
    choice.selected_fields = Some(selected);
    let mut mapped = choice.selected_field_mappings.take().unwrap_or_default();
    for (name, value) in form.iter() {
        let Some(name) = name.strip_prefix("map-") else {
            continue;
        };
        if value.trim().is_empty() {
            mapped.remove(name);
        } else {
            mapped.insert(name.to_owned(), value.trim().to_owned());
        }
    }
    choice.selected_field_mappings = Some(mapped);
    choice
}

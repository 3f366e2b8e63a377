//! Which fields of an object go out and under which names: the manifest's
//! definition with the customer's choices laid over it. The config wins key by
//! key; required fields come from the manifest, always.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Delivery, FieldPath, IntegrationField, ReadObject};
use store::{ReadSubject, ReadType};

use super::config::{InstallationConfig, ReadObjectConfig};
use super::filter::FieldFilter;

/// Why a selection cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelectionError {
    #[error("the stored {what} is not readable: {source}")]
    Unreadable {
        what: &'static str,
        source: serde_json::Error,
    },
    #[error("object `{0}` is in no revision of the integration any more")]
    UnknownObject(String),
    #[error("`{field}` is not a field name or JSONPath: {reason}")]
    Path { field: String, reason: String },
    #[error("{}", .0.join("; "))]
    Filters(Vec<String>),
    #[error("a record is not a JSON object: {0}")]
    Record(serde_json::Error),
}

impl SelectionError {
    /// Each thing that is wrong, in a sentence.
    pub(crate) fn causes(self) -> Vec<String> {
        match self {
            Self::Filters(causes) => causes,
            Self::Unreadable { .. }
            | Self::UnknownObject(_)
            | Self::Path { .. }
            | Self::Record(_) => vec![self.to_string()],
        }
    }
}

/// Where a value goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// `fields`, under the provider's name.
    Fields(String),
    /// `mappedFields`, under the app's name.
    Mapped(String),
}

/// One field: from where, to where, and the app's words for its values.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) source: FieldPath,
    pub(super) place: Place,
    /// {value of the provider: value in the app}.
    pub(super) values: BTreeMap<String, String>,
}

/// Everything about one object's output.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// The name in messages.
    pub(crate) object_name: String,
    /// The provider's name, when it is mapped to another.
    pub(crate) raw_object_name: Option<String>,
    /// The destination's name.
    pub(crate) destination: String,
    /// Whether messages wait until they are asked for.
    pub(crate) on_request: bool,
    /// Cron in UTC; empty for no schedule, or while the customer has switched
    /// the object off.
    pub(crate) schedule: String,
    /// Whether the customer has not switched the object off.
    pub(crate) enabled: bool,
    /// The most records in a message, where the app asks for them by the page.
    pub(crate) most_records: Option<usize>,
    filters: Vec<FieldFilter>,
    /// In place of the others in a backfill.
    backfill_filters: Option<Vec<FieldFilter>>,
    pub(super) rules: Vec<Rule>,
    /// Every field of the record that no rule names and the customer has not
    /// refused.
    pub(super) everything: bool,
    pub(super) refused: BTreeSet<String>,
}

impl Selection {
    /// The selection of a sync's object.
    pub(crate) fn of(subject: &ReadSubject) -> Result<Self, SelectionError> {
        let (object, chosen) = definition(subject)?;
        Self::new(&object, chosen.as_ref())
    }

    /// The manifest's `object` with the customer's choices, if any were made.
    pub(crate) fn new(
        object: &ReadObject,
        chosen: Option<&ReadObjectConfig>,
    ) -> Result<Self, SelectionError> {
        let default = ReadObjectConfig::default();
        let chosen = chosen.unwrap_or(&default);
        let mut rules = Rules::new(chosen);
        for field in object.required_fields.iter().flatten() {
            rules.add(field, true)?;
        }
        for field in object.optional_fields.iter().flatten() {
            rules.add(field, false)?;
        }
        rules.add_dynamic()?;
        rules.add_selected_beyond()?;
        rules.add_worded()?;
        let (filters, backfill_filters) = filters(chosen)?;
        let schedule = chosen.schedule.clone().filter(|text| !text.is_empty());
        let schedule = schedule.unwrap_or_else(|| object.schedule.clone());
        Ok(Self {
            enabled: chosen.disabled != Some(true),
            schedule: if chosen.disabled == Some(true) {
                String::new()
            } else {
                schedule
            },
            object_name: object
                .map_to_name
                .clone()
                .unwrap_or_else(|| object.object_name.clone()),
            raw_object_name: object
                .map_to_name
                .as_ref()
                .map(|_| object.object_name.clone()),
            on_request: object
                .delivery
                .as_ref()
                .is_some_and(|delivery| delivery.mode.as_deref() == Some("onRequest")),
            destination: chosen
                .destination
                .clone()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| object.destination.clone()),
            refused: chosen
                .selected_fields
                .iter()
                .flatten()
                .filter(|(_, on)| !**on)
                .filter_map(|(field, _)| {
                    let path = FieldPath::parse(field).ok()?;
                    path.top_level().map(str::to_owned)
                })
                .collect(),
            everything: chosen.selected_fields_auto.as_deref() == Some("all"),
            most_records: object.delivery.as_ref().and_then(most_records),
            filters,
            backfill_filters,
            rules: rules.done,
        })
    }

    /// The conditions on records of a read of that kind.
    pub(crate) fn filters(&self, read_type: Option<ReadType>) -> &[FieldFilter] {
        match (read_type, &self.backfill_filters) {
            (Some(ReadType::Backfill), Some(instead)) => instead,
            (
                Some(ReadType::Backfill | ReadType::Scheduled | ReadType::Triggered) | None,
                Some(_) | None,
            ) => &self.filters,
        }
    }

    /// What becomes of a field, by the app's name for it or by the provider's; the
    /// app's goes first.
    pub(super) fn rule(&self, name: &str) -> Option<&Rule> {
        let named = |wanted: &Place| self.rules.iter().find(|rule| rule.place == *wanted);
        let mapped = named(&Place::Mapped(name.to_owned()));
        mapped.or_else(|| named(&Place::Fields(name.to_owned())))
    }

    /// Whether a backfill has conditions of its own.
    pub(crate) fn has_backfill_filters(&self) -> bool {
        self.backfill_filters.is_some()
    }

    /// The names at the top of the record that are looked for: what a message or
    /// a condition is made from.
    pub(crate) fn sources(&self) -> BTreeSet<&str> {
        let conditions = self
            .filters
            .iter()
            .chain(self.backfill_filters.iter().flatten());
        let shown = self.rules.iter().map(|rule| rule.source.first_segment());
        shown.chain(conditions.map(FieldFilter::source)).collect()
    }
}

/// Whether a field of the provider goes out to the app by these choices. Where they
/// cannot be read every field counts as sent: what is wrong is said when they are saved.
#[must_use]
pub fn sends(object: &ReadObject, chosen: &ReadObjectConfig, field: &str) -> bool {
    let (Ok(selection), Ok(path)) = (
        Selection::new(object, Some(chosen)),
        FieldPath::parse(field),
    ) else {
        return true;
    };
    let beyond = |name: &str| selection.everything && !selection.refused.contains(name);
    let mut rules = selection.rules.iter();
    rules.any(|rule| rule.source == path) || path.top_level().is_some_and(beyond)
}

/// The conditions on every read, and those on a backfill where it has its own.
#[allow(clippy::type_complexity, reason = "it is told once, here")]
fn filters(
    chosen: &ReadObjectConfig,
) -> Result<(Vec<FieldFilter>, Option<Vec<FieldFilter>>), SelectionError> {
    let every = FieldFilter::all("fieldFilters", chosen.field_filters.as_deref());
    let own = chosen
        .backfill
        .as_ref()
        .and_then(|backfill| backfill.field_filters.as_deref());
    let own = own
        .map(|own| FieldFilter::all("backfill.fieldFilters", Some(own)))
        .transpose();
    match (every, own) {
        (Ok(every), Ok(own)) => Ok((every, own)),
        (every, own) => {
            let causes = [every.err(), own.err()].into_iter().flatten().flatten();
            Err(SelectionError::Filters(causes.collect()))
        }
    }
}

fn most_records(delivery: &Delivery) -> Option<usize> {
    let on_request = delivery.mode.as_deref() == Some("onRequest");
    usize::try_from(delivery.page_size.filter(|_| on_request)?).ok()
}

/// What a map has for a field: by its very name, or by another way to write the
/// same path.
fn of_field<'m, V>(map: Option<&'m BTreeMap<String, V>>, field: &str) -> Option<&'m V> {
    let map = map?;
    map.get(field).or_else(|| {
        let path = FieldPath::parse(field).ok()?;
        let mut others = map.iter();
        let same = others.find(|(name, _)| FieldPath::parse(name).as_ref() == Ok(&path));
        same.map(|(_, value)| value)
    })
}

/// A sync's object as the manifest has it, or had it last, and the customer's
/// choices for it.
pub(crate) fn definition(
    subject: &ReadSubject,
) -> Result<(ReadObject, Option<ReadObjectConfig>), SelectionError> {
    let unreadable = |what| move |source| SelectionError::Unreadable { what, source };
    let integration: manifest::Integration =
        serde_json::from_value(subject.revision.content.clone()).map_err(unreadable("revision"))?;
    let config: InstallationConfig = serde_json::from_value(subject.installation.config.clone())
        .map_err(unreadable("config"))?;
    let name = &subject.sync.object_name;
    let object = match (integration.read_object(name), &subject.sync.definition) {
        (Some(object), _) => object.clone(),
        (None, Some(last)) => {
            serde_json::from_value(last.clone()).map_err(unreadable("definition"))?
        }
        (None, None) => return Err(SelectionError::UnknownObject(name.clone())),
    };
    let read = config.read.as_ref();
    let chosen = read.and_then(|read| chosen(read.objects.iter(), &object));
    let chosen = chosen.cloned();
    Ok((object, chosen))
}

/// The customer's choices for `object`, named as the provider or the app names it.
pub(crate) fn chosen<'a>(
    mut objects: impl Iterator<Item = (&'a String, &'a ReadObjectConfig)>,
    object: &ReadObject,
) -> Option<&'a ReadObjectConfig> {
    objects
        .find(|(key, config)| {
            let name = config.object_name.as_ref().unwrap_or(key);
            *name == object.object_name || Some(name) == object.map_to_name.as_ref()
        })
        .map(|(_, config)| config)
}

/// Rules in the making: no place is filled twice.
struct Rules<'a> {
    chosen: &'a ReadObjectConfig,
    filled: BTreeSet<Place>,
    /// Fields that the manifest sends under another name: to select one of them
    /// is to select it under that name.
    renamed: Vec<FieldPath>,
    done: Vec<Rule>,
}

impl<'a> Rules<'a> {
    fn new(chosen: &'a ReadObjectConfig) -> Self {
        Self {
            chosen,
            filled: BTreeSet::new(),
            renamed: Vec::new(),
            done: Vec::new(),
        }
    }

    fn add(&mut self, field: &IntegrationField, required: bool) -> Result<(), SelectionError> {
        match field {
            IntegrationField::Existent {
                field_name,
                map_to_name,
                ..
            } => {
                if map_to_name.is_some() {
                    self.renamed.push(parsed(field_name)?);
                }
                if required
                    || self.is_selected(field_name)
                    || self.is_selected_as(map_to_name.as_deref())
                {
                    self.push(field_name, map_to_name.as_deref())?;
                }
            }
            // A mapping without a field: the customer says which, or the default holds.
            IntegrationField::Mapping {
                map_to_name,
                default,
                ..
            } => {
                let mapped = self
                    .chosen
                    .selected_field_mappings
                    .as_ref()
                    .and_then(|m| m.get(map_to_name));
                if let Some(field_name) = mapped.or(default.as_ref()) {
                    self.push(&field_name.clone(), Some(map_to_name))?;
                }
            }
        }
        Ok(())
    }

    /// Mappings that the app offers to this customer alone. Where the app fixed
    /// the field, nobody was asked, so it need not be among the selected ones.
    fn add_dynamic(&mut self) -> Result<(), SelectionError> {
        for mapping in self.chosen.dynamic_mappings_input.iter().flatten() {
            let fixed = mapping
                .field_name
                .as_deref()
                .filter(|name| !name.is_empty());
            if let (Some(field), false) = (fixed, mapping.map_to_name.is_empty()) {
                self.push(field, Some(&mapping.map_to_name))?;
            }
        }
        Ok(())
    }

    /// Fields that the customer selected or mapped and the manifest offers only
    /// through `optionalFieldsAuto`.
    fn add_selected_beyond(&mut self) -> Result<(), SelectionError> {
        for (field, _) in self
            .chosen
            .selected_fields
            .iter()
            .flatten()
            .filter(|(_, on)| **on)
        {
            if !self.renamed.contains(&parsed(field)?) {
                self.push(field, None)?;
            }
        }
        for (name, field) in self.chosen.selected_field_mappings.iter().flatten() {
            self.push(field, Some(name))?;
        }
        Ok(())
    }

    /// Where every field is asked for, those of them whose values have words: they go
    /// out by a rule, since only rules have words.
    fn add_worded(&mut self) -> Result<(), SelectionError> {
        if self.chosen.selected_fields_auto.as_deref() != Some("all") {
            return Ok(());
        }
        for field in self.chosen.selected_value_mappings.iter().flatten() {
            let Ok(source) = FieldPath::parse(field.0) else {
                continue;
            };
            let Some(name) = source.top_level() else {
                continue;
            };
            let is_plain = FieldPath::parse(name).as_ref() == Ok(&source);
            let is_ruled = self.done.iter().any(|rule| rule.source == source);
            if is_plain && !is_ruled && self.is_selected(name) {
                self.push(name, None)?;
            }
        }
        Ok(())
    }

    fn is_selected(&self, field: &str) -> bool {
        let selected = of_field(self.chosen.selected_fields.as_ref(), field).copied();
        selected.unwrap_or(self.chosen.selected_fields_auto.as_deref() == Some("all"))
    }

    fn is_selected_as(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| {
            self.chosen
                .selected_field_mappings
                .as_ref()
                .is_some_and(|m| m.contains_key(name))
        })
    }

    fn push(&mut self, field: &str, map_to: Option<&str>) -> Result<(), SelectionError> {
        let source = parsed(field)?;
        let place = map_to.map_or_else(
            || Place::Fields(field.to_owned()),
            |name| Place::Mapped(name.to_owned()),
        );
        if self.filled.insert(place.clone()) {
            let values = of_field(self.chosen.selected_value_mappings.as_ref(), field);
            let values = values
                .into_iter()
                .flatten()
                .map(|(app, provider)| (provider.clone(), app.clone()))
                .collect();
            self.done.push(Rule {
                source,
                place,
                values,
            });
        }
        Ok(())
    }
}

fn parsed(field: &str) -> Result<FieldPath, SelectionError> {
    FieldPath::parse(field).map_err(|e| SelectionError::Path {
        field: field.to_owned(),
        reason: e.to_string(),
    })
}

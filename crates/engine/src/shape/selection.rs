//! Which fields of an object go out and under which names: the manifest's
//! definition with the customer's choices laid over it. The config wins key by
//! key; required fields come from the manifest, always.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{FieldPath, IntegrationField, ReadObject};
use store::ReadSubject;

use super::config::{InstallationConfig, ReadObjectConfig};

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
    #[error("a record is not a JSON object: {0}")]
    Record(serde_json::Error),
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
    /// Cron in UTC; empty for no schedule, or while the customer has switched
    /// the object off.
    pub(crate) schedule: String,
    /// Whether the customer has not switched the object off.
    pub(crate) enabled: bool,
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
        rules.add_selected_beyond()?;
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
                .map(|(field, _)| field.clone())
                .collect(),
            everything: chosen.selected_fields_auto.as_deref() == Some("all"),
            rules: rules.done,
        })
    }
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
    done: Vec<Rule>,
}

impl<'a> Rules<'a> {
    fn new(chosen: &'a ReadObjectConfig) -> Self {
        Self {
            chosen,
            filled: BTreeSet::new(),
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
            self.push(field, None)?;
        }
        for (name, field) in self.chosen.selected_field_mappings.iter().flatten() {
            self.push(field, Some(name))?;
        }
        Ok(())
    }

    fn is_selected(&self, field: &str) -> bool {
        let selected = self
            .chosen
            .selected_fields
            .as_ref()
            .and_then(|s| s.get(field))
            .copied();
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
        let source = FieldPath::parse(field).map_err(|e| SelectionError::Path {
            field: field.to_owned(),
            reason: e.to_string(),
        })?;
        // A field that the manifest maps is not sent a second time unmapped.
        let mapped_already = map_to.is_none()
            && self
                .done
                .iter()
                .any(|rule| rule.source == source && matches!(rule.place, Place::Mapped(_)));
        let place = map_to.map_or_else(
            || Place::Fields(field.to_owned()),
            |name| Place::Mapped(name.to_owned()),
        );
        if !mapped_already && self.filled.insert(place.clone()) {
            let values = self
                .chosen
                .selected_value_mappings
                .as_ref()
                .and_then(|m| m.get(field));
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

//! The mapping of a read object in reverse: from a record in the app's names and
//! words to one in the provider's. Pure.
//!
//! A name is looked for as the app has it first, then as the provider has it.
//! Names that the manifest offers and the customer has mapped to nothing are left
//! out, since there is nowhere to put them; names that nobody knows pass through.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Object, ValueType};
use manifest::{FieldPath, IntegrationField, ReadObject};
use serde_json::{Map, Value};

use super::config::ReadObjectConfig;
use super::selection::{Place, Selection, SelectionError};

/// A mapping in reverse; the default one changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Reverse {
    /// Where the app's names lead.
    places: BTreeMap<String, FieldPath>,
    /// Names that the app may use and that lead nowhere.
    nowhere: BTreeSet<String>,
    /// By the provider's field: {value in the app: value of the provider}.
    words: Vec<(FieldPath, BTreeMap<String, String>)>,
    object: Option<&'static Object>,
}

impl Reverse {
    /// The reverse of what reads of `object` do.
    ///
    /// # Errors
    /// When the definition or the config cannot be read.
    pub(crate) fn of(
        read: &ReadObject,
        chosen: Option<&ReadObjectConfig>,
        object: Option<&'static Object>,
    ) -> Result<Self, SelectionError> {
        let selection = Selection::new(read, chosen)?;
        let mut places = BTreeMap::new();
        for rule in &selection.rules {
            if let Place::Mapped(name) = &rule.place {
                places.insert(name.clone(), rule.source.clone());
            }
        }
        let fields = [&read.required_fields, &read.optional_fields];
        let offered = fields.into_iter().flatten().flatten().filter_map(mapped);
        let dynamic = chosen.and_then(|chosen| chosen.dynamic_mappings_input.as_ref());
        let dynamic = dynamic.into_iter().flatten();
        let nowhere = offered
            .chain(dynamic.map(|mapping| &mapping.map_to_name))
            .filter(|name| !places.contains_key(*name))
            .cloned()
            .collect();
        let words = chosen.and_then(|chosen| chosen.selected_value_mappings.as_ref());
        let words = words.into_iter().flatten();
        let words = words.filter_map(|(field, words)| {
            let path = FieldPath::parse(field).ok()?;
            Some((path, words.clone()))
        });
        Ok(Self {
            nowhere,
            words: words.collect(),
            places,
            object,
        })
    }

    /// Where a name leads; `None` when it leads nowhere.
    pub(crate) fn place(&self, name: &str) -> Option<FieldPath> {
        if let Some(path) = self.places.get(name) {
            return Some(path.clone());
        }
        if self.nowhere.contains(name) {
            return None;
        }
        // A name that only looks like a path is a name.
        FieldPath::parse(name).ok().or_else(|| {
            let quoted = Value::String(name.to_owned());
            FieldPath::parse(&format!("$[{quoted}]")).ok()
        })
    }

    /// The record in the provider's names and words.
    ///
    /// # Errors
    /// A sentence, when two names lead to one place, or one into another's value.
    pub(crate) fn record(&self, record: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut reversed = Map::new();
        let mut from: Vec<(&str, FieldPath)> = Vec::new();
        for (name, value) in record {
            let Some(path) = self.place(name) else {
                continue;
            };
            if let Some((other, _)) = from.iter().find(|(_, taken)| *taken == path) {
                return Err(format!("`{other}` and `{name}` are the same field"));
            }
            let value = self.worded(&path, value);
            if !put(&mut reversed, &path, value) {
                return Err(format!("`{name}` is within a field that has another value"));
            }
            from.push((name, path));
        }
        Ok(reversed)
    }

    /// The provider's word for a value; one without passes unchanged.
    fn worded(&self, path: &FieldPath, value: &Value) -> Value {
        let words = self.words.iter().find(|(field, _)| field == path);
        let key = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return value.clone(),
        };
        match words.and_then(|(_, words)| words.get(&key)) {
            Some(word) => self.typed(path, word),
            None => value.clone(),
        }
    }

    /// Configs have words as text; the provider wants them in the field's type.
    fn typed(&self, path: &FieldPath, word: &str) -> Value {
        let fields = self.object.map_or(&[][..], |object| object.fields);
        let field = path
            .top_level()
            .and_then(|name| fields.iter().find(|field| field.name == name));
        let is_text = match field.map(|field| field.value_type) {
            Some(ValueType::Boolean) => !matches!(word, "true" | "false"),
            Some(ValueType::Int | ValueType::Float) => word.parse::<f64>().is_err(),
            _ => true,
        };
        let parsed = (!is_text)
            .then(|| serde_json::from_str(word).ok())
            .flatten();
        parsed.unwrap_or_else(|| Value::String(word.to_owned()))
    }
}

/// The app's name of a field, if it has one of its own.
fn mapped(field: &IntegrationField) -> Option<&String> {
    match field {
        IntegrationField::Existent { map_to_name, .. } => map_to_name.as_ref(),
        IntegrationField::Mapping { map_to_name, .. } => Some(map_to_name),
    }
}

/// The value at a path.
pub(crate) fn at<'v>(record: &'v Map<String, Value>, path: &FieldPath) -> Option<&'v Value> {
    path.below_first(record.get(path.first_segment())?)
}

/// Puts a value at a path, and what is above it where it is not there. False when
/// something else is in the way.
pub(crate) fn put(record: &mut Map<String, Value>, path: &FieldPath, value: Value) -> bool {
    let mut names: Vec<&str> = path.segments().collect();
    let Some(last) = names.pop() else {
        return false;
    };
    let mut here = record;
    for name in names {
        let below = here
            .entry(name)
            .or_insert_with(|| Value::Object(Map::new()));
        match below {
            Value::Object(below) => here = below,
            _ => return false,
        }
    }
    match (here.get_mut(last), value) {
        // A whole object was given beside some of its parts.
        (Some(Value::Object(there)), Value::Object(more)) => {
            for (name, value) in more {
                there.entry(name).or_insert(value);
            }
            true
        }
        (Some(_), _) => false,
        (None, value) => {
            here.insert(last.to_owned(), value);
            true
        }
    }
}

/// Takes what is at a path away, and what is empty above it then.
pub(crate) fn take(record: &mut Map<String, Value>, path: &FieldPath) -> Option<Value> {
    let names: Vec<&str> = path.segments().collect();
    take_at(record, &names)
}

fn take_at(here: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    let (first, rest) = names.split_first()?;
    if rest.is_empty() {
        return here.remove(*first);
    }
    let below = here.get_mut(*first)?.as_object_mut()?;
    let taken = take_at(below, rest);
    if taken.is_some() && below.is_empty() {
        here.remove(*first);
    }
    taken
}

//! One record as one entry of `result`: `fields`, `mappedFields`, `raw`.
//!
//! Values are copied as the provider wrote them, never re-encoded, unless a value
//! mapping replaces one. A field that the record lacks is left out: Bitbucket, for
//! one, leaves out what it keeps secret, and absent is not empty.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector::Record;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::selection::{Place, Rule, Selection, SelectionError};

/// An entry of `result`, encoded.
#[derive(Debug)]
pub(crate) struct ShapedRecord(pub(super) Vec<u8>);

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    fields: BTreeMap<&'a str, Cow<'a, RawValue>>,
    mapped_fields: BTreeMap<&'a str, Cow<'a, RawValue>>,
    raw: &'a RawValue,
}

impl Selection {
    /// Shapes one record.
    pub(crate) fn shape(&self, record: &Record) -> Result<ShapedRecord, SelectionError> {
        let sent: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_str(record.raw.get()).map_err(SelectionError::Record)?;
        let added: BTreeMap<&str, Box<RawValue>> = record
            .added
            .iter()
            .map(|(name, value)| Ok((name.as_str(), to_raw_value(value)?)))
            .collect::<Result<_, _>>()
            .map_err(SelectionError::Record)?;
        let top = |name: &str| {
            sent.get(name)
                .copied()
                .or_else(|| added.get(name).map(AsRef::as_ref))
        };

        let mut entry = Entry {
            fields: BTreeMap::new(),
            mapped_fields: BTreeMap::new(),
            raw: &record.raw,
        };
        for rule in &self.rules {
            let Some(value) = rule.pick(top)? else {
                continue;
            };
            match &rule.place {
                Place::Fields(name) => entry.fields.insert(name, value),
                Place::Mapped(name) => entry.mapped_fields.insert(name, value),
            };
        }
        if self.everything {
            let named = |name: &str| {
                self.rules
                    .iter()
                    .any(|rule| rule.source.top_level() == Some(name))
            };
            let rest = sent.iter().map(|(name, value)| (name.as_ref(), *value));
            let rest = rest.chain(added.iter().map(|(name, value)| (*name, value.as_ref())));
            for (name, value) in rest.filter(|(name, _)| !named(name)) {
                entry.fields.entry(name).or_insert(Cow::Borrowed(value));
            }
        }
        serde_json::to_vec(&entry)
            .map(ShapedRecord)
            .map_err(SelectionError::Record)
    }
}

impl Rule {
    /// The rule's value, if the record has one.
    fn pick<'a>(
        &self,
        top: impl Fn(&str) -> Option<&'a RawValue>,
    ) -> Result<Option<Cow<'a, RawValue>>, SelectionError> {
        let Some(value) = top(self.source.first_segment()) else {
            return Ok(None);
        };
        if self.source.top_level().is_some() && self.values.is_empty() {
            return Ok(Some(Cow::Borrowed(value)));
        }
        let parsed: Value = serde_json::from_str(value.get()).map_err(SelectionError::Record)?;
        let Some(found) = self.source.below_first(&parsed) else {
            return Ok(None);
        };
        let translated = self.translate(found);
        to_raw_value(&translated)
            .map(|value| Some(Cow::Owned(value)))
            .map_err(SelectionError::Record)
    }

    /// The app's word for a value; a value without one passes unchanged.
    fn translate<'v>(&self, value: &'v Value) -> Cow<'v, Value> {
        let key = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Bool(_) | Value::Number(_) => Cow::Owned(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => return Cow::Borrowed(value),
        };
        self.values
            .get(key.as_ref())
            .map_or(Cow::Borrowed(value), |app| {
                Cow::Owned(Value::String(app.clone()))
            })
    }
}

//! One record as one entry of `result`: `fields`, `mappedFields`, `raw`.
//!
//! Values are copied as the provider wrote them, never re-encoded, unless a value
//! mapping replaces one. A field that the record lacks is left out: some providers
//! leave out what they keep secret, and absent is not empty.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector::{Record, members};
use manifest::FieldPath;
use serde::de::Error as _;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::selection::{Place, Selection, SelectionError};

/// An entry of `result`, encoded.
#[derive(Debug)]
pub(crate) struct ShapedRecord(pub(super) Vec<u8>);

impl ShapedRecord {
    /// The entry as JSON.
    pub(crate) fn into_json(self) -> Result<Box<RawValue>, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }
}

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
        self.encode(record)
            .map(ShapedRecord)
            .map_err(SelectionError::Record)
    }

    fn encode(&self, record: &Record) -> Result<Vec<u8>, serde_json::Error> {
        let top = Top::of(record)?;
        let mut entry = Entry {
            fields: BTreeMap::new(),
            mapped_fields: BTreeMap::new(),
            raw: &record.raw,
        };
        for rule in &self.rules {
            let Some(value) = top.value(&rule.source, &rule.values)? else {
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
                    || self.refused.contains(name)
            };
            for (name, value) in top.iter().filter(|(name, _)| !named(name)) {
                entry.fields.entry(name).or_insert(Cow::Borrowed(value));
            }
        }
        // Most entries are their record and a little more.
        let mut encoded = Vec::with_capacity(record.raw.get().len() * 5 / 4 + 128);
        serde_json::to_writer(&mut encoded, &entry)?;
        Ok(encoded)
    }
}

/// Those of `fields` that are not at the top of a record.
///
/// # Errors
/// When the record is not a JSON object.
pub(crate) fn lacking<'f>(
    record: &Record,
    fields: &[&'f str],
) -> Result<Vec<&'f str>, serde_json::Error> {
    let top = Top::of(record)?;
    let missing = fields
        .iter()
        .filter(|field| !top.names().any(|name| name == **field));
    Ok(missing.copied().collect())
}

/// Only these fields of a record, as a JSON object: each under the name by which
/// it was asked for. Those that the record lacks are left out.
///
/// # Errors
/// When the record is not a JSON object.
pub fn pick(record: &Record, fields: &[(String, FieldPath)]) -> Result<Vec<u8>, serde_json::Error> {
    let top = Top::of(record)?;
    let mut picked = BTreeMap::new();
    for (name, path) in fields {
        if let Some(value) = top.value(path, &BTreeMap::new())? {
            picked.insert(name, value);
        }
    }
    serde_json::to_vec(&picked)
}

/// The fields at the top of a record, still encoded: those that the provider
/// sent, and those that we add.
pub(super) struct Top<'a> {
    sent: Vec<(Cow<'a, str>, &'a str)>,
    added: BTreeMap<&'a str, Box<RawValue>>,
}

impl<'a> Top<'a> {
    pub(super) fn of(record: &'a Record) -> Result<Self, serde_json::Error> {
        let added = record
            .added
            .iter()
            .map(|(name, value)| Ok((name.as_str(), to_raw_value(value)?)));
        Ok(Self {
            sent: members(&record.raw)
                .ok_or_else(|| serde_json::Error::custom("it begins with no `{`"))?
                .collect(),
            added: added.collect::<Result<_, serde_json::Error>>()?,
        })
    }

    fn get(&self, name: &str) -> Option<&RawValue> {
        let mut sent = self.sent.iter().rev();
        sent.find(|(sent, _)| sent == name)
            .and_then(|(_, value)| serde_json::from_str(value).ok())
            .or_else(|| self.added.get(name).map(AsRef::as_ref))
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        // Of two with one name the last is meant, so it comes first.
        let sent = self.sent.iter().rev().filter_map(|(name, value)| {
            let value: &RawValue = serde_json::from_str(value).ok()?;
            Some((name.as_ref(), value))
        });
        sent.chain(
            self.added
                .iter()
                .map(|(name, value)| (*name, value.as_ref())),
        )
    }

    /// The names at the top.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// The value at `path`, if there is one, as it was written.
    pub(super) fn raw(&self, path: &FieldPath) -> Result<Option<&RawValue>, serde_json::Error> {
        let Some(mut value) = self.get(path.first_segment()) else {
            return Ok(None);
        };
        for name in path.segments().skip(1) {
            if !value.get().starts_with('{') {
                return Ok(None);
            }
            let inside: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value.get())?;
            let Some(below) = inside.get(name).copied() else {
                return Ok(None);
            };
            value = below;
        }
        Ok(Some(value))
    }

    /// The value at `path`, if there is one, with `words` in place of the values
    /// that they are for.
    fn value(
        &self,
        path: &FieldPath,
        words: &BTreeMap<String, String>,
    ) -> Result<Option<Cow<'_, RawValue>>, serde_json::Error> {
        let Some(value) = self.raw(path)? else {
            return Ok(None);
        };
        if words.is_empty() {
            return Ok(Some(Cow::Borrowed(value)));
        }
        let parsed: Value = serde_json::from_str(value.get())?;
        match translated(&parsed, value.get(), words) {
            Cow::Borrowed(_) => Ok(Some(Cow::Borrowed(value))),
            Cow::Owned(word) => to_raw_value(&word).map(|word| Some(Cow::Owned(word))),
        }
    }
}

/// The app's word for a value; a value without one passes unchanged. A number is
/// looked for as the provider wrote it first, then as we would write it.
fn translated<'v>(
    value: &'v Value,
    written: &str,
    words: &BTreeMap<String, String>,
) -> Cow<'v, Value> {
    let word = match value {
        Value::String(text) => words.get(text),
        Value::Bool(_) | Value::Number(_) => {
            words.get(written).or_else(|| words.get(&value.to_string()))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    word.map_or(Cow::Borrowed(value), |word| {
        Cow::Owned(Value::String(word.clone()))
    })
}

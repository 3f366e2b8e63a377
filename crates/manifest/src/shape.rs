//! Which keys there are and what type each has.
//!
//! The table below is the whole documented manifest. Walking it over a document
//! finds wrong types, repeated keys and unknown keys, and makes the JSON form of
//! everything known; what is unknown is left out of it.

use serde_json::{Map, Value};

use crate::Rule;
use crate::explain::{Findings, did_you_mean};
use crate::tree::{At, Tree};

enum Shape {
    /// Text that looks like a number to YAML, and is taken for one all the same.
    Version,
    Text,
    Flag,
    Whole,
    List(&'static Self),
    Map(&'static [(&'static str, Self)]),
}

const MANIFEST: Shape = Shape::Map(&[
    ("specVersion", Shape::Version),
    ("integrations", Shape::List(&INTEGRATION)),
]);

const INTEGRATION: Shape = Shape::Map(&[
    ("name", Shape::Text),
    ("provider", Shape::Text),
    ("displayName", Shape::Text),
    ("module", Shape::Text),
    (
        "read",
        Shape::Map(&[("objects", Shape::List(&READ_OBJECT))]),
    ),
    (
        "write",
        Shape::Map(&[("objects", Shape::List(&WRITE_OBJECT))]),
    ),
    (
        "proxy",
        Shape::Map(&[("enabled", Shape::Flag), ("useModule", Shape::Flag)]),
    ),
    (
        "subscribe",
        Shape::Map(&[("objects", Shape::List(&SUBSCRIBE_OBJECT))]),
    ),
    ("watchSchema", WATCH_SCHEMA),
]);

const READ_OBJECT: Shape = Shape::Map(&[
    ("objectName", Shape::Text),
    ("destination", Shape::Text),
    ("schedule", Shape::Text),
    ("mapToName", Shape::Text),
    ("mapToDisplayName", Shape::Text),
    ("requiredFields", Shape::List(&FIELD)),
    ("optionalFields", Shape::List(&FIELD)),
    ("optionalFieldsAuto", Shape::Text),
    ("backfill", Shape::Map(&[("defaultPeriod", PERIOD)])),
    (
        "delivery",
        Shape::Map(&[("mode", Shape::Text), ("pageSize", Shape::Whole)]),
    ),
    ("enabled", Shape::Text),
]);

const PERIOD: Shape = Shape::Map(&[("days", Shape::Whole), ("fullHistory", Shape::Flag)]);

const FIELD: Shape = Shape::Map(&[
    ("fieldName", Shape::Text),
    ("mapToName", Shape::Text),
    ("mapToDisplayName", Shape::Text),
    ("default", Shape::Text),
    ("prompt", Shape::Text),
]);

const WRITE_OBJECT: Shape = Shape::Map(&[
    ("objectName", Shape::Text),
    ("inheritMapping", Shape::Flag),
    (
        "valueDefaults",
        Shape::Map(&[("allowAnyFields", Shape::Flag)]),
    ),
]);

const EVENT: Shape = Shape::Map(&[("enabled", Shape::Text)]);

const SUBSCRIBE_OBJECT: Shape = Shape::Map(&[
    ("objectName", Shape::Text),
    ("destination", Shape::Text),
    ("inheritFieldsAndMapping", Shape::Flag),
    ("createEvent", EVENT),
    (
        "updateEvent",
        Shape::Map(&[
            ("enabled", Shape::Text),
            ("watchFieldsAuto", Shape::Text),
            ("requiredWatchFields", Shape::List(&Shape::Text)),
        ]),
    ),
    ("deleteEvent", EVENT),
    (
        "associationChangeEvent",
        Shape::Map(&[
            ("enabled", Shape::Text),
            ("includeFullRecords", Shape::Flag),
        ]),
    ),
    ("otherEvents", Shape::List(&Shape::Text)),
]);

const WATCH_SCHEMA: Shape = Shape::Map(&[
    ("destination", Shape::Text),
    ("schedule", Shape::Text),
    (
        "allObjects",
        Shape::Map(&[
            ("fieldCreated", EVENT),
            ("fieldDeleted", EVENT),
            ("fieldChanged", EVENT),
        ]),
    ),
]);

/// Reports what does not fit and gives the JSON form of what does. A key whose
/// value is of the wrong type is left out, as if it were absent.
pub(crate) fn check(root: &At<'_>, findings: &mut Findings) -> Option<Value> {
    walk(root, &MANIFEST, findings)
}

fn walk(at: &At<'_>, shape: &Shape, findings: &mut Findings) -> Option<Value> {
    match (shape, &at.node.value) {
        (Shape::Version, Tree::Number(number)) => Some(Value::String(number.to_string())),
        (Shape::Text | Shape::Version, Tree::Text(text)) => Some(Value::String(text.clone())),
        (Shape::Flag, Tree::Flag(flag)) => Some(Value::Bool(*flag)),
        (Shape::Whole, Tree::Number(number)) if number.is_i64() || number.is_u64() => {
            Some(Value::Number(number.clone()))
        }
        (Shape::List(item), Tree::List(_)) => {
            let items = at.items();
            Some(
                items
                    .iter()
                    .filter_map(|at| walk(at, item, findings))
                    .collect(),
            )
        }
        (Shape::Map(keys), Tree::Map(_)) => Some(Value::Object(walk_map(at, keys, findings))),
        (_, found) => {
            let (wanted, remedy) = expectation(shape);
            let message = match at.path.rsplit('.').next() {
                None | Some("") if matches!(found, Tree::Null) => {
                    "the manifest is empty".to_owned()
                }
                None | Some("") => {
                    format!("the manifest is {}, but must be {wanted}", found.kind())
                }
                Some(name) => format!("`{name}` is {}, but must be {wanted}", found.kind()),
            };
            findings.add(Rule::Type, at, message, remedy);
            None
        }
    }
}

fn walk_map(
    at: &At<'_>,
    keys: &'static [(&'static str, Shape)],
    findings: &mut Findings,
) -> Map<String, Value> {
    let mut known = Map::new();
    let Tree::Map(entries) = &at.node.value else {
        return known;
    };
    for (i, entry) in entries.iter().enumerate() {
        let place = (at.path_of(&entry.key), entry.key_at);
        let Some((name, shape)) = keys.iter().find(|(name, _)| *name == entry.key) else {
            let remedy = did_you_mean(
                &entry.key,
                keys.iter().map(|(name, _)| *name),
                "Remove it: it has no effect",
            );
            let message = format!("`{}` is not a known key here", entry.key);
            findings.add_at(Rule::UnknownKey, place, message, remedy);
            continue;
        };
        if entries
            .iter()
            .take(i)
            .any(|earlier| earlier.key == entry.key)
        {
            let message = format!("`{name}` is here a second time");
            findings.add_at(Rule::RepeatedKey, place, message, "Keep one of the two");
            continue;
        }
        if matches!(entry.value.value, Tree::Null) {
            continue;
        }
        let value = at.value_of(entry);
        if let Some(value) = walk(&value, shape, findings) {
            known.insert((*name).to_owned(), value);
        }
    }
    known
}

/// What a shape is called, and how to get there.
fn expectation(shape: &Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Text | Shape::Version => (
            "text",
            "Write text, in quotes if it looks like something else",
        ),
        Shape::Flag => ("true or false", "Write true or false, without quotes"),
        Shape::Whole => ("a whole number", "Write digits, without quotes"),
        Shape::List(_) => ("a list", "Begin each item on a line of its own with `- `"),
        Shape::Map(_) => ("a map", "Write `key: value` lines below it, indented"),
    }
}

/// Every key there is, wherever it stands.
#[cfg(test)]
pub(crate) fn keys() -> Vec<&'static str> {
    fn add(shape: &Shape, keys: &mut Vec<&'static str>) {
        match shape {
            Shape::Version | Shape::Text | Shape::Flag | Shape::Whole => {}
            Shape::List(item) => add(item, keys),
            Shape::Map(entries) => {
                for (name, shape) in *entries {
                    keys.push(name);
                    add(shape, keys);
                }
            }
        }
    }
    let mut keys = Vec::new();
    add(&MANIFEST, &mut keys);
    keys
}

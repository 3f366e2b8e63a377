//! What goes out, as tables: selections, raw records, sizes of messages.

mod filters;
mod messages;
mod raw;
mod reverse;
mod selection;

use connector::Record;
use manifest::ReadObject;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{ReadObjectConfig, Selection, ShapedRecord};

/// A record as the provider sent it.
fn record(raw: &str) -> Record {
    Record {
        key: "key".to_owned(),
        version: None,
        raw: RawValue::from_string(raw.to_owned()).unwrap(),
        added: Map::new(),
    }
}

/// A manifest's object with some more keys.
fn object(keys: Value) -> ReadObject {
    let mut object = json!({ "objectName": "things", "destination": "inbox" });
    object
        .as_object_mut()
        .unwrap()
        .extend(keys.as_object().unwrap().clone());
    serde_json::from_value(object).unwrap()
}

fn config(keys: &Value) -> ReadObjectConfig {
    serde_json::from_value(keys.clone()).unwrap()
}

/// An entry as text.
fn shape(object: &ReadObject, chosen: &Value, record: &Record) -> String {
    let selection = Selection::new(object, Some(&config(chosen))).unwrap();
    let ShapedRecord(entry) = selection.shape(record).unwrap();
    String::from_utf8(entry).unwrap()
}

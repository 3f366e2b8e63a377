//! From the app's names and words to the provider's.

use connector::{Field, Filtering, Object, ValueType};
use serde_json::{Map, Value, json};

use super::{config, object};
use crate::shape::Reverse;

const fn field(name: &'static str, value_type: ValueType) -> Field {
    Field {
        name,
        display_name: name,
        value_type,
        provider_type: "",
        read_only: false,
        options: &[],
    }
}

static THINGS: Object = Object {
    name: "things",
    display_name: "Things",
    key: &["id"],
    timestamp: None,
    filtering: Filtering::None,
    filterable: &[],
    fields: &[
        field("on", ValueType::Boolean),
        field("size", ValueType::Int),
        field("name", ValueType::String),
    ],
    scope: None,
    removed: None,
    docs_url: "https://example.com",
};

fn reversed(record: &Value) -> Result<Value, String> {
    let read = object(json!({
        "requiredFields": [
            { "fieldName": "id" },
            { "fieldName": "name", "mapToName": "title" },
            { "fieldName": "$['owner']['name']", "mapToName": "by" },
            { "fieldName": "$['owner']['team']['key']", "mapToName": "team" },
        ],
        "optionalFields": [
            { "mapToName": "secrecy" },
            { "mapToName": "label" },
            { "fieldName": "note", "mapToName": "remark" },
        ],
    }));
    let chosen = config(&json!({
        "selectedFieldMappings": { "secrecy": "on" },
        "selectedValueMappings": {
            "on": { "hidden": "true", "open": "false", "odd": "perhaps" },
            "size": { "big": "10" },
            "name": { "first": "1" },
        },
        "dynamicMappingsInput": [
            { "mapToName": "kind", "fieldName": "type" },
            { "mapToName": "unfilled" },
        ],
    }));
    let reverse = Reverse::of(&read, Some(&chosen), Some(&THINGS)).unwrap();
    reverse.record(&map(record)).map(Value::Object)
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn names_lead_where_reads_take_them_from() {
    for (record, expected) in [
        (
            json!({ "title": "a", "by": "b", "team": "T" }),
            json!({ "name": "a", "owner": { "name": "b", "team": { "key": "T" } } }),
        ),
        (
            json!({ "name": "a", "id": 1 }),
            json!({ "name": "a", "id": 1 }),
        ),
        (json!({ "kind": "k" }), json!({ "type": "k" })),
        // Offered, and mapped to nothing.
        (
            json!({ "label": 1, "remark": 2, "unfilled": 3, "unknown": 4 }),
            json!({ "unknown": 4 }),
        ),
        // Paths, and names that only look like paths.
        (
            json!({ "$['owner']['key']": "K" }),
            json!({ "owner": { "key": "K" } }),
        ),
        (json!({ "$x": 1, "a.b": 2 }), json!({ "$x": 1, "a.b": 2 })),
        // A whole beside one of its parts.
        (
            json!({ "by": "b", "owner": { "age": 1 } }),
            json!({ "owner": { "name": "b", "age": 1 } }),
        ),
    ] {
        assert_eq!(reversed(&record).unwrap(), expected, "{record}");
    }
    for (record, words) in [
        (
            json!({ "name": "a", "title": "b" }),
            "`name` and `title` are the same field",
        ),
        (
            json!({ "by": "b", "owner": "text" }),
            "`owner` is within a field that has another value",
        ),
    ] {
        assert_eq!(reversed(&record).unwrap_err(), words, "{record}");
    }
}

#[test]
fn words_are_the_provider_s_in_the_field_s_type() {
    for (record, expected) in [
        (json!({ "secrecy": "hidden" }), json!({ "on": true })),
        (json!({ "on": "open" }), json!({ "on": false })),
        (json!({ "secrecy": "odd" }), json!({ "on": "perhaps" })),
        (json!({ "size": "big" }), json!({ "size": 10 })),
        (json!({ "title": "first" }), json!({ "name": "1" })),
        // Words that nobody maps, and what is no word.
        (json!({ "secrecy": "unheard" }), json!({ "on": "unheard" })),
        (json!({ "secrecy": true }), json!({ "on": true })),
        (json!({ "secrecy": null }), json!({ "on": null })),
        (json!({ "size": ["big"] }), json!({ "size": ["big"] })),
    ] {
        assert_eq!(reversed(&record).unwrap(), expected, "{record}");
    }
}

#[test]
fn without_a_mapping_nothing_changes() {
    let record = json!({ "title": "a", "owner": { "name": "b" }, "on": "open" });
    let reversed = Reverse::default().record(&map(&record)).unwrap();
    assert_eq!(Value::Object(reversed), record);
}

//! Which fields, under which names, with which values.

use serde_json::{Value, json};

use super::super::selection::SelectionError;
use super::{config, object, record, shape};
use crate::shape::{Selection, sends};

const RECORD: &str = r#"{"id":7,"name":"one","empty":null,"on":true,"size":12.50,"list":[1,{"a":2}],
    "owner":{"name":"ada","team":{"key":"T"}},"odd key":"odd"}"#;

/// A table of: what it shows, the manifest's object, the customer's choices,
/// `fields`, `mappedFields`.
type Case = (&'static str, Value, Value, Value, Value);

fn check(cases: Vec<Case>) {
    for (what, keys, chosen, fields, mapped) in cases {
        let entry: Value =
            serde_json::from_str(&shape(&object(keys), &chosen, &record(RECORD))).unwrap();
        assert_eq!(entry["fields"], fields, "{what}");
        assert_eq!(entry["mappedFields"], mapped, "{what}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn required_and_optional_fields() {
    let required = json!({ "requiredFields": [{ "fieldName": "id" }] });
    let optional = json!({ "optionalFields": [{ "fieldName": "name" }] });
    let renamed = json!({ "optionalFields": [{ "fieldName": "name", "mapToName": "title" }] });
    check(vec![
        (
            "required, unasked",
            required.clone(),
            json!({}),
            json!({ "id": 7 }),
            json!({}),
        ),
        (
            "required, refused",
            required.clone(),
            json!({ "selectedFields": { "id": false } }),
            json!({ "id": 7 }),
            json!({}),
        ),
        (
            "optional, unasked",
            optional.clone(),
            json!({}),
            json!({}),
            json!({}),
        ),
        (
            "optional, chosen",
            optional.clone(),
            json!({ "selectedFields": { "name": true } }),
            json!({ "name": "one" }),
            json!({}),
        ),
        (
            "optional, refused",
            optional,
            json!({ "selectedFields": { "name": false } }),
            json!({}),
            json!({}),
        ),
        (
            "optional under the app's name, chosen by the provider's",
            renamed.clone(),
            json!({ "selectedFields": { "name": true } }),
            json!({}),
            json!({ "title": "one" }),
        ),
        (
            "optional under the app's name, chosen by the app's",
            renamed,
            json!({ "selectedFieldMappings": { "title": "name" } }),
            json!({}),
            json!({ "title": "one" }),
        ),
        (
            "required under the app's name",
            json!({ "requiredFields": [{ "fieldName": "id", "mapToName": "number" }] }),
            json!({}),
            json!({}),
            json!({ "number": 7 }),
        ),
        (
            "the same field mapped and plain",
            json!({ "requiredFields": [{ "fieldName": "id", "mapToName": "number" }, { "fieldName": "id" }] }),
            json!({}),
            json!({ "id": 7 }),
            json!({ "number": 7 }),
        ),
        (
            "a nested field, chosen by another way to write its path",
            json!({ "optionalFields": [{ "fieldName": "$['owner']['name']" }] }),
            json!({ "selectedFields": { "$[\"owner\"][\"name\"]": true } }),
            json!({ "$['owner']['name']": "ada", "$[\"owner\"][\"name\"]": "ada" }),
            json!({}),
        ),
        (
            "the same field plain and mapped",
            json!({ "requiredFields": [{ "fieldName": "id" }, { "fieldName": "id", "mapToName": "number" }] }),
            json!({}),
            json!({ "id": 7 }),
            json!({ "number": 7 }),
        ),
    ]);
}

#[test]
fn all_fields() {
    let whole: Value = serde_json::from_str(RECORD).unwrap();
    let without = |names: &[&str]| {
        let mut some = whole.clone();
        some.as_object_mut()
            .unwrap()
            .retain(|name, _| !names.contains(&name.as_str()));
        some
    };
    let all = json!({ "selectedFieldsAuto": "all" });
    let auto = json!({ "optionalFieldsAuto": "all" });
    let mapped = json!({ "requiredFields": [{ "fieldName": "id", "mapToName": "number" }], "optionalFieldsAuto": "all" });
    let optional =
        json!({ "optionalFields": [{ "fieldName": "name" }], "optionalFieldsAuto": "all" });
    let nested =
        json!({ "requiredFields": [{ "fieldName": "$['owner']['name']", "mapToName": "who" }] });
    check(vec![
        (
            "all, chosen by the customer",
            auto.clone(),
            all.clone(),
            whole.clone(),
            json!({}),
        ),
        (
            "offered, not chosen",
            auto.clone(),
            json!({}),
            json!({}),
            json!({}),
        ),
        (
            "offered, one chosen",
            auto,
            json!({ "selectedFields": { "size": true, "name": false } }),
            json!({ "size": 12.5 }),
            json!({}),
        ),
        (
            "a mapped field is not sent twice",
            mapped,
            all.clone(),
            without(&["id"]),
            json!({ "number": 7 }),
        ),
        (
            "all but what was refused",
            optional,
            json!({ "selectedFieldsAuto": "all", "selectedFields": { "name": false } }),
            without(&["name"]),
            json!({}),
        ),
        (
            "a field inside another leaves the other",
            nested,
            all,
            whole.clone(),
            json!({ "who": "ada" }),
        ),
    ]);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn mappings() {
    let default = json!({ "requiredFields": [{ "mapToName": "title", "default": "name" }] });
    let open = json!({ "optionalFields": [{ "mapToName": "title" }] });
    let to = |field: &str| json!({ "selectedFieldMappings": { "title": field } });
    check(vec![
        (
            "the default",
            default.clone(),
            json!({}),
            json!({}),
            json!({ "title": "one" }),
        ),
        (
            "the customer's choice over the default",
            default,
            to("id"),
            json!({}),
            json!({ "title": 7 }),
        ),
        (
            "no choice and no default",
            open.clone(),
            json!({}),
            json!({}),
            json!({}),
        ),
        (
            "the customer's choice",
            open.clone(),
            to("id"),
            json!({}),
            json!({ "title": 7 }),
        ),
        (
            "a nested choice",
            open.clone(),
            to("$['owner']['team']['key']"),
            json!({}),
            json!({ "title": "T" }),
        ),
        (
            "a choice with an odd name",
            open.clone(),
            to("odd key"),
            json!({}),
            json!({ "title": "odd" }),
        ),
        (
            "the same in brackets",
            open.clone(),
            to("$[\"odd key\"]"),
            json!({}),
            json!({ "title": "odd" }),
        ),
        (
            "a whole list",
            open.clone(),
            to("list"),
            json!({}),
            json!({ "title": [1, { "a": 2 }] }),
        ),
        (
            "null is a value",
            open.clone(),
            to("empty"),
            json!({}),
            json!({ "title": null }),
        ),
        (
            "an absent field is left out",
            open.clone(),
            to("missing"),
            json!({}),
            json!({}),
        ),
        (
            "a path that ends early is left out",
            open.clone(),
            to("$['owner']['none']"),
            json!({}),
            json!({}),
        ),
        (
            "a path through a text is left out",
            open.clone(),
            to("$['name']['none']"),
            json!({}),
            json!({}),
        ),
        (
            "a path through null is left out",
            open,
            to("$['empty']['none']"),
            json!({}),
            json!({}),
        ),
        (
            "nested without another name",
            json!({ "requiredFields": [{ "fieldName": "$['owner']['name']" }] }),
            json!({}),
            json!({ "$['owner']['name']": "ada" }),
            json!({}),
        ),
    ]);
}

#[test]
fn dynamic_mappings() {
    let auto = json!({ "optionalFieldsAuto": "all" });
    let offered = json!([
        { "mapToName": "title", "mapToDisplayName": "Title", "prompt": "Which?" },
        { "mapToName": "state", "mappedValues": [
            { "mappedValue": "active", "mappedDisplayValue": "Active" },
            { "mappedValue": "idle", "mappedDisplayValue": "Idle" },
        ] },
        { "mapToName": "who", "fieldName": "$['owner']['name']" },
    ]);
    check(vec![
        (
            "offered and not chosen; what the app fixed needs no choice",
            auto.clone(),
            json!({ "dynamicMappingsInput": offered }),
            json!({}),
            json!({ "who": "ada" }),
        ),
        (
            "chosen, with values, and one nested",
            auto.clone(),
            json!({
                "dynamicMappingsInput": offered,
                "selectedFieldMappings": { "title": "$['owner']['team']['key']", "state": "on" },
                "selectedValueMappings": { "on": { "active": "true", "idle": "false" } },
            }),
            json!({}),
            json!({ "title": "T", "state": "active", "who": "ada" }),
        ),
        (
            "the app's fixed field is not to be overruled",
            auto.clone(),
            json!({ "dynamicMappingsInput": offered, "selectedFieldMappings": { "who": "name" } }),
            json!({}),
            json!({ "who": "ada" }),
        ),
        (
            "values of a fixed field",
            auto.clone(),
            json!({
                "dynamicMappingsInput": [{ "mapToName": "kind", "fieldName": "name" }],
                "selectedValueMappings": { "name": { "first": "one" } },
            }),
            json!({}),
            json!({ "kind": "first" }),
        ),
        (
            "a field mapped by the customer, and selected too, is sent as both",
            auto.clone(),
            json!({ "selectedFields": { "name": true }, "selectedFieldMappings": { "title": "name" } }),
            json!({ "name": "one" }),
            json!({ "title": "one" }),
        ),
        (
            "empty and absent",
            auto.clone(),
            json!({ "dynamicMappingsInput": [{ "mapToName": "", "fieldName": "id" }, { "mapToName": "x", "fieldName": "" }, {}] }),
            json!({}),
            json!({}),
        ),
        (
            "none",
            auto,
            json!({ "dynamicMappingsInput": null }),
            json!({}),
            json!({}),
        ),
    ]);
}

#[test]
fn values() {
    let fields = json!({ "requiredFields": [
        { "fieldName": "name" }, { "fieldName": "id" }, { "fieldName": "on", "mapToName": "state" },
        { "fieldName": "list" }, { "fieldName": "empty" }, { "fieldName": "$['owner']['name']", "mapToName": "who" },
    ] });
    let words = json!({ "selectedValueMappings": {
        "name": { "first": "one", "second": "two" },
        "id": { "seven": "7" },
        "on": { "active": "true", "idle": "false" },
        "list": { "never": "[1]" },
        "empty": { "nothing": "null" },
        "$['owner']['name']": { "Ada": "ada" },
    } });
    let other = json!({ "selectedValueMappings": { "name": { "first": "another" }, "id": { "seven": "70" } } });
    check(vec![
        (
            "the app's words for texts, numbers and booleans; nothing else has words",
            fields.clone(),
            words,
            json!({ "name": "first", "id": "seven", "list": [1, { "a": 2 }], "empty": null }),
            json!({ "state": "active", "who": "Ada" }),
        ),
        (
            "a number as the provider wrote it, and a path written in another way",
            json!({ "requiredFields": [{ "fieldName": "size" }, { "fieldName": "$['owner']['name']" }] }),
            json!({ "selectedValueMappings": {
                "size": { "big": "12.50" }, "$[\"owner\"][\"name\"]": { "Ada": "ada" },
            } }),
            json!({ "size": "big", "$['owner']['name']": "Ada" }),
            json!({}),
        ),
        (
            "a value without a word passes unchanged",
            fields,
            other,
            json!({ "name": "one", "id": 7, "list": [1, { "a": 2 }], "empty": null }),
            json!({ "state": true, "who": "ada" }),
        ),
    ]);
}

#[test]
fn values_of_fields_that_are_sent_unasked() {
    let words = json!({
        "selectedFieldsAuto": "all", "selectedFields": { "size": false },
        "selectedFieldMappings": { "title": "name" },
        "selectedValueMappings": {
            "on": { "active": "true" }, "size": { "big": "12.50" }, "name": { "first": "one" },
            "$['owner']['name']": { "Ada": "ada" }, "$..x": { "never": "1" }, "absent": { "never": "1" },
        },
    });
    check(vec![(
        "all of them, but those that are refused, mapped or not at the top",
        json!({ "optionalFieldsAuto": "all" }),
        words.clone(),
        json!({
            "id": 7, "empty": null, "on": "active", "list": [1, { "a": 2 }],
            "owner": { "name": "ada", "team": { "key": "T" } }, "odd key": "odd",
        }),
        json!({ "title": "first" }),
    )]);
    let object =
        object(json!({ "requiredFields": [{ "fieldName": "$['owner']['team']['key']" }] }));
    let chosen = config(&words);
    for (field, sent) in [
        ("on", true),
        ("name", true),
        ("$['owner']['team']['key']", true),
        ("size", false),
        ("$['owner']['name']", false),
    ] {
        assert_eq!(sends(&object, &chosen, field), sent, "{field}");
    }
    let nothing = config(&json!({}));
    assert!(!sends(&object, &nothing, "on") && !sends(&object, &nothing, "owner"));
}

#[test]
fn fields_that_we_add_are_fields_and_never_raw() {
    let mut added = record(r#"{"id":7}"#);
    added
        .added
        .insert("subject".to_owned(), json!("repository"));
    let entry = shape(
        &object(json!({})),
        &json!({ "selectedFieldsAuto": "all" }),
        &added,
    );
    assert_eq!(
        entry,
        r#"{"fields":{"id":7,"subject":"repository"},"mappedFields":{},"raw":{"id":7}}"#
    );
    let mapped = json!({ "selectedFieldMappings": { "about": "subject" } });
    let entry = shape(&object(json!({})), &mapped, &added);
    assert_eq!(
        entry,
        r#"{"fields":{},"mappedFields":{"about":"repository"},"raw":{"id":7}}"#
    );
}

#[test]
fn names_and_destinations() {
    let plain = Selection::new(&object(json!({})), None).unwrap();
    assert_eq!(
        (plain.object_name.as_str(), plain.raw_object_name.as_deref()),
        ("things", None)
    );
    assert_eq!(plain.destination, "inbox");
    let mapped = object(json!({ "mapToName": "items" }));
    let chosen = config(&json!({ "destination": "elsewhere" }));
    let mapped = Selection::new(&mapped, Some(&chosen)).unwrap();
    assert_eq!(
        (
            mapped.object_name.as_str(),
            mapped.raw_object_name.as_deref()
        ),
        ("items", Some("things"))
    );
    assert_eq!(mapped.destination, "elsewhere");
    let empty = config(&json!({ "destination": "" }));
    assert_eq!(
        Selection::new(&object(json!({})), Some(&empty))
            .unwrap()
            .destination,
        "inbox"
    );
}

#[test]
fn a_path_that_is_none_is_named() {
    let chosen = config(&json!({ "selectedFieldMappings": { "x": "$..name" } }));
    let error = Selection::new(&object(json!({})), Some(&chosen)).unwrap_err();
    assert!(
        matches!(&error, SelectionError::Path { field, .. } if field == "$..name"),
        "{error}"
    );
}

#[test]
fn a_record_that_is_no_object_is_an_error() {
    let selection = Selection::new(&object(json!({})), None).unwrap();
    assert!(selection.shape(&record("[1]")).is_err());
    assert!(selection.shape(&record("7")).is_err());
}

//! Which records are wanted: conditions on fields, and records' own times.

use connector::{Filtering, Object};
use serde_json::{Value, json};
use store::{ReadRange, ReadType};

use super::super::selection::SelectionError;
use super::{config, object, record};
use crate::shape::{Selection, Wanted};

const RECORD: &str = r#"{"id":7,"big":12345678901234567890,"part":2.50,"name":"o\"n\\e","on":true,"none":null,
    "owner":{"key":"K","team":{"name":"T"}},"odd.key":"odd","updated_on":"2026-01-02T03:04:05+00:00"}"#;

fn selection(keys: Value) -> Result<Selection, SelectionError> {
    Selection::new(&object(json!({})), Some(&config(&keys)))
}

/// Whether a record with that condition is wanted.
fn holds(field: &str, value: &Value) -> bool {
    let filter = json!({ "fieldName": field, "operator": "eq", "value": value });
    let selection = selection(json!({ "fieldFilters": [filter] })).unwrap();
    let filters = selection.filters(Some(ReadType::Scheduled)).to_vec();
    let wanted = Wanted::new(ReadRange::default(), filters);
    wanted.holds(&record(RECORD)).unwrap()
}

#[test]
fn a_condition_compares_values_of_one_type() {
    for (field, value, expected) in [
        ("id", json!(7), true),
        ("id", json!(7.0), true),
        ("id", json!(8), false),
        ("id", json!("7"), false),
        ("big", json!(12_345_678_901_234_567_890_u64), true),
        ("big", json!(12_345_678_901_234_567_891_u64), false),
        ("part", json!(2.5), true),
        ("part", json!(2), false),
        ("name", json!("o\"n\\e"), true),
        ("name", json!("O\"N\\E"), false),
        ("on", json!(true), true),
        ("on", json!(false), false),
        ("on", json!("true"), false),
        ("none", json!(""), false),
        ("none", json!(false), false),
        ("missing", json!(""), false),
        ("owner", json!("K"), false),
        ("$['owner']['key']", json!("K"), true),
        ("$['owner']['team']['name']", json!("T"), true),
        ("owner.key", json!("K"), true),
        ("owner.team.name", json!("T"), true),
        ("owner.team.none", json!("T"), false),
        ("name.none", json!("T"), false),
        // A field of that very name goes before a path.
        ("odd.key", json!("odd"), true),
        ("$['odd.key']", json!("odd"), true),
    ] {
        assert_eq!(holds(field, &value), expected, "{field} = {value}");
    }
}

#[test]
fn conditions_are_joined_and_a_backfill_may_have_its_own() {
    let one =
        |field: &str, value: Value| json!({ "fieldName": field, "operator": "eq", "value": value });
    let period = json!({ "fullHistory": true });
    for (what, keys, backfill, scheduled) in [
        ("none", json!({}), true, true),
        ("nulls", json!({ "fieldFilters": null }), true, true),
        (
            "both hold",
            json!({ "fieldFilters": [one("id", json!(7)), one("on", json!(true))] }),
            true,
            true,
        ),
        (
            "one holds",
            json!({ "fieldFilters": [one("id", json!(7)), one("on", json!(false))] }),
            false,
            false,
        ),
        (
            "in place of the others",
            json!({ "fieldFilters": [one("id", json!(8))],
                    "backfill": { "defaultPeriod": period, "fieldFilters": [one("id", json!(7))] } }),
            true,
            false,
        ),
        (
            "a backfill without any",
            json!({ "fieldFilters": [one("id", json!(8))],
                    "backfill": { "defaultPeriod": period, "fieldFilters": [] } }),
            true,
            false,
        ),
        (
            "a backfill that says nothing of it",
            json!({ "fieldFilters": [one("id", json!(8))], "backfill": { "defaultPeriod": period } }),
            false,
            false,
        ),
    ] {
        let selection = selection(keys).unwrap();
        for (read_type, expected) in [
            (ReadType::Backfill, backfill),
            (ReadType::Scheduled, scheduled),
            (ReadType::Triggered, scheduled),
        ] {
            let filters = selection.filters(Some(read_type)).to_vec();
            let wanted = Wanted::new(ReadRange::default(), filters);
            assert_eq!(
                wanted.holds(&record(RECORD)).unwrap(),
                expected,
                "{what}, {read_type:?}"
            );
        }
    }
}

#[test]
fn everything_wrong_with_conditions_is_told() {
    let wrong = json!({
        "fieldFilters": [
            { "fieldName": "id", "operator": "gt", "value": 7 },
            { "fieldName": "name", "operator": "eq" },
            { "fieldName": "owner.key", "operator": "eq", "value": "K" },
            { "fieldName": "$['owner']['key']", "operator": "eq", "value": "L" },
            { "operator": "eq", "value": 1 },
            { "fieldName": "$..x", "operator": "eq", "value": 1 },
            { "fieldName": "list", "operator": "eq", "value": [1] },
        ],
        "backfill": { "defaultPeriod": { "days": 1 }, "fieldFilters": [{ "fieldName": "id", "value": 1 }] },
    });
    let causes = selection(wrong).unwrap_err().causes();
    let expected = [
        ("fieldFilters[0]", "operator `gt` is not known"),
        ("fieldFilters[1]", "`name` is given no `value`"),
        ("fieldFilters[3]", "has a condition already"),
        ("fieldFilters[4]", "has no `fieldName`"),
        ("fieldFilters[5]", "`$..x` is no field name"),
        ("fieldFilters[6]", "neither text"),
        ("backfill.fieldFilters[0]", "operator `` is not known"),
    ];
    assert_eq!(causes.len(), expected.len(), "{causes:?}");
    for (cause, (place, words)) in causes.iter().zip(expected) {
        assert!(
            cause.starts_with(&format!("`{place}`")) && cause.contains(words),
            "{cause}"
        );
    }
}

const THINGS: Object = Object {
    name: "things",
    display_name: "Things",
    key: &["id"],
    timestamp: Some("updated_on"),
    filtering: Filtering::None,
    filterable: &[],
    fields: &[],
    scope: None,
    removed: None,
    docs_url: "https://example.com",
};

fn range(since: Option<&str>, until: Option<&str>) -> ReadRange {
    let time = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    ReadRange {
        since: time(since),
        until: time(until),
    }
}

#[test]
fn a_range_goes_by_the_records_own_time() {
    let at = "2026-01-02T03:04:05Z";
    for (since, until, expected) in [
        (None, None, true),
        (Some(at), None, true),
        (Some("2026-01-02T03:04:05.000001Z"), None, false),
        (Some("2026-01-02T05:04:05+02:00"), None, true),
        (None, Some(at), false),
        (None, Some("2026-01-02T03:04:05.000000001Z"), true),
        (Some(at), Some("2026-01-03T00:00:00Z"), true),
        (Some(at), Some(at), false),
    ] {
        let wanted = Wanted::new(range(since, until), Vec::new()).by_own_time(Some(&THINGS));
        assert!(wanted.note().is_none());
        assert_eq!(
            wanted.holds(&record(RECORD)).unwrap(),
            expected,
            "{since:?} to {until:?}"
        );
    }
    // Nothing is left out because its time cannot be told.
    let wanted = Wanted::new(range(Some(at), None), Vec::new()).by_own_time(Some(&THINGS));
    for odd in [
        "{}",
        r#"{"updated_on":null}"#,
        r#"{"updated_on":"soon"}"#,
        r#"{"updated_on":7}"#,
    ] {
        assert!(wanted.holds(&record(odd)).unwrap(), "{odd}");
    }
}

#[test]
fn what_cannot_be_limited_is_told_once_and_only_if_it_was_to_be() {
    let timeless = Object {
        timestamp: None,
        ..THINGS
    };
    let limited = range(Some("2030-01-01T00:00:00Z"), None);
    let wanted = Wanted::new(limited, Vec::new()).by_own_time(Some(&timeless));
    assert!(wanted.note().unwrap().contains("all of them are delivered"));
    assert!(wanted.holds(&record(RECORD)).unwrap());
    let whole = Wanted::new(ReadRange::default(), Vec::new()).by_own_time(Some(&timeless));
    assert!(whole.note().is_none());
    let nested = Object {
        timestamp: Some("owner.at"),
        ..THINGS
    };
    let wanted = Wanted::new(limited, Vec::new()).by_own_time(Some(&nested));
    assert!(
        !wanted
            .holds(&record(r#"{"owner":{"at":"2026-01-01T00:00:00.5+00:00"}}"#))
            .unwrap()
    );
}

#[test]
fn the_names_that_are_looked_for() {
    let keys = json!({
        "requiredFields": [{ "fieldName": "id" }, { "fieldName": "$['owner']['key']", "mapToName": "k" }],
        "optionalFields": [{ "fieldName": "unchosen" }, { "mapToName": "label" }],
    });
    let chosen = config(&json!({
        "selectedFields": { "refused": false, "name": true },
        "selectedFieldMappings": { "label": "$['links']['self']" },
        "fieldFilters": [{ "fieldName": "project.key", "operator": "eq", "value": "K" }],
    }));
    let selection = Selection::new(&object(keys), Some(&chosen)).unwrap();
    let names: Vec<&str> = selection.sources().into_iter().collect();
    assert_eq!(names, ["id", "links", "name", "owner", "project"]);
}

#[test]
fn pages_are_for_those_who_ask_for_them() {
    for (delivery, expected) in [
        (json!({ "mode": "onRequest", "pageSize": 100 }), Some(100)),
        (json!({ "mode": "auto" }), None),
        (json!({ "mode": "auto", "pageSize": 100 }), None),
        (json!({ "pageSize": 100 }), None),
    ] {
        let object = object(json!({ "delivery": delivery }));
        let selection = Selection::new(&object, None).unwrap();
        assert_eq!(selection.most_records, expected, "{delivery}");
    }
}

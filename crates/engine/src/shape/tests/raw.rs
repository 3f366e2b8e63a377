//! Records go out byte for byte.

use proptest::prelude::*;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use super::{object, record, shape};

/// The parts of an entry, unparsed.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    fields: BTreeMap<String, Box<RawValue>>,
    raw: Box<RawValue>,
}

fn entry(raw: &str) -> Entry {
    let all = json!({ "selectedFieldsAuto": "all" });
    serde_json::from_str(&shape(&object(json!({})), &all, &record(raw))).unwrap()
}

#[test]
fn nothing_is_rewritten() {
    for raw in [
        "{}",
        "{ \"a\" :\t1 ,\r\n \"b\":[ ] }",
        r#"{"a":"\u00e9\ud83d\ude00 \/ \u003c"}"#,
        "{\"a\":\"é😀 / <\"}",
        r#"{"a":123456789012345678901234567890,"b":1.0,"c":1E+2,"d":-0,"e":0.1000}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"\u0061":1}"#,
        r#"{"a":{"b":{"c":[1.10,{"d":"\t"}]}}}"#,
    ] {
        let sent = entry(raw);
        assert_eq!(sent.raw.get(), raw);
    }
}

#[test]
fn fields_are_copied_as_they_were_written() {
    let sent = entry(
        r#"{"big":123456789012345678901234567890,"text":"\u00e9","list":[ 1.0 , 2 ],"n\u0061me":0.10}"#,
    );
    let field = |name: &str| sent.fields[name].get();
    assert_eq!(field("big"), "123456789012345678901234567890");
    assert_eq!(field("text"), r#""\u00e9""#);
    assert_eq!(field("list"), "[ 1.0 , 2 ]");
    assert_eq!(field("name"), "0.10");
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    assert_eq!(entry(r#"{"a":1,"b":2,"a":3}"#).fields["a"].get(), "3");
}

#[test]
fn a_value_without_a_word_keeps_its_spelling() {
    let raw = r#"{"size":12.50,"big":123456789012345678901234567890,"text":"\u00e9"}"#;
    let words = json!({
        "selectedFieldsAuto": "all",
        "selectedFields": { "size": true, "big": true, "text": true },
        "selectedValueMappings": { "size": { "none": "0" }, "big": { "none": "0" }, "text": { "none": "" } },
    });
    let text = shape(&object(json!({})), &words, &record(raw));
    let sent: Entry = serde_json::from_str(&text).unwrap();
    assert_eq!(sent.fields["size"].get(), "12.50");
    assert_eq!(sent.fields["big"].get(), "123456789012345678901234567890");
    assert_eq!(sent.fields["text"].get(), r#""\u00e9""#);
}

#[test]
fn a_nested_value_keeps_its_spelling() {
    let raw =
        r#"{"owner":{"id":123456789012345678901234567890,"name":"\u00e9","of":{"b":1,"a":1.0}}}"#;
    for (path, written) in [
        ("$['owner']['id']", "123456789012345678901234567890"),
        ("$['owner']['name']", r#""\u00e9""#),
        ("$['owner']['of']", r#"{"b":1,"a":1.0}"#),
    ] {
        let chosen = json!({ "selectedFieldMappings": { "x": path } });
        let text = shape(&object(json!({})), &chosen, &record(raw));
        assert!(
            text.contains(&format!("\"mappedFields\":{{\"x\":{written}}}")),
            "{path}: {text}"
        );
    }
}

proptest! {
    /// Whatever JSON there is, with whatever space between.
    #[test]
    fn any_record_goes_out_as_it_came(
        pairs in prop::collection::vec((".*", prop_oneof![".*".prop_map(|text| json!(text)), any::<i64>().prop_map(|n| json!(n)), any::<f64>().prop_map(|n| json!(n)), Just(json!(null))]), 0..6),
        space in "[ \t\r\n]{0,3}",
    ) {
        let inside: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{space}{}{space}:{value}{space}", json!(name))).collect();
        let raw = format!("{{{}}}", inside.join(","));
        let sent = entry(&raw);
        prop_assert_eq!(sent.raw.get(), raw.as_str());
    }
}

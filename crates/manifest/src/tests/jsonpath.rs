//! Names, paths, and what is neither.

use serde_json::json;

use crate::{FieldPath, FieldPathError};

#[test]
fn a_path_is_its_names() {
    for (text, names) in [
        ("name", vec!["name"]),
        ("full name", vec!["full name"]),
        ("a.b", vec!["a.b"]),
        ("$['name']", vec!["name"]),
        ("$['a']['b c'][\"d\"]", vec!["a", "b c", "d"]),
        ("$[ 'a' ] ['b']", vec!["a", "b"]),
        (r"$['it\'s']", vec!["it's"]),
        (r#"$['say "x"']["it's"]"#, vec![r#"say "x""#, "it's"]),
        (r"$['\u00e9\\n']['é]']", vec!["é\\n", "é]"]),
    ] {
        let path = FieldPath::parse(text).unwrap();
        assert_eq!(path.segments().collect::<Vec<_>>(), names, "{text}");
        assert_eq!(path.first_segment(), names[0]);
        assert_eq!(path.top_level().is_some(), names.len() == 1);
    }
}

#[test]
fn what_is_no_path_is_said_so() {
    assert_eq!(FieldPath::parse(""), Err(FieldPathError::Empty));
    for text in [
        "$['a'",
        "$[a]",
        "$['a']x",
        "$x",
        "$['a'",
        "$['a\\q']",
        "$[]",
    ] {
        let refusal = FieldPath::parse(text).unwrap_err();
        assert!(
            matches!(refusal, FieldPathError::Malformed { .. }),
            "{text}: {refusal}"
        );
    }
    for text in [
        "$",
        "$.a",
        "$['a'].b",
        "$['a'][0]",
        "$[*]",
        "$..a",
        "$['a','b']",
        "$[?@.a]",
    ] {
        assert_eq!(
            FieldPath::parse(text),
            Err(FieldPathError::NotNames),
            "{text}"
        );
    }
}

#[test]
fn a_path_selects() {
    let record = json!({"project": {"key": "ENG", "none": null}, "a.b": 1, "list": [1]});
    let select = |text: &str| FieldPath::parse(text).unwrap().select(&record).cloned();
    assert_eq!(select("$['project']['key']"), Some(json!("ENG")));
    assert_eq!(select("$['project']['none']"), Some(json!(null)));
    assert_eq!(select("$['project']['none']['x']"), None);
    assert_eq!(select("$['project']['key']['x']"), None);
    assert_eq!(select("$['list']['0']"), None);
    assert_eq!(select("project"), Some(json!({"key": "ENG", "none": null})));
    assert_eq!(select("a.b"), Some(json!(1)));
    assert_eq!(select("nothing"), None);
    let path = FieldPath::parse("$['project']['key']").unwrap();
    assert_eq!(path.below_first(&record["project"]), Some(&json!("ENG")));
}

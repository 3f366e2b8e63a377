//! Searches: what is asked for, what is refused, and that no value can be read as
//! anything but one value.

use std::collections::BTreeMap;

use connector::{Connector, Failure, Filter, FilterValue, Intent, Outcome, SearchIntent};
use proptest::prelude::*;
use url::Url;

use super::{answer, bitbucket, failed};

const JSON: &str = "application/json";

fn search(object: &str, filters: Vec<Filter>) -> Intent {
    Intent::Search(SearchIntent {
        object: object.to_owned(),
        inputs: BTreeMap::from([("workspace".to_owned(), "acme".to_owned())]),
        filters,
    })
}

fn filter(path: &str, value: FilterValue) -> Filter {
    Filter {
        path: path.split('.').map(str::to_owned).collect(),
        value,
    }
}

fn text(path: &str, value: &str) -> Filter {
    filter(path, FilterValue::Text(value.to_owned()))
}

/// The first request of a search, its `q` decoded.
fn asked(intent: &Intent) -> Result<(Url, String), Failure> {
    let bitbucket = bitbucket();
    let request = bitbucket.step(&bitbucket.start(intent)?)?;
    let url = Url::parse(&request.url).unwrap();
    let q = url.query_pairs().find(|(name, _)| name == "q");
    let q = q.map(|(_, value)| value.into_owned()).unwrap_or_default();
    Ok((url, q))
}

#[test]
fn every_condition_is_asked_for() {
    let filters = vec![
        text("project.key", "CORE"),
        filter("is_private", FilterValue::Truth(true)),
        filter("size", FilterValue::Number(7.into())),
    ];
    let (url, q) = asked(&search("repositories", filters)).unwrap();
    assert_eq!(url.path(), "/2.0/repositories/acme");
    assert_eq!(
        q,
        r#"project.key = "CORE" AND is_private = true AND size = 7"#
    );
    // No order and no time: it is no read.
    let names: Vec<_> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(names, ["q", "pagelen"]);
    let (url, _) = asked(&search("permissions", vec![text("permission", "owner")])).unwrap();
    assert_eq!(url.path(), "/2.0/workspaces/acme/permissions");
}

#[test]
fn a_page_names_the_next() {
    let bitbucket = bitbucket();
    let state = bitbucket
        .start(&search("repositories", vec![text("language", "rust")]))
        .unwrap();
    let next = "https://api.bitbucket.org/2.0/repositories/acme?q=opaque&page=2";
    let body = format!(
        r#"{{"values":[{{"uuid":"{{1}}","updated_on":"2026-01-02T03:04:05+00:00"}}],"next":"{next}"}}"#
    );
    let Outcome::Page(page) = bitbucket.advance(&state, &answer(200, JSON, &body)) else {
        panic!("no page");
    };
    assert_eq!(page.records.len(), 1);
    let request = bitbucket.step(&page.next.unwrap()).unwrap();
    assert_eq!(request.url, next);
    assert_eq!(request.group, Some(crate::REPOSITORIES_GROUP));
}

#[test]
fn a_condition_that_bitbucket_refuses_is_never_dropped() {
    let bitbucket = bitbucket();
    let state = bitbucket
        .start(&search("repositories", vec![text("scm", "git")]))
        .unwrap();
    let body = r#"{"type":"error","error":{"message":"scm does not support filtering"}}"#;
    let failure = failed(bitbucket.advance(&state, &answer(400, JSON, body)));
    assert_eq!(failure.class(), "invalid");
    assert!(failure.to_string().contains("does not support filtering"));
    // A page that is too large is another matter.
    let body = r#"{"type":"error","error":{"message":"Invalid pagelen"}}"#;
    let Outcome::Again(smaller) = bitbucket.advance(&state, &answer(400, JSON, body)) else {
        panic!("not asked again");
    };
    let request = bitbucket.step(&smaller).unwrap();
    assert!(request.url.contains("q=scm") && request.url.ends_with("pagelen=50"));
}

#[test]
fn what_bitbucket_cannot_check_is_refused_by_field() {
    let wrong = vec![
        text("website", "x"),
        text("is_private", "true"),
        filter(
            "size",
            FilterValue::Number(serde_json::Number::from_f64(1.5).unwrap()),
        ),
        filter("name", FilterValue::Truth(true)),
        text("slug", r#"" OR name != ""#),
        text("language", "rust"),
    ];
    let Err(Failure::Invalid { fields, .. }) = asked(&search("repositories", wrong)) else {
        panic!("not refused");
    };
    let said: Vec<(&str, &str)> = fields
        .iter()
        .map(|(field, why)| (field.as_str(), why.first().unwrap().as_str()))
        .collect();
    for (expected, found) in [
        ("is_private", "true or false"),
        ("name", "a text"),
        ("size", "a whole number"),
        ("slug", "double quote"),
        ("website", "project.key"),
    ]
    .iter()
    .zip(&said)
    {
        assert_eq!(expected.0, found.0);
        assert!(found.1.contains(expected.1), "{found:?}");
    }
    assert_eq!(said.len(), 5);
    let long = vec![text("name", &"x".repeat(1000))];
    assert_eq!(
        asked(&search("repositories", long)).unwrap_err().class(),
        "invalid"
    );
}

#[test]
fn what_bitbucket_cannot_search_is_refused() {
    for object in ["projects", "hooks", "addon/linkers", "nothings"] {
        let intent = search(object, vec![text("name", "x")]);
        let failure = asked(&intent).unwrap_err();
        assert_eq!(failure.class(), "invalid", "{object}");
    }
    let failure = asked(&search("projects", vec![])).unwrap_err().to_string();
    assert!(failure.contains("repositories"), "{failure}");
}

/// A reader of `q` that shares nothing with what wrote it: comparisons joined by
/// AND, each a path and a literal. `escapes` is the way that Bitbucket's description
/// leaves open: whether a backslash in a text says something of what follows.
fn understood(q: &str, escapes: bool) -> Option<Vec<(String, Literal)>> {
    let mut rest = q;
    let mut read = Vec::new();
    loop {
        let (path, after) = rest.split_once(" = ")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if !path.chars().all(plain) {
            return None;
        }
        let literal = if let Some(inside) = after.strip_prefix('"') {
            let (value, after) = quoted(inside, escapes)?;
            rest = after;
            Literal::Text(value)
        } else {
            let end = after.find(' ').unwrap_or(after.len());
            let (word, after) = after.split_at(end);
            rest = after;
            Literal::Bare(word.to_owned())
        };
        read.push((path.to_owned(), literal));
        if rest.is_empty() {
            return Some(read);
        }
        rest = rest.strip_prefix(" AND ")?;
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Literal {
    Text(String),
    Bare(String),
}

fn quoted(inside: &str, escapes: bool) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, inside.get(at + 1..)?)),
            '\\' if escapes => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// Texts that mean to be read as more than a text, among any others.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just(" OR name != ".to_owned()),
        Just(" AND ".to_owned()),
        Just("\" = \"".to_owned()),
        Just("&q=".to_owned()),
        Just("#%22+".to_owned()),
        Just("\r\n".to_owned()),
        any::<String>(),
        "[a-z0-9 ]{0,12}",
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn any_filter() -> impl Strategy<Value = (Filter, Literal)> {
    prop_oneof![
        (
            any_text(),
            prop::sample::select(vec!["name", "slug", "project.key"])
        )
            .prop_map(|(value, path)| (text(path, &value), Literal::Text(value))),
        any::<bool>().prop_map(|truth| (
            filter("is_private", FilterValue::Truth(truth)),
            Literal::Bare(truth.to_string())
        )),
        any::<i64>().prop_map(|number| (
            filter("size", FilterValue::Number(number.into())),
            Literal::Bare(number.to_string())
        )),
    ]
}

proptest! {
    /// Whatever is asked for, Bitbucket reads just that or is never asked.
    #[test]
    fn no_value_gets_out_of_its_condition(wanted in prop::collection::vec(any_filter(), 1..4)) {
        let filters = wanted.iter().map(|(filter, _)| filter.clone()).collect();
        let expected: Vec<(String, Literal)> = wanted
            .iter()
            .map(|(filter, literal)| (filter.path.join("."), literal.clone()))
            .collect();
        if let Ok((url, q)) = asked(&search("repositories", filters)) {
            // The address has these two parameters and no other.
            prop_assert_eq!(url.query_pairs().count(), 2);
            prop_assert_eq!(url.fragment(), None);
            for escapes in [false, true] {
                prop_assert_eq!(understood(&q, escapes), Some(expected.clone()));
            }
        }
    }

    /// Nothing harmless is refused.
    #[test]
    fn plain_texts_are_asked_for(value in "[^\"\\\\\\p{Cc}]{0,60}") {
        let (_, q) = asked(&search("repositories", vec![text("name", &value)])).unwrap();
        prop_assert_eq!(q, format!("name = \"{value}\""));
    }
}

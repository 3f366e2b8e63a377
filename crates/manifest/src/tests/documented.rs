//! The documentation has every rule as it is, and every key.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{Rule, Severity};

const REFERENCE: &str = include_str!("../../../../docs/manifest.md");
const PAGE: &str = include_str!("../../../../docs/manifest-rules.md");

/// The rows of the page's table for one severity.
fn table(severity: Severity) -> String {
    let mut text = String::from("| rule | what is wrong | what to do |\n|---|---|---|\n");
    for rule in Rule::ALL.iter().filter(|rule| rule.severity() == severity) {
        let (name, what, remedy) = (rule.name(), rule.what(), rule.remedy());
        writeln!(text, "| `{name}` | {what} | {remedy} |").unwrap();
    }
    text
}

#[test]
fn the_page_lists_every_rule_as_it_is() {
    for severity in [Severity::Error, Severity::Warning] {
        let table = table(severity);
        assert!(
            PAGE.contains(&table),
            "docs/manifest-rules.md lacks this table:\n\n{table}"
        );
    }
}

#[test]
fn the_reference_has_every_key() {
    // Refused wherever it stands, so what it may hold is of no use.
    let refused = [
        "allObjects",
        "fieldCreated",
        "fieldDeleted",
        "fieldChanged",
        "includeFullRecords",
    ];
    for key in crate::shape::keys() {
        assert!(
            refused.contains(&key) || REFERENCE.contains(key),
            "docs/manifest.md does not mention `{key}`"
        );
    }
}

#[test]
fn names_are_stable_words() {
    let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        let name = rule.name();
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{name}"
        );
        assert_eq!(Rule::named(name), Some(*rule));
        assert!(
            rule.what().ends_with('.') && rule.remedy().ends_with('.'),
            "{name}"
        );
    }
    assert_eq!(Rule::named("nobody"), None);
}

//! Every implemented operation against Bitbucket's published description.
//!
//! The description is wrong in places. Where the sandbox departs from it, a line of
//! `exceptions.tsv` says so and quotes the words of `facts.md`, or of a recorded response, that
//! are the reason. A deviation without a line fails the test, as does a line without a
//! deviation or with a quotation that is not in its source.
//!
//! These documents lie beside the repository and are not part of it. Without them the test
//! checks nothing, except in CI, where it fails.

mod exchanges;
mod walker;

use super::{Server, options};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use walker::Description;

fn reference(name: &str) -> Option<String> {
    let base = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/bitbucket");
    let text = std::fs::read_to_string(base.join(name)).ok();
    let in_ci = std::env::var("CI").as_deref() == Ok("true");
    assert!(text.is_some() || !in_ci, "{name} is missing");
    text
}

/// Sections of the facts by their number; a heading starts with `## `.
fn sections(facts: &str) -> BTreeMap<String, String> {
    let parts = facts.split("\n## ").skip(1);
    parts
        .filter_map(|part| {
            let (number, _) = part.split_once('.')?;
            Some((format!("§{number}"), part.to_owned()))
        })
        .collect()
}

/// Each line: deviation, source, words quoted from it, reason. The source is a section of the
/// facts or, where these are silent, a recorded response.
fn exceptions(facts: &str) -> BTreeSet<String> {
    let sections = sections(facts);
    let mut found = BTreeSet::new();
    for line in include_str!("exceptions.tsv").lines().skip(1) {
        let [deviation, source, quoted, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not four columns: {line}");
        };
        let text = if source.starts_with('§') {
            sections.get(source).cloned()
        } else {
            reference(source).map(|text| text.replace("\\/", "/"))
        };
        let text = text.unwrap_or_else(|| panic!("no {source}"));
        assert!(text.contains(quoted), "{source} does not say: {quoted}");
        assert!(!reason.is_empty(), "{line}");
        assert!(found.insert(deviation.to_owned()), "twice: {deviation}");
    }
    found
}

#[tokio::test]
async fn responses_are_as_described_but_for_reviewed_exceptions() {
    let (Some(described), Some(facts)) = (reference("openapi-2026-08.json"), reference("facts.md"))
    else {
        return;
    };
    let mut description = Description::new(&described);
    let server = Server::start(options()).await;
    exchanges::all(&server, &mut description).await;
    description.demand_all(&crate::api::paths());
    let allowed = exceptions(&facts);
    let found = description.deviations;
    let undocumented: Vec<_> = found.difference(&allowed).collect();
    let unneeded: Vec<_> = allowed.difference(&found).collect();
    assert!(
        undocumented.is_empty() && unneeded.is_empty(),
        "without an exception: {undocumented:#?}\nexceptions no longer needed: {unneeded:#?}"
    );
}

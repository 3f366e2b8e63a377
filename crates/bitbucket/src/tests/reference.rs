//! Against what Bitbucket publishes and what others recorded of it. That
//! material is not part of the project, so these tests pass over where it is
//! absent, but not in CI.

use std::path::PathBuf;

use connector::{Outcome, Page};

use super::{answer, failed, first};

/// A file of the reference material.
fn reference(name: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/bitbucket");
    match std::fs::read_to_string(root.join(name)) {
        Ok(text) => Some(text),
        Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("CI needs the reference material: {name}: {error}")
        }
        Err(_) => None,
    }
}

/// Takes a recording for the first page of repositories.
fn recorded(name: &str) -> Option<(Page, String)> {
    let body = reference(&format!("recordings/{name}"))?;
    let outcome = first("repositories", &answer(200, "application/json", &body));
    match outcome {
        Outcome::Page(page) => Some((page, body)),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn recorded_pages_of_repositories() {
    for (name, records, total, more) in [
        ("repos.json", 1, None, true),
        ("repos-2.json", 1, None, false),
        ("repos_filter.json", 1, None, true),
        ("repos_empty.json", 0, Some(0), false),
        ("repo_as_list.json", 1, Some(1), false),
    ] {
        let Some((page, body)) = recorded(name) else {
            return;
        };
        assert_eq!(page.records.len(), records, "{name}");
        assert_eq!(page.estimated_total, total, "{name}");
        assert_eq!(page.next.is_some(), more, "{name}");
        for record in &page.records {
            assert!(body.contains(record.raw.get()), "{name}");
            assert!(record.key.starts_with('{'), "{name}");
            let version = record.version.as_deref();
            assert_eq!(version, Some("2018-04-01T16:36:35.970175Z"), "{name}");
        }
    }
}

#[test]
fn every_recorded_field_is_in_the_table() {
    let Some((page, _)) = recorded("repos.json") else {
        return;
    };
    let known = crate::objects::Row::of("repositories")
        .unwrap()
        .object
        .fields;
    for record in &page.records {
        let value: serde_json::Value = serde_json::from_str(record.raw.get()).unwrap();
        for name in value.as_object().unwrap().keys() {
            assert!(known.iter().any(|field| field.name == name), "{name}");
        }
    }
}

#[test]
fn recorded_oddities_are_refused() {
    for (name, words) in [
        ("userEmail.json", "not a page"),
        ("statuses.json", "another origin (https://bitbucket.org)"),
        ("branches.json", "another origin (https://bitbucket.org)"),
    ] {
        let Some(body) = reference(&format!("recordings/{name}")) else {
            return;
        };
        let failure = failed(first("projects", &answer(200, "application/json", &body)));
        assert_eq!(failure.class(), "protocol", "{name}");
        assert!(failure.to_string().contains(words), "{name}: {failure}");
    }
}

#[test]
fn the_table_is_what_is_published() {
    let Some(endpoints) = reference("endpoints-2026-08.tsv") else {
        return;
    };
    for row in crate::objects::ROWS {
        let line = endpoints
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        let found = line
            .into_iter()
            .find(|line| line[0] == "GET" && line[1] == row.path);
        let found = found.unwrap_or_else(|| panic!("no GET {}", row.path));
        assert_eq!(
            row.object.scope.unwrap_or_default(),
            found[2],
            "{}",
            row.path
        );
        let filters = found[6].split(',').any(|name| name == "q");
        let by_time = row.object.filtering == connector::Filtering::ByTime;
        assert_eq!(filters, by_time, "{}", row.path);
    }
}

#[test]
fn published_fields_are_in_the_table() {
    let Some(text) = reference("openapi-2026-08.json") else {
        return;
    };
    let api: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (object, schema) in [("repositories", "repository"), ("projects", "project")] {
        let known = crate::objects::Row::of(object).unwrap().object.fields;
        let parts = &api["components"]["schemas"][schema]["allOf"];
        for name in parts[1]["properties"].as_object().unwrap().keys() {
            assert!(
                known.iter().any(|field| field.name == name),
                "{object}.{name}"
            );
        }
    }
}

//! Against what Bitbucket publishes: its endpoints with their scopes, and the
//! schemas of what they answer. What others recorded of it is in
//! [`super::recordings`].
//!
//! That material is not part of the project, so these tests pass over where it
//! is absent, but not in CI.

use std::path::PathBuf;

use connector::{Filtering, ValueType};
use serde_json::Value;

use crate::objects::{Paging, ROWS, Row};

/// Where the reference material is, if it is there.
pub(super) fn material() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/bitbucket");
    if root.is_dir() {
        return Some(root);
    }
    let in_ci = std::env::var("CI").as_deref() == Ok("true");
    assert!(!in_ci, "CI needs the reference material: {root:?}");
    None
}

/// A file of the reference material.
fn reference(name: &str) -> Option<String> {
    let path = material()?.join(name);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}")))
}

/// A line of the table of endpoints.
struct Endpoint<'a> {
    scopes: &'a str,
    parameters: Vec<&'a str>,
    deprecated: bool,
}

fn get<'a>(table: &'a str, path: &str) -> Option<Endpoint<'a>> {
    let lines = table.lines().map(|line| line.split('\t').collect());
    let mut lines = lines.filter(|line: &Vec<_>| line[0] == "GET" && line[1] == path);
    let line = lines.next()?;
    assert!(lines.next().is_none(), "GET {path} twice");
    Some(Endpoint {
        scopes: line[2],
        parameters: line[6].split(',').collect(),
        deprecated: !line[7].is_empty(),
    })
}

#[test]
fn the_table_is_what_is_published() {
    let Some(endpoints) = reference("endpoints-2026-08.tsv") else {
        return;
    };
    let older = reference("swagger-2024-05.json").unwrap();
    let older: Value = serde_json::from_str(&older).unwrap();
    for row in ROWS {
        let name = row.object.name;
        let published = get(&endpoints, row.path);
        let described_earlier = older["paths"].get(row.path).is_some();
        if row.object.removed.is_some() {
            assert!(published.is_none(), "{name} is there after all");
            assert!(described_earlier, "{name} never was");
            continue;
        }
        let published = published.unwrap_or_else(|| panic!("no GET {}", row.path));
        assert!(!published.deprecated, "{name}");
        assert_eq!(
            row.object.scope.unwrap_or_default(),
            published.scopes,
            "{name}"
        );
        if row.object.filtering == Filtering::ByTime {
            for parameter in ["q", "sort"] {
                assert!(published.parameters.contains(&parameter), "{name}");
            }
        }
        // What is asked for next takes no more than the first request.
        let next = match row.paging {
            Paging::ByKey | Paging::ByNext => continue,
            Paging::Branches { list, .. } => list.replace("{name}", "{subject_type}"),
            Paging::Details { detail, .. } => detail.replace("{name}", "{workspace}"),
        };
        let next = get(&endpoints, &next).unwrap_or_else(|| panic!("no GET {next}"));
        assert!(!next.deprecated, "{name}");
        let scope = row.object.scope.unwrap_or_default();
        assert!(next.scopes.is_empty() || next.scopes == scope, "{name}");
    }
}

/// The objects with a published schema, and what is ours alone or not read.
const SCHEMAS: &[(&str, &str, &[&str])] = &[
    ("repositories", "repository", &[]),
    ("projects", "project", &[]),
    // Never returned.
    ("hooks", "webhook_subscription", &["secret"]),
    ("members", "workspace_membership", &[]),
    ("permissions", "workspace_membership", &[]),
    ("permissions/repositories", "repository_permission", &[]),
    ("pipelines-config/variables", "pipeline_variable", &[]),
    ("snippets", "snippet", &[]),
    ("workspaces", "workspace", &[]),
    ("hook_events", "hook_event", &[]),
];

#[test]
fn published_fields_are_in_the_table() {
    let Some(text) = reference("openapi-2026-08.json") else {
        return;
    };
    let api: Value = serde_json::from_str(&text).unwrap();
    for (object, schema, left_out) in SCHEMAS {
        let schema = &api["components"]["schemas"][schema];
        let own = schema.get("properties");
        let own = own.unwrap_or_else(|| &schema["allOf"][1]["properties"]);
        let properties = own.as_object().unwrap();
        for (name, property) in properties {
            if !left_out.contains(&name.as_str()) {
                check_field(object, name, property);
            }
        }
    }
    // None is published for these.
    for object in ["user/emails", "addon/linkers"] {
        assert!(SCHEMAS.iter().all(|(name, ..)| *name != object));
    }
    assert_eq!(SCHEMAS.len() + 2, ROWS.len());
}

fn check_field(object: &str, name: &str, property: &Value) {
    let fields = Row::of(object).unwrap().object.fields;
    let field = fields.iter().find(|field| field.name == name);
    let field = field.unwrap_or_else(|| panic!("{object} lacks {name}"));
    // The same in the description, another in real answers.
    if (object, name) == ("snippets", "id") {
        return;
    }
    let options = property
        .get("enum")
        .or_else(|| property["items"].get("enum"));
    let options: Vec<&str> = options
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|option| option.as_str().unwrap())
        .collect();
    assert_eq!(field.options, options, "{object}.{name}");
    let text = |key: &str| property.get(key).and_then(Value::as_str);
    let value_type = match (text("type"), text("format"), options.is_empty()) {
        (Some("array"), _, false) => ValueType::MultiSelect,
        (_, _, false) => ValueType::SingleSelect,
        (Some("boolean"), ..) => ValueType::Boolean,
        (Some("integer"), ..) => ValueType::Int,
        (Some("string"), Some("date-time"), _) => ValueType::DateTime,
        (Some("string"), ..) => ValueType::String,
        _ => ValueType::Other,
    };
    assert_eq!(field.value_type, value_type, "{object}.{name}");
    let provider_type = text("format").or(text("type")).unwrap_or_else(|| {
        let schema = text("$ref").unwrap();
        schema.rsplit('/').next().unwrap()
    });
    assert_eq!(field.provider_type, provider_type, "{object}.{name}");
    if property["readOnly"] == true {
        assert!(field.read_only, "{object}.{name}");
    }
}

//! Broken manifests with their problems, and sound ones that come back as they were.

mod broken;
mod documented;
mod encodings;
mod ignored;
mod jsonpath;
mod mutated;
mod sound;
mod subscribed;

use connector::{Description, Field, Filtering, OAuth, Object, Removed, ValueType};

use crate::{Limits, Report, check};

const fn field(name: &'static str) -> Field {
    Field {
        name,
        display_name: name,
        value_type: ValueType::String,
        provider_type: "string",
        read_only: false,
        options: &[],
    }
}

const fn object(name: &'static str, fields: &'static [Field]) -> Object {
    Object {
        name,
        display_name: name,
        key: &["id"],
        timestamp: None,
        filtering: Filtering::None,
        filterable: &[],
        fields,
        scope: None,
        removed: None,
        docs_url: "https://example.com/docs",
    }
}

static OBJECTS: [Object; 4] = [
    object("books", &[field("id"), field("title"), field("author")]),
    object("shelves", &[field("id")]),
    // Its fields are not known beforehand.
    object("notes", &[]),
    Object {
        removed: Some(Removed {
            announcement: "https://example.com/gone",
        }),
        ..object("tablets", &[])
    },
];

/// A provider that there is not.
fn library() -> Description {
    Description {
        provider: "library",
        display_name: "Library",
        docs_url: "https://example.com/docs",
        origin: "https://api.example.com".to_owned(),
        oauth: OAuth {
            authorize_url: "https://example.com/authorize".to_owned(),
            token_url: "https://example.com/token".to_owned(),
            explicit_scopes: false,
        },
        client_setup: None,
        inputs: &[],
        own_credentials: &[],
        check_path: None,
        groups: Vec::new(),
        objects: &OBJECTS,
        proxy: None,
        writable: &["shelves"],
    }
}

fn report(text: &str) -> Report {
    check(text, &[&library()], Limits::default())
}

/// `rule line:column path` of every problem, warnings marked with a `~`.
fn places(text: &str) -> Vec<String> {
    let shown = |p: &crate::Problem| {
        let mark = match p.severity() {
            crate::Severity::Error => "",
            crate::Severity::Warning => "~",
        };
        assert!(
            !p.message.is_empty() && !p.remedy.is_empty() && !p.message.ends_with('.'),
            "{p}"
        );
        format!("{mark}{} {}:{} {}", p.rule.name(), p.line, p.column, p.path)
    };
    report(text).problems.iter().map(shown).collect()
}

//! Exchanges in files, one folder per object: `fixtures/{object}/{case}.case`.
//!
//! A case names its inputs, then alternates `--- asks` (the URL, or its end
//! after a `…`, and the resource group if there is one), `--- gets STATUS`
//! (headers, an empty line, the body) and `--- means` (the outcome as [`render`]
//! writes it). It goes on from where each outcome leads; a failure leaves it
//! where it was. In all of them, records are the very bytes of the body, and
//! states survive storage.
//!
//! What every object answers alike is in `fixtures/any` and is run for each, with
//! `{object}`, `{key}` and `{subject}` filled in. A case of the same name in an
//! object's own folder stands in for it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use connector::{
    Connector, Failure, Filter, FilterValue, Intent, Method, Outcome, Page, ReadIntent, Response,
    State,
};
use serde_json::Value;

use super::bitbucket;
use crate::objects::Row;

/// Cases that every object has, of its own or of all.
const REQUIRED: &[&str] = &[
    "whole",
    "empty",
    "unknown-fields",
    "invalid-pagelen",
    "401",
    "401-text",
    "403-scopes",
    "404-html",
    "410",
    "429",
    "429-retry-after",
    "503-html",
    "truncated",
    "foreign-next",
];

#[test]
fn every_object() {
    for row in crate::objects::ROWS {
        let mut cases = in_folder("any");
        let own = in_folder(&row.object.name.replace('/', "_"));
        assert!(!own.is_empty(), "{} has no case", row.object.name);
        cases.extend(own);
        for path in cases.values() {
            check(row, path);
        }
        for required in REQUIRED {
            assert!(
                cases.contains_key(*required),
                "{} lacks the case {required}",
                row.object.name
            );
        }
    }
}

/// The cases in a folder of the fixtures, by name.
fn in_folder(name: &str) -> BTreeMap<String, PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let files = fs::read_dir(fixtures.join(name)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect()
}

fn check(row: &Row, path: &Path) {
    let object = row.object.name;
    let case = format!("{object}: {}", path.display());
    let text = fs::read_to_string(path).unwrap();
    let subject = if row.path.contains("{workspace}") {
        "workspace \"acme\""
    } else {
        object
    };
    let text = text
        .replace("{object}", object)
        .replace("{key}", &row.object.key.join(", "))
        .replace("{subject}", subject);
    let text = format!("\n{}", text.strip_suffix('\n').unwrap());
    let mut sections = text.split("\n--- ");
    let bitbucket = bitbucket();
    let mut state = bitbucket
        .start(&intent(object, sections.next().unwrap()))
        .unwrap();
    let mut response = None;
    for section in sections {
        let (head, content) = section.split_once('\n').unwrap();
        match head.split_once(' ').unwrap_or((head, "")) {
            ("asks", _) => {
                let request = bitbucket.step(&state).unwrap();
                assert_eq!(request.method, Method::Get, "{case}");
                let group = request.group.map(|name| format!("\ngroup {name}"));
                let asked = request.url + &group.clone().unwrap_or_default();
                match content.strip_prefix('…') {
                    Some(end) => {
                        let end = end.to_owned() + &group.unwrap_or_default();
                        assert!(asked.ends_with(&end), "{case} asks for {asked}");
                    }
                    None => assert_eq!(asked, content, "{case} asks for something else"),
                }
                let removed = row.object.removed.is_some();
                assert_eq!(request.judges_credential, !removed, "{case}");
            }
            ("gets", status) => response = Some(gets(status.parse().unwrap(), content)),
            ("means", _) => {
                let response = response.take().unwrap();
                let outcome = bitbucket.advance(&state, &response);
                let means = render(&outcome);
                assert_eq!(means, content, "{case} means something else:\n{means}\n");
                check_bytes(&outcome, &response);
                state = goes_on(outcome).unwrap_or(state);
            }
            _ => panic!("{case}: what is a section {head:?}?"),
        }
    }
    assert!(
        response.is_none(),
        "{case} does not say what its answer means"
    );
}

fn intent(object: &str, head: &str) -> Intent {
    let mut intent = ReadIntent {
        object: object.to_owned(),
        ..ReadIntent::default()
    };
    let lines = head.lines().filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with('#')) {
        if let Some(since) = line.strip_prefix("since ") {
            intent.since = Some(since.parse().unwrap());
        } else if let Some(until) = line.strip_prefix("until ") {
            intent.until = Some(until.parse().unwrap());
        } else if let Some(filter) = line.strip_prefix("filter ") {
            intent.filters.push(condition(filter));
        } else {
            let (name, value) = line
                .strip_prefix("inputs ")
                .unwrap()
                .split_once('=')
                .unwrap();
            intent.inputs.insert(name.to_owned(), value.to_owned());
        }
    }
    Intent::Read(intent)
}

/// `project.key="CORE"`: a dotted path and a JSON value.
fn condition(text: &str) -> Filter {
    let (path, value) = text.split_once('=').unwrap();
    let value = match serde_json::from_str(value).unwrap() {
        Value::String(text) => FilterValue::Text(text),
        Value::Bool(truth) => FilterValue::Truth(truth),
        Value::Number(number) => FilterValue::Number(number),
        other => panic!("{other} is no value of a filter"),
    };
    Filter {
        path: path.split('.').map(str::to_owned).collect(),
        value,
    }
}

fn gets(status: u16, content: &str) -> Response {
    let (headers, body) = content.split_once("\n\n").unwrap();
    let headers = headers.lines().map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    });
    Response {
        status,
        headers: headers.collect(),
        body: body.as_bytes().to_vec(),
    }
}

/// Where an outcome leads, by way of storage.
fn goes_on(outcome: Outcome) -> Option<State> {
    let state = match outcome {
        Outcome::Page(page) => page.next?,
        Outcome::Again(state) => state,
        Outcome::Failed(_) | Outcome::Written(_) | Outcome::Traced(_) => return None,
    };
    assert!(state.as_str().len() < 2000, "a large state: {state:?}");
    Some(State::from_stored(state.as_str().to_owned()))
}

fn check_bytes(outcome: &Outcome, response: &Response) {
    let Outcome::Page(page) = outcome else { return };
    let mut rest = std::str::from_utf8(&response.body).unwrap();
    for record in &page.records {
        let found = rest.split_once(record.raw.get());
        rest = found.expect("not the bytes received").1;
    }
}

fn render(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Page(page) => render_page(page),
        Outcome::Again(_) => "again".to_owned(),
        Outcome::Failed(failure) => render_failure(failure),
        Outcome::Written(_) | Outcome::Traced(_) => format!("{outcome:?}"),
    }
}

fn render_page(page: &Page) -> String {
    let total = page.estimated_total.map(|total| total.to_string());
    let watermark = page.watermark.map(|time| time.to_string());
    let mut text = format!(
        "page of {}, {} in all, watermark {}, {}",
        page.records.len(),
        total.as_deref().unwrap_or("unknown"),
        watermark.as_deref().unwrap_or("none"),
        if page.next.is_some() {
            "goes on"
        } else {
            "ends"
        }
    );
    for record in &page.records {
        let version = record.version.as_deref().unwrap_or("-");
        write!(text, "\n{} {version}", record.key).unwrap();
        for (name, value) in &record.added {
            write!(text, " +{name}={value}").unwrap();
        }
    }
    for note in &page.notes {
        write!(text, "\nnote: {note}").unwrap();
    }
    text
}

pub(super) fn render_failure(failure: &Failure) -> String {
    let mut text = format!("{}: {failure}", failure.class());
    match failure {
        Failure::Forbidden {
            required, granted, ..
        } if !required.is_empty() => {
            write!(text, "\nrequired: {}", required.join(", ")).unwrap();
            write!(text, "\ngranted: {}", granted.join(", ")).unwrap();
        }
        Failure::Gone {
            announcement: Some(url),
            ..
        } => {
            write!(text, "\nannounced: {url}").unwrap();
        }
        Failure::RateLimited {
            retry_after_s: Some(wait),
        } => {
            write!(text, "\nretry after: {wait} s").unwrap();
        }
        Failure::Invalid { fields, .. } => {
            for (name, reasons) in fields {
                write!(text, "\nfield {name}: {}", reasons.join("; ")).unwrap();
            }
        }
        _ => {}
    }
    text
}

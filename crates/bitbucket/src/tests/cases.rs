//! Exchanges in files, one folder per object: `fixtures/{object}/{case}.case`.
//!
//! A case names its inputs, then alternates `--- asks` (the URL, and the
//! resource group if there is one), `--- gets STATUS` (headers, an empty line,
//! the body) and `--- means` (the outcome as [`render`] writes it). It goes on
//! from where each outcome leads; a failure leaves it where it was. In all of
//! them, records are the very bytes of the body, and states survive storage.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use connector::{Connector, Failure, Intent, Method, Outcome, Page, ReadIntent, Response, State};

use super::bitbucket;

/// Cases that every object has.
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
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for row in crate::objects::ROWS {
        let folder = fixtures.join(row.object.name.replace('/', "_"));
        let mut names = Vec::new();
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            check(row.object.name, &path);
            names.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
        for required in REQUIRED {
            assert!(
                names.iter().any(|name| name == required),
                "{} lacks the case {required}",
                row.object.name
            );
        }
    }
}

fn check(object: &str, path: &Path) {
    let case = path.display();
    let text = fs::read_to_string(path).unwrap();
    let mut sections = text.strip_suffix('\n').unwrap().split("\n--- ");
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
                let asked = request.url + &group.unwrap_or_default();
                assert_eq!(asked, content, "{case} asks for something else");
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
        inputs: BTreeMap::new(),
        since: None,
    };
    for line in head.lines().filter(|line| !line.starts_with('#')) {
        if let Some(since) = line.strip_prefix("since ") {
            intent.since = Some(since.parse().unwrap());
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
        Outcome::Failed(_) => return None,
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

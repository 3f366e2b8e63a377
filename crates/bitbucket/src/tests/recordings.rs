//! Against what others recorded of Bitbucket: every recording is taken for what
//! it is, and compared with a plain parse of the same bytes.
//!
//! The recordings lie where [`super::reference`] says, with a list of those that
//! are not to be believed whole.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Outcome, Page};
use serde_json::{Map, Value};
use url::Url;

use super::cases::render_failure;
use super::reference::material;
use super::{answer, failed, first};
use crate::objects::Row;
use crate::wire::{self, Envelope};

/// What a recording is to us.
enum Is {
    /// A page of an object of ours, and how many pages follow, at least.
    PageOf(&'static str, bool),
    /// A page that our connector refuses, and some of its words.
    Refused(&'static str, &'static str),
    /// A page of something that we do not read.
    OtherPage,
    /// One record of an object of ours.
    RecordOf(&'static str),
    /// The list of workspaces, each of which would be asked for.
    Names(&'static [&'static str]),
    /// Some other thing.
    Thing,
    /// The body of a 404.
    Error(&'static str),
}
use Is::{Error, Names, OtherPage, PageOf, RecordOf, Refused, Thing};

const PERMISSIONS: &str = "permissions/repositories";
const FOREIGN: &str = "another origin (https://bitbucket.org)";
/// Somebody asked for `values.permission` alone.
const CUT_DOWN: &str = "a record of permissions/repositories lacks its key";

const RECORDINGS: &[(&str, Is)] = &[
    ("branch.json", Thing),
    ("branch_create.json", Thing),
    ("branches.json", Refused("projects", FOREIGN)),
    ("branches_filter.json", Refused("projects", FOREIGN)),
    ("commit.json", Thing),
    ("commits.json", Refused("projects", FOREIGN)),
    ("content.json", Thing),
    ("content_fail.json", Error("No such file or directory")),
    ("content_list.json", OtherPage),
    ("diffstat.json", OtherPage),
    ("error.json", Error("Repository dev/null not found")),
    ("hook.json", RecordOf("hooks")),
    ("hooks.json", PageOf("hooks", false)),
    ("perms.json", PageOf(PERMISSIONS, false)),
    ("pr.json", Thing),
    ("pr_diffstat.json", OtherPage),
    ("prcomment.json", Thing),
    ("prcomments.json", OtherPage),
    ("prs.json", OtherPage),
    ("repo.json", RecordOf("repositories")),
    ("repo_as_list.json", PageOf("repositories", false)),
    ("repos-2.json", PageOf("repositories", false)),
    ("repos.json", PageOf("repositories", true)),
    ("repos_empty.json", PageOf("repositories", false)),
    ("repos_filter.json", PageOf("repositories", true)),
    ("review.json", Thing),
    ("status.json", Thing),
    ("statuses.json", Refused("projects", FOREIGN)),
    ("tag.json", Thing),
    ("tags.json", OtherPage),
    ("team.json", RecordOf("workspaces")),
    ("teams.json", OtherPage),
    ("user.json", Thing),
    ("userEmail.json", Refused("user/emails", "not a page")),
    ("user_repo_perm_admin.json", PageOf(PERMISSIONS, false)),
    ("user_repo_perm_empty.json", PageOf(PERMISSIONS, false)),
    ("user_repo_perm_read.json", Refused(PERMISSIONS, CUT_DOWN)),
    ("user_repo_perm_write.json", Refused(PERMISSIONS, CUT_DOWN)),
    (
        "user_workspaces.json",
        Names(&["my-workspace", "team-workspace"]),
    ),
    ("workspace_repo_perms.json", PageOf(PERMISSIONS, false)),
    (
        "workspace_repo_perms_read.json",
        Refused(PERMISSIONS, CUT_DOWN),
    ),
    (
        "workspace_repo_perms_write.json",
        Refused(PERMISSIONS, CUT_DOWN),
    ),
];

/// Recordings that are refused though the list of oddities has no word on them.
const ODD_TO_US: &[&str] = &[
    "branches_filter.json",
    "commits.json",
    "user_repo_perm_read.json",
    "user_repo_perm_write.json",
    "workspace_repo_perms_read.json",
    "workspace_repo_perms_write.json",
];

/// Every recording, by name.
fn recordings() -> Option<BTreeMap<String, String>> {
    let folder = material()?.join("recordings");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let recordings = files.filter(|file| file.path().extension().is_some_and(|e| e == "json"));
    let read = recordings.map(|file| {
        let name = file.file_name().into_string().unwrap();
        (name, std::fs::read_to_string(file.path()).unwrap())
    });
    Some(read.collect())
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was compared is the point")]
fn every_recording_is_understood() {
    let Some(recordings) = recordings() else {
        return;
    };
    let suspect = std::fs::read_to_string(material().unwrap().join("recordings/SUSPECT.md"));
    let suspect = suspect.unwrap();
    let known: BTreeSet<_> = RECORDINGS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<_> = recordings.keys().map(String::as_str).collect();
    assert_eq!(known, found, "recordings came or went");
    let mut records = 0;
    for (name, is) in RECORDINGS {
        records += check(name, is, &recordings[*name]);
        if let Refused(..) = is {
            let told = suspect.contains(&format!("`{name}`"));
            assert_ne!(told, ODD_TO_US.contains(name), "{name} is refused");
        }
    }
    println!(
        "{} recordings understood, with {records} records",
        RECORDINGS.len()
    );
}

/// How many records of ours a recording has.
fn check(name: &str, is: &Is, body: &str) -> usize {
    let response = answer(200, "application/json", body);
    let api = Url::parse("https://api.bitbucket.org").unwrap();
    let plain: Value = serde_json::from_str(body).unwrap();
    let values = plain["values"].as_array();
    match is {
        PageOf(object, more) => {
            let Outcome::Page(page) = first(object, &response) else {
                panic!("{name} is no page");
            };
            assert_eq!(page.next.is_some(), *more, "{name}");
            assert_eq!(page.estimated_total, plain["size"].as_u64(), "{name}");
            check_records(name, object, &page, body, values.unwrap());
            page.records.len()
        }
        Refused(object, words) => {
            let failure = failed(first(object, &response));
            assert_eq!(failure.class(), "protocol", "{name}");
            assert!(failure.to_string().contains(words), "{name}: {failure}");
            if *words == FOREIGN {
                // The page itself is one: there it would not be foreign.
                let there = Url::parse("https://bitbucket.org").unwrap();
                let page = Envelope::parse(&there, &response).unwrap();
                assert_eq!(page.values.len(), values.unwrap().len(), "{name}");
            }
            0
        }
        OtherPage => {
            let page = Envelope::parse(&api, &response).unwrap();
            assert_eq!(page.values.len(), values.unwrap().len(), "{name}");
            assert_eq!(page.next.as_deref(), plain["next"].as_str(), "{name}");
            0
        }
        RecordOf(object) => {
            let row = Row::of(object).unwrap();
            let record = wire::detail(row, &response, &Map::new()).unwrap();
            assert_eq!(record.key, key_of(object, &plain), "{name}");
            assert_eq!(record.raw.get(), body.trim(), "{name}");
            check_fields(object, &plain);
            1
        }
        Names(names) => {
            let page = Envelope::parse(&api, &response).unwrap();
            assert_eq!(page.next, None, "{name}");
            let found = page.workspaces("administrator").unwrap();
            let expected = names.iter().map(|name| ((*name).to_owned(), None));
            assert_eq!(found, expected.collect::<Vec<_>>(), "{name}");
            assert!(matches!(first("workspaces", &response), Outcome::Again(_)));
            0
        }
        Thing => {
            assert!(plain.is_object() && values.is_none(), "{name}");
            0
        }
        Error(words) => {
            let failure = failed(first("projects", &answer(404, "application/json", body)));
            let text = render_failure(&failure);
            assert!(text.contains(words), "{name}: {text}");
            0
        }
    }
}

fn check_records(name: &str, object: &str, page: &Page, body: &str, values: &[Value]) {
    assert_eq!(page.records.len(), values.len(), "{name}");
    for (record, value) in page.records.iter().zip(values) {
        assert!(body.contains(record.raw.get()), "{name}");
        let raw: Value = serde_json::from_str(record.raw.get()).unwrap();
        assert_eq!(raw, *value, "{name}");
        assert_eq!(record.key, key_of(object, value), "{name}");
        let versioned = Row::of(object).unwrap().version;
        let version = record.version.as_deref();
        match versioned.and_then(|field| value[field].as_str()) {
            Some(time) => {
                let time = time.replace("+00:00", "Z");
                assert_eq!(version, Some(time.as_str()), "{name}");
            }
            None => assert_eq!(version, None, "{name}"),
        }
        check_fields(object, value);
    }
}

/// The key of a record, by a way of its own.
fn key_of(object: &str, value: &Value) -> String {
    let text = |pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap();
    match object {
        PERMISSIONS => format!("{}/{}", text("/user/uuid"), text("/repository/uuid")),
        _ => text("/uuid").to_owned(),
    }
}

/// Every recorded field is in the table.
fn check_fields(object: &str, value: &Value) {
    let known = Row::of(object).unwrap().object.fields;
    for name in value.as_object().unwrap().keys() {
        assert!(
            known.iter().any(|field| field.name == name),
            "{object} lacks {name}"
        );
    }
}

//! Writes, exchange by exchange: which request comes next, and what the answer means.

use std::collections::BTreeMap;

use connector::{
    Body, Connector, Failure, Intent, Method, Outcome, Response, State, Trace, WriteAction,
    WriteIntent, Written,
};
use serde_json::{Map, Value, json};

use super::{answer, bitbucket};

const BASE: &str = "https://api.bitbucket.org/2.0";
const UUID: &str = "{11111111-2222-3333-4444-555555555555}";

/// A machine under way.
struct Exchange {
    state: State,
    outcome: Option<Outcome>,
}

fn record(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn start(object: &str, action: WriteAction) -> Result<State, Failure> {
    bitbucket().start(&Intent::Write(WriteIntent {
        object: object.to_owned(),
        inputs: BTreeMap::from([("workspace".to_owned(), "acme".to_owned())]),
        action,
    }))
}

fn begin(object: &str, action: WriteAction) -> Exchange {
    Exchange {
        state: start(object, action).unwrap(),
        outcome: None,
    }
}

fn update(id: &str, change: Value, again: bool) -> WriteAction {
    WriteAction::Update {
        id: id.to_owned(),
        record: record(change),
        again,
    }
}

impl Exchange {
    /// The next request must be this one; the answer to it.
    #[track_caller]
    fn asks(mut self, method: Method, path: &str, body: Value, response: &Response) -> Self {
        assert!(self.outcome.is_none(), "it was over");
        let request = bitbucket().step(&self.state).unwrap();
        assert_eq!(request.method, method);
        assert_eq!(request.url, format!("{BASE}{path}"));
        let sent = match request.body {
            Body::Empty => Value::Null,
            Body::Json(value) => value,
            other => json!(format!("{other:?}")),
        };
        assert_eq!(sent, body);
        match bitbucket().advance(&self.state, response) {
            Outcome::Again(state) => self.state = State::from_stored(state.as_str().to_owned()),
            outcome => self.outcome = Some(outcome),
        }
        self
    }

    #[track_caller]
    fn written(self) -> (String, Value) {
        let Some(Outcome::Written(Written { id, record })) = self.outcome else {
            panic!("not written: {:?}", self.outcome)
        };
        let record = record.map(|raw| serde_json::from_str(raw.get()).unwrap());
        (id, record.unwrap_or_default())
    }

    #[track_caller]
    fn failed(self) -> Failure {
        let Some(Outcome::Failed(failure)) = self.outcome else {
            panic!("not failed: {:?}", self.outcome)
        };
        failure
    }

    #[track_caller]
    fn traced(self) -> Trace {
        let Some(Outcome::Traced(trace)) = self.outcome else {
            panic!("not traced: {:?}", self.outcome)
        };
        trace
    }
}

fn says(status: u16, body: &Value) -> Response {
    answer(status, "application/json", &body.to_string())
}

fn at(date: &str, body: &Value) -> Response {
    let mut response = says(200, body);
    response.headers.push(("date".to_owned(), date.to_owned()));
    response
}

#[test]
fn ids_are_never_sent_and_answers_name_what_a_change_takes() {
    let new = json!({ "id": "x", "key": "K", "name": "N", "other": [1] });
    let sent = json!({ "key": "K", "name": "N", "other": [1] });
    let create = WriteAction::Create {
        record: record(new),
    };
    let made = json!({ "key": "K", "uuid": UUID });
    let (id, data) = begin("projects", create)
        .asks(
            Method::Post,
            "/workspaces/acme/projects",
            sent,
            &says(201, &made),
        )
        .written();
    assert_eq!((id.as_str(), data), ("K", made));
    // Without a body that can be read, `Location` says.
    let create = WriteAction::Create {
        record: record(json!({ "title": "T" })),
    };
    let mut located = answer(201, "text/html", "<html>");
    let place = "https://api.bitbucket.org/2.0/snippets/acme/k%C3%A9/".to_owned();
    located.headers.push(("location".to_owned(), place));
    let sent = json!({ "title": "T", "scm": "git" });
    let (id, data) = begin("snippets", create)
        .asks(Method::Post, "/snippets/acme", sent, &located)
        .written();
    assert_eq!((id.as_str(), data), ("ké", Value::Null));
}

#[test]
fn a_project_is_looked_at_sent_whole_and_never_made() {
    let there =
        json!({ "key": "K", "name": "N", "description": "D", "is_private": true, "links": {} });
    let project = "/workspaces/acme/projects/K";
    let change = || update("K", json!({ "name": "M" }), false);
    let whole = json!({ "key": "K", "name": "M", "description": "D", "is_private": true });
    let looked =
        || begin("projects", change()).asks(Method::Get, project, Value::Null, &says(200, &there));
    let (id, _) = looked()
        .asks(
            Method::Put,
            project,
            whole.clone(),
            &says(200, &json!({ "key": "K" })),
        )
        .written();
    assert_eq!(id, "K");
    let failure = looked()
        .asks(Method::Put, project, whole, &says(201, &there))
        .failed();
    assert!(matches!(failure, Failure::Conflict { .. }), "{failure}");
    let gone = says(404, &json!({ "error": { "message": "gone" } }));
    let failure = begin("projects", change())
        .asks(Method::Get, project, Value::Null, &gone)
        .failed();
    assert!(matches!(failure, Failure::NotFound { .. }), "{failure}");
    // A move that nobody heard of is found at its new key.
    let moved = json!({ "key": "L", "name": "N" });
    let change = update("K", json!({ "key": "L" }), true);
    let (id, _) = begin("projects", change)
        .asks(Method::Get, project, Value::Null, &gone)
        .asks(
            Method::Get,
            "/workspaces/acme/projects/L",
            Value::Null,
            &says(200, &moved),
        )
        .asks(
            Method::Put,
            "/workspaces/acme/projects/L",
            moved.clone(),
            &says(200, &moved),
        )
        .written();
    assert_eq!(id, "L");
}

#[test]
fn uuids_are_in_braces_and_those_of_projects_are_looked_up() {
    let bare = UUID.trim_matches(['{', '}']);
    let encoded = format!("%7B{bare}%7D");
    let delete = |id: &str| WriteAction::Delete { id: id.to_owned() };
    let done = answer(204, "text/plain", "");
    for id in [UUID, bare] {
        let path = format!("/workspaces/acme/hooks/{encoded}");
        let (id, _) = begin("hooks", delete(id))
            .asks(Method::Delete, &path, Value::Null, &done)
            .written();
        assert_eq!(id, UUID);
    }
    let other = json!({ "uuid": "{0}", "key": "A" });
    let found = json!({ "uuid": UUID, "key": "B" });
    let next = format!("{BASE}/workspaces/acme/projects?page=2");
    begin("projects", delete(bare))
        .asks(
            Method::Get,
            "/workspaces/acme/projects?pagelen=100",
            Value::Null,
            &says(200, &json!({ "values": [other], "next": next })),
        )
        .asks(
            Method::Get,
            "/workspaces/acme/projects?page=2",
            Value::Null,
            &says(200, &json!({ "values": [found] })),
        )
        .asks(
            Method::Delete,
            "/workspaces/acme/projects/B",
            Value::Null,
            &done,
        )
        .written();
}

#[test]
fn a_secured_variable_is_never_emptied() {
    let path = format!(
        "/workspaces/acme/pipelines-config/variables/{}",
        "%7B11111111-2222-3333-4444-555555555555%7D"
    );
    let there = json!({ "uuid": UUID, "key": "K", "secured": true });
    let change = update(UUID, json!({ "key": "L" }), false);
    let failure = begin("pipelines-config/variables", change)
        .asks(Method::Get, &path, Value::Null, &says(200, &there))
        .failed();
    let Failure::Invalid { fields, .. } = failure else {
        panic!("{failure}")
    };
    assert!(fields.contains_key("value"), "{fields:?}");
    // Whole, it is sent at once.
    let whole = json!({ "key": "L", "value": "v", "secured": true });
    begin(
        "pipelines-config/variables",
        update(UUID, whole.clone(), false),
    )
    .asks(Method::Put, &path, whole, &says(200, &there))
    .written();
}

#[test]
fn a_lost_create_is_found_by_what_was_sent() {
    let trace = |value: Value| WriteAction::Trace {
        record: record(value),
        sent_ago_s: 60,
    };
    let date = "Mon, 23 Nov 2026 10:10:00 GMT";
    let hook = |uuid: &str, url: &str, made: &str| {
        json!({ "uuid": uuid, "url": url, "events": ["b", "a"], "active": true,
                "description": "", "secret_set": false, "created_at": made })
    };
    let hooks = json!({ "values": [
        hook("{2}", "u", "2026-11-23T10:09:30.5Z"),
        hook("{1}", "u", "2026-11-23T10:09:30Z"),
        hook("{0}", "u", "2026-11-23T10:00:00Z"),
        hook("{3}", "v", "2026-11-23T10:09:30Z"),
    ] });
    let sent = json!({ "url": "u", "events": ["a", "b"] });
    let list = "/workspaces/acme/hooks?pagelen=100";
    let found = begin("hooks", trace(sent)).asks(Method::Get, list, Value::Null, &at(date, &hooks));
    let Trace::Present(found) = found.traced() else {
        panic!("nothing")
    };
    let ids: Vec<&str> = found.iter().map(|written| written.id.as_str()).collect();
    assert_eq!(ids, ["{1}", "{2}"], "oldest first, and none from before");
    let project = "/workspaces/acme/projects/K";
    let sent = json!({ "key": "K", "name": "N" });
    let none = says(404, &json!({}));
    let traced =
        begin("projects", trace(sent.clone())).asks(Method::Get, project, Value::Null, &none);
    assert!(matches!(traced.traced(), Trace::Absent));
    for (name, made, present) in [
        ("N", "2026-11-23T10:09:00Z", true),
        ("N", "2026-11-23T09:00:00Z", false),
        ("Other", "2026-11-23T10:09:00Z", false),
    ] {
        let there = json!({ "key": "K", "name": name, "created_on": made });
        let traced = begin("projects", trace(sent.clone()))
            .asks(Method::Get, project, Value::Null, &at(date, &there))
            .traced();
        assert_eq!(matches!(traced, Trace::Present(_)), present, "{there}");
    }
    let list = "/workspaces/acme/pipelines-config/variables?pagelen=100";
    let there = json!({ "values": [{ "uuid": UUID, "key": "K", "secured": true }] });
    let sent = json!({ "key": "K", "value": "v", "secured": true });
    let traced = begin("pipelines-config/variables", trace(sent))
        .asks(Method::Get, list, Value::Null, &at(date, &there))
        .traced();
    assert!(matches!(traced, Trace::Unknown { .. }), "{traced:?}");
}

#[test]
fn what_cannot_be_sent_is_refused_at_the_start() {
    let delete = |id: &str| WriteAction::Delete { id: id.to_owned() };
    for (object, action, words) in [
        ("members", delete("x"), "no object \"members\" to write"),
        ("hooks", delete(" "), "needs the record's id"),
        ("hooks", delete(".."), "needs the record's id"),
    ] {
        let failure = start(object, action).unwrap_err();
        assert!(failure.to_string().contains(words), "{failure}");
    }
}

//! Writing one record: create, change, delete, look at one, and find out what
//! became of a create whose answer was lost.
//!
//! Bitbucket replaces a project, a hook and a variable as a whole, so a change that
//! names only some of its fields reads the record first ([`whole`]); snippets take
//! parts, and files in bodies of several parts ([`snippet`]). A PUT to a project
//! that is not there would make one, so a project is always looked at first. Lists
//! are walked as reads walk them: to find a project by its UUID, and to look for
//! what a lost create may have left ([`trace`]).
//!
//! - <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-projects/>
//! - <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-webhooks/>
//! - <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pipelines/>
//! - <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-snippets/>

mod answer;
mod snippet;
mod trace;
mod whole;

use std::collections::BTreeMap;

use connector::{Body, Failure, Method, ReadIntent, Request, State, WriteAction, WriteIntent};
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

use self::trace::Search;
use crate::objects::{Row, WRITABLE};
use crate::read::{self, ENCODED};

/// What a record is identified by here, which is never sent in a body.
const ID: &str = "id";

/// Where a write stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Tells it from a read's.
    writes: String,
    workspace: String,
    task: Task,
}

/// The request that comes next, and what for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    /// Make one.
    Create { record: Map<String, Value> },
    /// Walk the list until the project of that UUID, whose key is what paths take.
    Find {
        uuid: String,
        at: String,
        goal: Goal,
    },
    /// Look at one.
    Look { id: String, goal: Goal },
    /// Change one; the record is all that is sent.
    Put {
        id: String,
        record: Map<String, Value>,
    },
    /// Delete one.
    Delete { id: String },
    /// Look for what a create may have made.
    Trace(Search),
}

/// What a record is looked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Goal {
    Show,
    Change {
        record: Map<String, Value>,
        /// Whether this may have been done before.
        again: bool,
    },
    Delete,
}

/// The first position of a write.
pub(crate) fn start(intent: &WriteIntent) -> Result<State, Failure> {
    let object = intent.object.as_str();
    if !WRITABLE.contains(&object) {
        return Err(invalid(
            &format!(
                "Bitbucket has no object {object:?} to write; it has {}",
                WRITABLE.join(", ")
            ),
            None,
        ));
    }
    let workspace = read::workspace(&intent.inputs)?;
    let task = match &intent.action {
        WriteAction::Create { record } => {
            let record = sendable(object, record, true)?;
            Task::Create { record }
        }
        WriteAction::Update { id, record, again } => {
            let record = sendable(object, record, false)?;
            let again = *again;
            for_one(intent, id, Goal::Change { record, again })?
        }
        WriteAction::Delete { id } => for_one(intent, id, Goal::Delete)?,
        WriteAction::Look { id } => for_one(intent, id, Goal::Show)?,
        WriteAction::Trace { record, sent_ago_s } => {
            let record = sendable(object, record, true)?;
            Task::Trace(Search::new(record, *sent_ago_s, list_of(intent)?))
        }
    };
    State::pack(&Position {
        writes: object.to_owned(),
        workspace,
        task,
    })
}

/// The first task of what is about one record.
fn for_one(intent: &WriteIntent, id: &str, goal: Goal) -> Result<Task, Failure> {
    let id = identifier(&intent.object, id)?;
    if intent.object == "projects" && id.starts_with('{') {
        return Ok(Task::Find {
            uuid: id,
            at: list_of(intent)?,
            goal,
        });
    }
    Ok(match goal {
        Goal::Show => Task::Look { id, goal },
        Goal::Delete => Task::Delete { id },
        Goal::Change { record, .. } if whole::is_whole(&intent.object, &record) => {
            Task::Put { id, record }
        }
        Goal::Change { .. } => Task::Look { id, goal },
    })
}

/// The beginning of the list that the record would be in.
fn list_of(intent: &WriteIntent) -> Result<String, Failure> {
    let read = ReadIntent {
        object: intent.object.clone(),
        inputs: intent.inputs.clone(),
        ..ReadIntent::default()
    };
    Ok(read::start(&read)?.as_str().to_owned())
}

/// What a path takes: UUIDs in braces, whichever way they were given.
fn identifier(object: &str, given: &str) -> Result<String, Failure> {
    let given = given.trim();
    match given {
        // They would climb out of the path.
        "" | "." | ".." => Err(invalid(
            &format!("a change or deletion of {object} needs the record's id"),
            Some((ID, "is required")),
        )),
        _ if read::is_bare_uuid(given) => Ok(format!("{{{given}}}")),
        _ => Ok(given.to_owned()),
    }
}

/// A record as it is sent: without the identifier that is ours.
fn sendable(
    object: &str,
    record: &Map<String, Value>,
    creates: bool,
) -> Result<Map<String, Value>, Failure> {
    let mut record = record.clone();
    record.remove(ID);
    match object {
        "snippets" => snippet::check(&record, creates)?,
        "pipelines-config/variables" if creates => {
            // What Bitbucket takes it for, said so that nobody has to guess.
            record.entry("secured").or_insert(Value::Bool(false));
        }
        _ => {}
    }
    Ok(record)
}

impl Position {
    /// The position of a write; `None` for those of reads.
    pub(crate) fn of(state: &State) -> Option<Self> {
        state.unpack().ok()
    }

    fn row(&self) -> Result<&'static Row, Failure> {
        Row::of(&self.writes).ok_or_else(|| Failure::Protocol {
            message: format!("the position is of an unknown object {:?}", self.writes),
        })
    }

    /// The request that comes next; what its answer means is in [`answer`].
    pub(crate) fn step(&self, api: &Url) -> Result<Request, Failure> {
        let row = self.row()?;
        let collection = self.url(api, row, None);
        let one = |id: &str| self.url(api, row, Some(id));
        let (method, url, body) = match &self.task {
            Task::Create { record } => {
                let body = self.body(record, true)?;
                (Method::Post, collection, body)
            }
            Task::Find { at, .. } => {
                return read::step(api, &State::from_stored(at.clone()));
            }
            Task::Look { id, .. } => (Method::Get, one(id), Body::Empty),
            Task::Put { id, record } => (Method::Put, one(id), self.body(record, false)?),
            Task::Delete { id } => (Method::Delete, one(id), Body::Empty),
            Task::Trace(search) => match search.key_in_path(&self.writes) {
                Some(key) => (Method::Get, one(key), Body::Empty),
                None => return read::step(api, &State::from_stored(search.at.clone())),
            },
        };
        Ok(Request {
            method,
            body,
            group: row.group,
            ..Request::get(url)
        })
    }

    fn url(&self, api: &Url, row: &Row, id: Option<&str>) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let path = row.path.replace("{workspace}", &encoded(&self.workspace));
        let base = format!("{}/2.0{path}", api.origin().ascii_serialization());
        match id {
            Some(id) => format!("{base}/{}", encoded(id)),
            None => base,
        }
    }

    fn body(&self, record: &Map<String, Value>, creates: bool) -> Result<Body, Failure> {
        match self.writes.as_str() {
            "snippets" => snippet::body(record, creates),
            _ => Ok(Body::Json(Value::Object(record.clone()))),
        }
    }
}

/// A text, or a number as text: Bitbucket's schema has numbers for snippets.
fn text_of(record: &Map<String, Value>, name: &str) -> Option<String> {
    match record.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn object_of(raw: &RawValue) -> Map<String, Value> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// A record that cannot be sent.
fn invalid(message: &str, field: Option<(&str, &str)>) -> Failure {
    let fields = field.map(|(name, reason)| (name.to_owned(), vec![reason.to_owned()]));
    Failure::Invalid {
        message: message.to_owned(),
        fields: BTreeMap::from_iter(fields),
    }
}

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

mod snippet;
mod trace;
mod whole;

use std::collections::BTreeMap;

use connector::{
    Body, Failure, Method, Outcome, Page, ReadIntent, Request, Response, State, WriteAction,
    WriteIntent, Written,
};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

use self::trace::Search;
use crate::objects::{Row, WRITABLE};
use crate::read::{self, ENCODED};
use crate::{failure, time};

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
    let position = |task| Position {
        writes: object.to_owned(),
        workspace: String::new(),
        task,
    };
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
        workspace,
        ..position(task)
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

    /// The request that comes next.
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

    /// What the answer means.
    pub(crate) fn advance(self, api: &Url, response: &Response) -> Result<Outcome, Failure> {
        let row = self.row()?;
        match &self.task {
            Task::Create { .. } => match response.status {
                200 | 201 => self.written(response, None).map(Outcome::Written),
                _ => Err(self.refusal(response, None)),
            },
            Task::Find { uuid, at, goal } => {
                let page = match read::advance(api, &State::from_stored(at.clone()), response)? {
                    Outcome::Page(page) => page,
                    Outcome::Again(at) => return self.found_not_yet(uuid, at, goal),
                    other => return Ok(other),
                };
                self.find(row, page, uuid, goal)
            }
            Task::Look { id, goal } => self.looked(response, id, goal),
            Task::Put { id, .. } => match response.status {
                // It was there when it was looked for.
                201 if self.writes == "projects" => Err(Failure::Conflict {
                    message: format!(
                        "the project {id:?} was deleted while it was being changed, and Bitbucket has made a new one of that key instead"
                    ),
                }),
                200 | 201 => self.written(response, Some(id)).map(Outcome::Written),
                _ => Err(self.refusal(response, Some(id))),
            },
            Task::Delete { id } => match response.status {
                200 | 202 | 204 => Ok(Outcome::Written(Written {
                    id: id.clone(),
                    record: None,
                })),
                _ => Err(self.refusal(response, Some(id))),
            },
            Task::Trace(search) => self.traced(api, response, search.clone()),
        }
    }

    fn again(&self, task: Task) -> Result<Outcome, Failure> {
        let next = Self {
            writes: self.writes.clone(),
            workspace: self.workspace.clone(),
            task,
        };
        State::pack(&next).map(Outcome::Again)
    }

    fn found_not_yet(&self, uuid: &str, at: State, goal: &Goal) -> Result<Outcome, Failure> {
        self.again(Task::Find {
            uuid: uuid.to_owned(),
            at: at.as_str().to_owned(),
            goal: goal.clone(),
        })
    }

    /// Goes through a page for the project of that UUID.
    fn find(&self, row: &Row, page: Page, uuid: &str, goal: &Goal) -> Result<Outcome, Failure> {
        let found = page.records.iter().find(|record| record.key == uuid);
        if let Some(record) = found {
            let key = text_of(&object_of(&record.raw), "key").ok_or_else(|| Failure::Protocol {
                message: "a project in Bitbucket's list has no key".to_owned(),
            })?;
            return match goal {
                Goal::Show => Ok(Outcome::Written(Written {
                    id: key,
                    record: Some(record.raw.clone()),
                })),
                Goal::Delete => self.again(Task::Delete { id: key }),
                Goal::Change { record: change, .. } => {
                    let record = whole::of(row.object.name, &object_of(&record.raw), change)?;
                    self.again(Task::Put { id: key, record })
                }
            };
        }
        match page.next {
            Some(at) => self.found_not_yet(uuid, at, goal),
            None => Err(Failure::NotFound {
                message: format!("Bitbucket found no {}", self.subject(Some(uuid))),
            }),
        }
    }

    /// A record was looked at.
    fn looked(&self, response: &Response, id: &str, goal: &Goal) -> Result<Outcome, Failure> {
        if response.status == 404
            && let Goal::Change {
                record,
                again: true,
            } = goal
            && let Some(moved) = text_of(record, "key").filter(|key| key != id)
            && self.writes == "projects"
        {
            // It may be that this very change has moved it, and nobody heard.
            let goal = Goal::Change {
                record: record.clone(),
                again: false,
            };
            return self.again(Task::Look { id: moved, goal });
        }
        if response.status != 200 {
            return Err(self.refusal(response, Some(id)));
        }
        let written = self.written(response, Some(id))?;
        match goal {
            Goal::Show => Ok(Outcome::Written(written)),
            Goal::Delete => self.again(Task::Delete { id: id.to_owned() }),
            Goal::Change { record, .. } => {
                let current = written.record.as_deref().map(object_of);
                let record = whole::of(&self.writes, &current.unwrap_or_default(), record)?;
                self.again(Task::Put {
                    id: id.to_owned(),
                    record,
                })
            }
        }
    }

    fn traced(
        &self,
        api: &Url,
        response: &Response,
        mut search: Search,
    ) -> Result<Outcome, Failure> {
        search.answered(time::answered_at(response));
        if search.key_in_path(&self.writes).is_some() {
            return match response.status {
                200 => {
                    let written = self.written(response, None)?;
                    search.look(&self.writes, written);
                    Ok(Outcome::Traced(search.end(&self.writes)))
                }
                404 => Ok(Outcome::Traced(search.end(&self.writes))),
                _ => Err(self.refusal(response, None)),
            };
        }
        let at = State::from_stored(search.at.clone());
        match read::advance(api, &at, response)? {
            Outcome::Again(at) => search.at = at.as_str().to_owned(),
            Outcome::Page(page) => {
                for record in page.records {
                    let id = record_id(&self.writes, &object_of(&record.raw));
                    let written = Written {
                        id: id.unwrap_or(record.key),
                        record: Some(record.raw),
                    };
                    search.look(&self.writes, written);
                }
                match page.next {
                    Some(at) => search.at = at.as_str().to_owned(),
                    None => return Ok(Outcome::Traced(search.end(&self.writes))),
                }
            }
            other => return Ok(other),
        }
        self.again(Task::Trace(search))
    }

    /// The record that an answer holds. Where it holds none that can be read, its
    /// `Location` names the record; what was asked for does where there is none.
    fn written(&self, response: &Response, asked: Option<&str>) -> Result<Written, Failure> {
        let json = response.is_json().then_some(&response.body);
        let raw: Option<&RawValue> = json.and_then(|body| serde_json::from_slice(body).ok());
        let named = raw.and_then(|raw| record_id(&self.writes, &object_of(raw)));
        let located = || {
            let path = response.header("location")?.split(['?', '#']).next()?;
            let last = path.trim_end_matches('/').rsplit('/').next()?;
            let last = percent_decode_str(last).decode_utf8().ok()?;
            (!last.is_empty()).then(|| last.into_owned())
        };
        let id = named.or_else(located).or_else(|| asked.map(str::to_owned));
        let id = id.ok_or_else(|| Failure::Protocol {
            message: "Bitbucket's answer to a write does not say what was written".to_owned(),
        })?;
        Ok(Written {
            id,
            record: raw.map(ToOwned::to_owned),
        })
    }

    fn refusal(&self, response: &Response, id: Option<&str>) -> Failure {
        failure::of(response, &self.subject(id))
    }

    fn subject(&self, id: Option<&str>) -> String {
        let workspace = format!("workspace \"{}\"", self.workspace);
        match id {
            Some(id) => format!("\"{id}\" in {} of {workspace}", self.writes),
            None => workspace,
        }
    }
}

/// What a later change names a record by.
fn record_id(object: &str, record: &Map<String, Value>) -> Option<String> {
    text_of(
        record,
        match object {
            "projects" => "key",
            "snippets" => "id",
            _ => "uuid",
        },
    )
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

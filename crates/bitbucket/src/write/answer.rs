//! What the answers to a write's requests mean.

use connector::{Failure, Outcome, Page, Response, State, Written};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

use super::trace::Search;
use super::{Goal, Position, Task, object_of, text_of, whole};
use crate::objects::Row;
use crate::{failure, read, time};

impl Position {
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

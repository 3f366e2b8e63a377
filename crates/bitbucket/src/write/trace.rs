//! What became of a create whose answer was lost.
//!
//! Keys of projects and variables are unique: what has the key and looks as it was
//! sent is it, and with anything else of that key a repeat would be refused, which
//! is the right answer. Hooks and snippets may have equals, so what looks like it
//! and was made since is what it may have made. What cannot be told is said so.

use connector::{Trace, Written};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{object_of, text_of};
use crate::time;

/// How much earlier than it was sent something may seem to have been made: the
/// request, the look and their answers take time.
const MARGIN: SignedDuration = SignedDuration::from_secs(120);

/// A search under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Search {
    /// What was sent.
    record: Map<String, Value>,
    sent_ago_s: i64,
    /// The page of the list that is looked at next.
    pub(super) at: String,
    /// From when on it can have been made, by Bitbucket's own clock.
    since: Option<Timestamp>,
    found: Vec<(String, Box<RawValue>)>,
    unknown: Option<String>,
}

impl Search {
    pub(super) fn new(record: Map<String, Value>, sent_ago_s: i64, at: String) -> Self {
        Self {
            record,
            sent_ago_s,
            at,
            since: None,
            found: Vec::new(),
            unknown: None,
        }
    }

    /// The key by which the record can be asked for at once.
    pub(super) fn key_in_path(&self, object: &str) -> Option<&str> {
        let key = self.record.get("key")?.as_str()?;
        (object == "projects" && !matches!(key, "" | "." | "..")).then_some(key)
    }

    /// Takes note of Bitbucket's time at the first answer.
    pub(super) fn answered(&mut self, at: Option<Timestamp>) {
        let back = SignedDuration::from_secs(self.sent_ago_s.max(0)) + MARGIN;
        let since = at.and_then(|at| at.checked_sub(back).ok());
        self.since = self.since.or(since);
    }

    /// Looks at a record.
    pub(super) fn look(&mut self, object: &str, written: Written) {
        let Some(raw) = written.record else { return };
        let there = object_of(&raw);
        let is_it = match object {
            "projects" => {
                self.same_text(&there, "name")
                    && self.same_text(&there, "description")
                    && self.same(&there, "is_private")
                    && self.is_new(&there, "created_on")
            }
            "pipelines-config/variables" => self.is_variable(&there),
            "hooks" => {
                self.same_text(&there, "url")
                    && self.same_text(&there, "description")
                    && self.same(&there, "active")
                    && self.same_events(&there)
                    && self.same_secrecy(&there)
                    && self.is_new(&there, "created_at")
            }
            _ => {
                self.same_text(&there, "title")
                    && self.same(&there, "is_private")
                    && self.is_new(&there, "created_on")
            }
        };
        if is_it && object == "snippets" && text_of(&self.record, "title").is_none() {
            self.unknown = Some(
                "snippets without a title cannot be told apart, and one was made since".to_owned(),
            );
        }
        if is_it {
            self.found.push((written.id, raw));
        }
    }

    /// What was found.
    pub(super) fn end(self, object: &str) -> Trace {
        if let Some(why) = self.unknown {
            return Trace::Unknown { why };
        }
        if self.found.is_empty() {
            return Trace::Absent;
        }
        let field = if object == "hooks" {
            "created_at"
        } else {
            "created_on"
        };
        let mut found = self.found;
        // As times, not as texts: a fraction may be absent.
        let made_at = |raw: &RawValue| time::parse(&text_of(&object_of(raw), field)?);
        found.sort_by_cached_key(|(_, raw)| made_at(raw));
        let written = |(id, raw)| Written {
            id,
            record: Some(raw),
        };
        Trace::Present(found.into_iter().map(written).collect())
    }

    fn is_variable(&mut self, there: &Map<String, Value>) -> bool {
        if self.record.get("key") != there.get("key") || !self.same(there, "secured") {
            return false;
        }
        if there.get("value").is_none() {
            self.unknown = Some(
                "there is a secured variable of that key, and its value is never told".to_owned(),
            );
            return false;
        }
        self.record.get("value") == there.get("value")
    }

    /// Whether a field is as it was sent; one that was not sent is as it is.
    fn same(&self, there: &Map<String, Value>, name: &str) -> bool {
        let sent = self.record.get(name).filter(|value| !value.is_null());
        sent.is_none_or(|sent| there.get(name) == Some(sent))
    }

    /// The same of a text, of which null and nothing are the same.
    fn same_text(&self, there: &Map<String, Value>, name: &str) -> bool {
        let sent = self.record.get(name).filter(|value| !value.is_null());
        sent.is_none_or(|_| text_of(&self.record, name) == text_of(there, name))
    }

    fn same_events(&self, there: &Map<String, Value>) -> bool {
        let events = |record: &Map<String, Value>| {
            let listed = record.get("events").and_then(Value::as_array);
            let mut events: Vec<String> =
                listed.into_iter().flatten().map(Value::to_string).collect();
            events.sort();
            events
        };
        events(&self.record) == events(there)
    }

    /// A hook's secret is not told, but whether it has one is.
    fn same_secrecy(&self, there: &Map<String, Value>) -> bool {
        let told = there.get("secret_set").and_then(Value::as_bool);
        told.is_none_or(|told| told == text_of(&self.record, "secret").is_some())
    }

    fn is_new(&self, there: &Map<String, Value>, field: &str) -> bool {
        let made = text_of(there, field).and_then(|text| time::parse(&text));
        match (made, self.since) {
            (Some(made), Some(since)) => made >= since,
            _ => true,
        }
    }
}

//! The shape of a page: `{size?, page?, pagelen?, next?, previous?, values[]}`,
//! and of the two answers that are none: a map of lists, and a record by itself.
//!
//! Only `values` and `next` are promised, so everything else is taken if it is
//! what it should be and left alone if not. Records stay the bytes they came as.
//! See <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector::{Failure, Record, Response, member, members};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

use crate::objects::Row;
use crate::time;

/// One page.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<'a> {
    /// How many records the whole query has.
    #[serde(default, deserialize_with = "count")]
    pub(crate) size: Option<u64>,
    /// How many records a full page of this answer has.
    #[serde(default, deserialize_with = "count")]
    pub(crate) pagelen: Option<u64>,
    /// The following page, to be asked for as it stands.
    #[serde(default)]
    pub(crate) next: Option<String>,
    /// The records.
    #[serde(borrow)]
    pub(crate) values: Vec<&'a RawValue>,
}

/// A record, and what the walk needs to know of it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The record as the engine takes it.
    pub(crate) record: Record,
    /// When it last changed, if it says so legibly.
    pub(crate) changed_at: Option<Timestamp>,
}

impl<'a> Envelope<'a> {
    /// Parses the answer to a request for a page.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when it is not a page, or its `next` leads away
    /// from `api`.
    pub(crate) fn parse(api: &Url, response: &'a Response) -> Result<Self, Failure> {
        let mut envelope: Self = json(response, "a page")?;
        // Seen in the wild where there is no following page.
        envelope.next = envelope.next.filter(|next| !next.is_empty());
        if let Some(next) = &envelope.next {
            check_origin(api, next)?;
        }
        Ok(envelope)
    }

    /// A page beyond the last.
    pub(crate) fn empty() -> Self {
        Self {
            size: None,
            pagelen: None,
            next: None,
            values: Vec::new(),
        }
    }

    /// The records, read as `row` says, with `added` to each.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when one of them lacks its key: to pass over it
    /// would be to lose it unseen.
    pub(crate) fn entries(
        &self,
        row: &Row,
        added: &Map<String, Value>,
    ) -> Result<Vec<Entry>, Failure> {
        let entries = self.values.iter();
        entries.map(|raw| entry(row, raw, added)).collect()
    }

    /// The workspaces in a list of those that the user can see: what a path takes
    /// for each, and the truth of its `field`, if that is there.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when one of them has no name.
    pub(crate) fn workspaces(&self, field: &str) -> Result<Vec<(String, Option<bool>)>, Failure> {
        let workspace = |raw: &&RawValue| {
            let name = text(raw.get(), "workspace.slug");
            let name = name.or_else(|| text(raw.get(), "workspace.uuid"));
            let name = name.filter(|name| is_segment(name))?;
            Some((name, truth(raw.get(), field)))
        };
        let all: Option<Vec<_>> = self.values.iter().map(workspace).collect();
        all.ok_or_else(|| protocol("a workspace in Bitbucket's list has no slug"))
    }
}

/// The names in a map of lists. Each list is told by a link, which is an
/// `events` either of the member itself (the schema) or of its `links` (the
/// published example, and real answers); members without one are none.
///
/// # Errors
/// [`Failure::Protocol`] when it is no such map.
pub(crate) fn names(response: &Response) -> Result<Vec<String>, Failure> {
    let map: BTreeMap<Cow<'_, str>, &RawValue> = json(response, "a map of lists")?;
    let named = map.iter().filter(|(_, raw)| {
        let link = text(raw.get(), "events.href");
        link.or_else(|| text(raw.get(), "links.events.href"))
            .is_some()
    });
    let names: Vec<_> = named.map(|(name, _)| name.to_string()).collect();
    if names.is_empty() && !map.is_empty() {
        return Err(protocol("Bitbucket's map of lists has no link to any list"));
    }
    if !names.iter().all(|name| is_segment(name)) {
        return Err(protocol("Bitbucket's map of lists has a name that is none"));
    }
    Ok(names)
}

/// Whether a path can be made with a name; some would climb out of it.
fn is_segment(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
}

/// A record that is an answer by itself, read as `row` says.
///
/// # Errors
/// [`Failure::Protocol`] when it is none, or lacks its key.
pub(crate) fn detail(
    row: &Row,
    response: &Response,
    added: &Map<String, Value>,
) -> Result<Record, Failure> {
    let raw: &RawValue = json(response, "a record")?;
    Ok(entry(row, raw, added)?.record)
}

/// An answer's body as `what` it should be.
fn json<'a, T: Deserialize<'a>>(response: &'a Response, what: &str) -> Result<T, Failure> {
    if !response.is_json() {
        return Err(protocol("Bitbucket answered 200, but not with JSON"));
    }
    // The parser's own words may quote the body, so only the place is told.
    serde_json::from_slice(&response.body).map_err(|e| {
        protocol(&format!(
            "Bitbucket's answer is cut off or not {what} (line {}, column {})",
            e.line(),
            e.column()
        ))
    })
}

/// Takes a number that makes sense, and nothing else.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Value::deserialize(from)?.as_u64())
}

/// A `next` goes out with the credential, so it must stay where that belongs.
fn check_origin(api: &Url, next: &str) -> Result<(), Failure> {
    let url = Url::parse(next)
        .map_err(|_| protocol("Bitbucket named a following page that is not a URL"))?;
    let bare = url.username().is_empty() && url.password().is_none();
    if bare && url.origin() == api.origin() {
        return Ok(());
    }
    let host = url.host_str().unwrap_or("no host");
    Err(protocol(&format!(
        "Bitbucket named a following page on another origin ({}://{host}), which is not followed",
        url.scheme()
    )))
}

fn entry(row: &Row, raw: &RawValue, added: &Map<String, Value>) -> Result<Entry, Failure> {
    // Looked through once: there are two things to find in each record of a page.
    let top: Vec<_> = members(raw).into_iter().flatten().collect();
    let theirs = |path: &str| {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let (_, value) = top.iter().rev().find(|(found, _)| found == name)?;
        if rest.is_empty() {
            plain(value)
        } else {
            text(value, rest)
        }
    };
    let ours = |path: &str| added.get(path)?.as_str().map(str::to_owned);
    let part = |path: &&str| ours(path).or_else(|| theirs(path));
    let key: Option<Vec<String>> = row.object.key.iter().map(part).collect();
    let key = key.ok_or_else(|| {
        protocol(&format!(
            "a record of {} lacks its key ({})",
            row.object.name,
            row.object.key.join(", ")
        ))
    })?;
    let changed_at = row
        .version
        .and_then(theirs)
        .and_then(|text| time::parse(&text));
    let record = Record {
        key: key.join("/"),
        version: changed_at.map(time::normalise),
        raw: raw.to_owned(),
        added: added.clone(),
    };
    Ok(Entry { record, changed_at })
}

/// The text, or the number as text, at a dotted path below an object.
fn text(object: &str, path: &str) -> Option<String> {
    match path.split_once('.') {
        Some((name, rest)) => text(member(object, name)?, rest),
        None => plain(member(object, path)?),
    }
}

/// A text, or a number as text.
fn plain(value: &str) -> Option<String> {
    match serde_json::from_str(value).ok()? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The truth of an object's member, if it is true or false.
fn truth(object: &str, name: &str) -> Option<bool> {
    serde_json::from_str(member(object, name)?).ok()
}

fn protocol(message: &str) -> Failure {
    Failure::Protocol {
        message: message.to_owned(),
    }
}

//! Reading a collection: one position, and two ways to move it on.
//!
//! [`walk`] goes by key, for what Bitbucket filters and sorts by time; [`list`]
//! goes by `next`. Here is what they share: where a request goes, what a refusal
//! means to the position, and the page handed to the engine. What always holds:
//! a position alone decides its request, and a refused request leaves the
//! position it was made from good.

mod list;
mod place;
mod walk;

use std::collections::BTreeMap;

use connector::{Failure, Outcome, Page, ReadIntent, Request, Response, State};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use url::Url;

use self::list::List;
use self::place::Place;
use self::walk::Walk;
use crate::objects::{Paging, Row};
use crate::wire::Envelope;
use crate::{failure, time};

/// Everything but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What to ask for when a page is refused as too large: half, then what every
/// endpoint gives when not asked for a size.
const SMALLER_PAGES: [u32; 2] = [50, 10];

/// Where a read stands; this is what is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Position {
    object: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    at: At,
}

/// The part of a position that moves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum At {
    Walk(Walk),
    List(List),
}

/// What a page leads to.
#[derive(Debug)]
struct Turn<T> {
    /// Where to go on; `None` at the end.
    next: Option<T>,
    estimated_total: Option<u64>,
    watermark: Option<jiff::Timestamp>,
    notes: Vec<String>,
}

/// The first position of a read.
pub(crate) fn start(intent: &ReadIntent) -> Result<State, Failure> {
    let row = Row::of(&intent.object).ok_or_else(|| Failure::Invalid {
        message: format!("Bitbucket has no object {:?} to read", intent.object),
        fields: BTreeMap::new(),
    })?;
    let workspace = if row.path.contains("{workspace}") {
        Some(workspace(&intent.inputs)?)
    } else {
        None
    };
    let at = match row.paging {
        Paging::ByKey => At::Walk(Walk::new(row.pagelen, intent.since)),
        Paging::ByNext => At::List(List::new(row.pagelen)),
    };
    State::pack(&Position {
        object: intent.object.clone(),
        workspace,
        at,
    })
}

/// The request that a position asks for.
pub(crate) fn step(api: &Url, state: &State) -> Result<Request, Failure> {
    let position: Position = state.unpack()?;
    let row = position.row()?;
    let url = match position.at.place() {
        Place::Url(next) => next.clone(),
        place => {
            let origin = api.origin().ascii_serialization();
            let mut url = format!("{origin}/2.0{}?", position.path(row));
            if let At::Walk(walk) = &position.at {
                url.push_str(&walk.query(row));
            }
            url.push_str(&format!("pagelen={}", position.at.pagelen()));
            if let Place::Page(number) = place {
                url.push_str(&format!("&page={number}"));
            }
            url
        }
    };
    Ok(Request {
        group: row.group,
        ..Request::get(url)
    })
}

/// What the answer means.
pub(crate) fn advance(api: &Url, state: &State, response: &Response) -> Result<Outcome, Failure> {
    let position: Position = state.unpack()?;
    let row = position.row()?;
    let counted = matches!(position.at.place(), Place::Page(_));
    let envelope = match response.status {
        200 => Envelope::parse(api, response)?,
        // We counted a page that has gone meanwhile: Bitbucket does not say what
        // it answers beyond the end, and independent look-alikes answer 404.
        404 if counted => Envelope::empty(),
        _ if failure::is_invalid_pagelen(response) => {
            if let Some(smaller) = position.with_smaller_pages() {
                return Ok(Outcome::Again(State::pack(&smaller)?));
            }
            return Err(failure::of(response, &position.subject()));
        }
        _ => return Err(failure::of(response, &position.subject())),
    };
    let entries = envelope.entries(row)?;
    let turn = match position.at {
        At::Walk(walk) => walk
            .turn(&envelope, &entries, time::answered_at(response))?
            .map(At::Walk),
        At::List(list) => list.turn(&envelope)?.map(At::List),
    };
    let next = turn.next.map(|at| {
        State::pack(&Position {
            object: position.object,
            workspace: position.workspace,
            at,
        })
    });
    Ok(Outcome::Page(Page {
        records: entries.into_iter().map(|entry| entry.record).collect(),
        next: next.transpose()?,
        estimated_total: turn.estimated_total,
        watermark: turn.watermark,
        notes: turn.notes,
    }))
}

impl Position {
    fn row(&self) -> Result<&'static Row, Failure> {
        Row::of(&self.object).ok_or_else(|| Failure::Protocol {
            message: format!(
                "the stored position is of an unknown object {:?}",
                self.object
            ),
        })
    }

    fn path(&self, row: &Row) -> String {
        let workspace = self.workspace.as_deref().unwrap_or_default();
        let segment = utf8_percent_encode(workspace, ENCODED).to_string();
        row.path.replace("{workspace}", &segment)
    }

    /// What is read, in words.
    fn subject(&self) -> String {
        match &self.workspace {
            Some(workspace) => format!("workspace \"{workspace}\""),
            None => self.object.clone(),
        }
    }

    /// The same read with the next smaller page, if there is one.
    fn with_smaller_pages(&self) -> Option<Self> {
        let asked = self.at.pagelen();
        let pagelen = SMALLER_PAGES.into_iter().find(|size| *size < asked)?;
        Some(Self {
            at: match &self.at {
                At::Walk(walk) => At::Walk(walk.with_pagelen(pagelen)),
                // Its pages cannot be told apart any more, so it begins again;
                // the engine drops the repeats.
                At::List(_) => At::List(List::new(pagelen)),
            },
            ..self.clone()
        })
    }
}

impl At {
    fn place(&self) -> &Place {
        match self {
            Self::Walk(walk) => walk.place(),
            Self::List(list) => list.place(),
        }
    }

    fn pagelen(&self) -> u32 {
        match self {
            Self::Walk(walk) => walk.pagelen(),
            Self::List(list) => list.pagelen(),
        }
    }
}

impl<T> Turn<T> {
    fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Turn<U> {
        Turn {
            next: self.next.map(wrap),
            estimated_total: self.estimated_total,
            watermark: self.watermark,
            notes: self.notes,
        }
    }
}

/// The workspace that the customer named: a slug, or a UUID with or without the
/// braces that Bitbucket wants.
fn workspace(inputs: &BTreeMap<String, String>) -> Result<String, Failure> {
    let given = inputs.get("workspace").map_or("", |text| text.trim());
    let problem = match given {
        "" => "is required",
        // They would climb out of the path.
        "." | ".." => "is not a workspace",
        _ if is_bare_uuid(given) => return Ok(format!("{{{given}}}")),
        _ => return Ok(given.to_owned()),
    };
    Err(Failure::Invalid {
        message: format!("the input \"workspace\" {problem}"),
        fields: BTreeMap::from([("workspace".to_owned(), vec![problem.to_owned()])]),
    })
}

fn is_bare_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

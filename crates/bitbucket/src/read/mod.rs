//! Reading a collection: one position, and four ways to move it on.
//!
//! [`walk`] goes by key, for what Bitbucket filters and sorts by time; [`list`]
//! goes by `next`. Two collections are spread over several answers: [`branches`]
//! reads one list after the other, [`details`] one record after the other. Here
//! is what they share: where a request goes, what a refusal means to the
//! position, and the page handed to the engine. What always holds: a position
//! alone decides its request, and a refused request leaves the position it was
//! made from good.

mod branches;
mod details;
mod list;
mod place;
mod query;
mod search;
mod walk;

use std::collections::BTreeMap;

use connector::{Failure, Outcome, Page, ReadIntent, Record, Request, Response, State};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use url::Url;

use self::branches::Branches;
use self::details::Details;
use self::list::List;
use self::place::Place;
pub(crate) use self::search::start as search;
use self::walk::Walk;
use crate::objects::{Paging, Row};
use crate::wire::{Entry, Envelope};
use crate::{failure, time};

/// Everything but the unreserved characters of RFC 3986.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
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
    /// What `q` says besides times. It is dropped where Bitbucket refuses it, unless
    /// it is `strict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conditions: Option<String>,
    /// Whether what Bitbucket refuses is refused: a search without its conditions
    /// would find anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    at: At,
}

/// The part of a position that moves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum At {
    Walk(Walk),
    List(List),
    Branches(Branches),
    Details(Details),
}

/// What an answer leads to.
#[derive(Debug)]
enum Step<T> {
    /// Another request, with nothing to commit before it.
    Again(T),
    /// Records, perhaps none of them.
    Turn(Turn<T>),
}

/// What a page leads to.
#[derive(Debug)]
struct Turn<T> {
    records: Vec<Record>,
    /// Where to go on; `None` at the end.
    next: Option<T>,
    estimated_total: Option<u64>,
    watermark: Option<jiff::Timestamp>,
    notes: Vec<String>,
}

/// The first position of a read.
pub(crate) fn start(intent: &ReadIntent) -> Result<State, Failure> {
    let row = row_of(&intent.object)?;
    let workspace = workspace_of(row, &intent.inputs)?;
    let pagelen = intent
        .page_size
        .map_or(row.pagelen, |size| size.clamp(1, row.pagelen));
    let conditions = query::conditions(&intent.filters, row.object.filterable);
    let at = match row.paging {
        Paging::ByKey => At::Walk(Walk::new(pagelen, intent.since, intent.until)),
        Paging::ByNext => At::List(List::new(pagelen)),
        Paging::Branches { .. } => At::Branches(Branches::new(pagelen)),
        Paging::Details { .. } => At::Details(Details::new(pagelen)),
    };
    State::pack(&Position {
        object: intent.object.clone(),
        workspace,
        conditions,
        strict: false,
        at,
    })
}

/// The row of an object that somebody asks for.
fn row_of(object: &str) -> Result<&'static Row, Failure> {
    Row::of(object).ok_or_else(|| Failure::Invalid {
        message: format!("Bitbucket has no object {object:?} to read"),
        fields: BTreeMap::new(),
    })
}

/// The workspace, where the row's path needs one.
fn workspace_of(row: &Row, inputs: &BTreeMap<String, String>) -> Result<Option<String>, Failure> {
    let needed = row.path.contains("{workspace}");
    needed.then(|| workspace(inputs)).transpose()
}

/// The request that a position asks for.
pub(crate) fn step(api: &Url, state: &State) -> Result<Request, Failure> {
    let position: Position = state.unpack()?;
    let row = position.row()?;
    let base = format!(
        "{}/2.0{}",
        api.origin().ascii_serialization(),
        position.path(row)
    );
    let url = match position.at.sheet() {
        None => base,
        Some((Place::Url(next), _)) => next.clone(),
        Some((place, pagelen)) => {
            let mut url = base + "?";
            url.push_str(&position.query(row));
            url.push_str(&format!("pagelen={pagelen}"));
            if let Place::Page(number) = place {
                url.push_str(&format!("&page={number}"));
            }
            url
        }
    };
    Ok(Request {
        group: row.group,
        // What is gone refuses everyone alike.
        judges_credential: row.object.removed.is_none(),
        ..Request::get(url)
    })
}

/// What the answer means.
pub(crate) fn advance(api: &Url, state: &State, response: &Response) -> Result<Outcome, Failure> {
    let position: Position = state.unpack()?;
    let asked = Asked {
        api,
        row: position.row()?,
        subject: position.subject(),
        response,
    };
    if let Some(gone) = asked.is_gone() {
        return Err(gone);
    }
    if let Some(unconditional) = position.without_conditions(response) {
        return Ok(Outcome::Again(State::pack(&unconditional)?));
    }
    let step = match position.at.clone() {
        At::Walk(walk) => walk.advance(&asked)?.map(At::Walk),
        At::List(list) => list.advance(&asked)?.map(At::List),
        At::Branches(branches) => branches.advance(&asked)?.map(At::Branches),
        At::Details(details) => details.advance(&asked)?.map(At::Details),
    };
    let pack = |at| State::pack(&Position { at, ..position });
    Ok(match step {
        Step::Again(at) => Outcome::Again(pack(at)?),
        Step::Turn(turn) => Outcome::Page(Page {
            records: turn.records,
            next: turn.next.map(pack).transpose()?,
            estimated_total: turn.estimated_total,
            watermark: turn.watermark,
            notes: turn.notes,
        }),
    })
}

/// What was asked for, and the answer.
struct Asked<'a> {
    api: &'a Url,
    row: &'static Row,
    /// In words, as in `workspace "acme"`.
    subject: String,
    response: &'a Response,
}

/// The answer to a request for a page.
enum Sheet<'a> {
    Page(Envelope<'a>),
    /// It was refused as too large; this is the size to ask for instead.
    Smaller(u32),
}

impl<'a> Asked<'a> {
    /// What a refusal means when Bitbucket has removed the object.
    fn is_gone(&self) -> Option<Failure> {
        let removed = self.row.object.removed?;
        if !matches!(self.response.status, 401 | 404 | 410) {
            return None;
        }
        // A 410 may name the very announcement.
        let told = match self.refusal() {
            Failure::Gone { announcement, .. } => announcement,
            _ => None,
        };
        Some(Failure::Gone {
            message: format!(
                "{} is not offered by Bitbucket any more",
                self.row.object.name
            ),
            announcement: told.or_else(|| Some(removed.announcement.to_owned())),
        })
    }

    fn refusal(&self) -> Failure {
        failure::of(self.response, &self.subject)
    }

    /// Takes the answer for the page at `place`, of `pagelen` records.
    fn sheet(&self, place: &Place, pagelen: u32) -> Result<Sheet<'a>, Failure> {
        match self.response.status {
            200 => Envelope::parse(self.api, self.response).map(Sheet::Page),
            // We counted a page that has gone meanwhile: Bitbucket does not say
            // what it answers beyond the end, and independent look-alikes answer
            // 404.
            404 if place.is_counted() => Ok(Sheet::Page(Envelope::empty())),
            _ if failure::is_invalid_pagelen(self.response) => {
                let smaller = SMALLER_PAGES.into_iter().find(|size| *size < pagelen);
                smaller.map(Sheet::Smaller).ok_or_else(|| self.refusal())
            }
            _ => Err(self.refusal()),
        }
    }
}

impl Walk {
    fn advance(self, asked: &Asked<'_>) -> Result<Step<Self>, Failure> {
        match asked.sheet(self.place(), self.pagelen())? {
            Sheet::Smaller(pagelen) => Ok(Step::Again(self.with_pagelen(pagelen))),
            Sheet::Page(page) => {
                let entries = page.entries(asked.row, &Map::new())?;
                let answered_at = time::answered_at(asked.response);
                let turn = self.turn(&page, &entries, answered_at)?;
                Ok(Step::Turn(turn.with(entries)))
            }
        }
    }
}

impl List {
    fn advance(self, asked: &Asked<'_>) -> Result<Step<Self>, Failure> {
        match asked.sheet(self.place(), self.pagelen())? {
            // Its pages cannot be told apart any more, so it begins again; the
            // engine drops the repeats.
            Sheet::Smaller(pagelen) => Ok(Step::Again(Self::new(pagelen))),
            Sheet::Page(page) => {
                let entries = page.entries(asked.row, &Map::new())?;
                Ok(Step::Turn(self.turn(&page)?.with(entries)))
            }
        }
    }
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

    /// The path below `/2.0`.
    fn path(&self, row: &Row) -> String {
        let (path, name) = match (&self.at, row.paging) {
            (At::Branches(branches), Paging::Branches { list, .. }) => match branches.name() {
                Some(name) => (list, name),
                None => (row.path, ""),
            },
            (At::Details(details), Paging::Details { detail, .. }) => match details.name() {
                Some(name) => (detail, name),
                None => (row.path, ""),
            },
            _ => (row.path, ""),
        };
        let encoded = |text| utf8_percent_encode(text, ENCODED).to_string();
        path.replace("{name}", &encoded(name)).replace(
            "{workspace}",
            &encoded(self.workspace.as_deref().unwrap_or_default()),
        )
    }

    /// The filter and the order of a page that we ask for, ending in `&`.
    fn query(&self, row: &Row) -> String {
        let (times, order) = match &self.at {
            At::Walk(walk) => (walk.times(row), format!("sort={}&", walk.field(row))),
            At::List(_) | At::Branches(_) | At::Details(_) => (None, String::new()),
        };
        let parts: Vec<&str> = times
            .iter()
            .chain(&self.conditions)
            .map(String::as_str)
            .collect();
        if parts.is_empty() {
            return order;
        }
        let q = parts.join(" AND ");
        format!("q={}&{order}", utf8_percent_encode(&q, ENCODED))
    }

    /// The same position without conditions, where Bitbucket may have refused
    /// one of them: it names no list of what it filters by. If they were not to
    /// blame, the next answer is the same and stands.
    fn without_conditions(&self, response: &Response) -> Option<Self> {
        self.conditions.as_ref().filter(|_| !self.strict)?;
        if response.status != 400 || failure::is_invalid_pagelen(response) {
            return None;
        }
        let at = match &self.at {
            At::Walk(walk) => At::Walk(walk.with_pagelen(walk.pagelen())),
            At::List(list) => At::List(List::new(list.pagelen())),
            At::Branches(_) | At::Details(_) => return None,
        };
        Some(Self {
            conditions: None,
            at,
            ..self.clone()
        })
    }

    /// What is asked for, in words.
    fn subject(&self) -> String {
        let workspace = match &self.at {
            At::Details(details) => details.name(),
            _ => self.workspace.as_deref(),
        };
        let branch = match &self.at {
            At::Branches(branches) => branches.name(),
            _ => None,
        };
        match (workspace, branch) {
            (Some(workspace), _) => format!("workspace \"{workspace}\""),
            (None, Some(name)) => format!("{} of \"{name}\"", self.object),
            (None, None) => self.object.clone(),
        }
    }
}

impl At {
    /// The page that is asked for and its size; `None` for what has no pages.
    fn sheet(&self) -> Option<(&Place, u32)> {
        match self {
            Self::Walk(walk) => Some((walk.place(), walk.pagelen())),
            Self::List(list) => Some((list.place(), list.pagelen())),
            Self::Branches(branches) => branches.list().map(|l| (l.place(), l.pagelen())),
            Self::Details(details) => details.list().map(|l| (l.place(), l.pagelen())),
        }
    }
}

impl<T> Step<T> {
    fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Again(at) => Step::Again(wrap(at)),
            Self::Turn(turn) => Step::Turn(turn.map(wrap)),
        }
    }
}

impl<T> Turn<T> {
    fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Turn<U> {
        Turn {
            records: self.records,
            next: self.next.map(wrap),
            estimated_total: self.estimated_total,
            watermark: self.watermark,
            notes: self.notes,
        }
    }

    /// No records.
    fn empty(next: Option<T>, estimated_total: Option<u64>) -> Self {
        Self {
            records: Vec::new(),
            next,
            estimated_total,
            watermark: None,
            notes: Vec::new(),
        }
    }

    /// With one more note.
    fn noting(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// With the page's records.
    fn with(self, entries: Vec<Entry>) -> Self {
        Self {
            records: entries.into_iter().map(|entry| entry.record).collect(),
            ..self
        }
    }
}

/// The workspace that the customer named: a slug, or a UUID with or without the
/// braces that Bitbucket wants.
pub(crate) fn workspace(inputs: &BTreeMap<String, String>) -> Result<String, Failure> {
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

pub(crate) fn is_bare_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

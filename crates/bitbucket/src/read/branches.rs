//! A collection in several lists: a map says which there are, then each is read
//! to its end, one after the other.
//!
//! The names in the map are what counts; each list's path is made of its name as
//! the API documents it. The map links to the lists too, but a link may lead
//! anywhere and says no more than the name.
//!
//! A list that is not there (404) is passed over with a note: the map is one
//! moment's view, and the others are good without it. The total is told once the
//! last list is reached and all before it have told theirs: less would be taken
//! for the whole.

use connector::Failure;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::list::List;
use super::place::Place;
use super::{Asked, Sheet, Step, Turn};
use crate::objects::Paging;
use crate::wire;

/// Where a read of several lists stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Branches {
    pagelen: u32,
    /// The list being read; `None` while the map is asked for.
    branch: Option<Branch>,
}

/// One of the lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Branch {
    name: String,
    list: List,
    /// Names of the lists to come, the next one last.
    rest: Vec<String>,
    /// How many records the lists before it have, if all of them told.
    before: Option<u64>,
}

impl Branches {
    /// The beginning.
    pub(super) fn new(pagelen: u32) -> Self {
        Self {
            pagelen,
            branch: None,
        }
    }

    /// The name of the list being read.
    pub(super) fn name(&self) -> Option<&str> {
        self.branch.as_ref().map(|branch| branch.name.as_str())
    }

    /// The list being read.
    pub(super) fn list(&self) -> Option<&List> {
        self.branch.as_ref().map(|branch| &branch.list)
    }

    pub(super) fn advance(self, asked: &Asked<'_>) -> Result<Step<Self>, Failure> {
        let pagelen = self.pagelen;
        match self.branch {
            None => Self::from_map(pagelen, asked),
            Some(branch) => branch.advance(pagelen, asked),
        }
    }

    fn from_map(pagelen: u32, asked: &Asked<'_>) -> Result<Step<Self>, Failure> {
        if asked.response.status != 200 {
            return Err(asked.refusal());
        }
        let mut names = wire::names(asked.response)?;
        names.reverse();
        Ok(match Self::after(pagelen, names, Some(0)) {
            Some(first) => Step::Again(first),
            None => Step::Turn(Turn::empty(None, Some(0))),
        })
    }

    /// The beginning of the next list, if there is one.
    fn after(pagelen: u32, mut rest: Vec<String>, before: Option<u64>) -> Option<Self> {
        let name = rest.pop()?;
        let branch = Branch {
            name,
            list: List::new(pagelen),
            rest,
            before,
        };
        Some(Self {
            pagelen,
            branch: Some(branch),
        })
    }
}

impl Branch {
    fn advance(self, pagelen: u32, asked: &Asked<'_>) -> Result<Step<Branches>, Failure> {
        let place = self.list.place();
        if asked.response.status == 404 && !place.is_counted() {
            return Ok(Step::Turn(self.skip(pagelen, &asked.refusal())));
        }
        match asked.sheet(place, self.list.pagelen())? {
            Sheet::Smaller(pagelen) => Ok(Step::Again(Branches {
                pagelen,
                branch: Some(Self {
                    list: List::new(pagelen),
                    ..self
                }),
            })),
            Sheet::Page(page) => {
                let entries = page.entries(asked.row, &self.added(asked))?;
                let turn = self.list.turn(&page)?;
                let total = sum(self.before, turn.estimated_total);
                let is_last = self.rest.is_empty();
                let next = match turn.next {
                    Some(list) => Some(Branches {
                        pagelen,
                        branch: Some(Self {
                            name: self.name,
                            list,
                            rest: self.rest,
                            before: self.before,
                        }),
                    }),
                    None => Branches::after(pagelen, self.rest, total),
                };
                let known = total.filter(|_| is_last);
                Ok(Step::Turn(Turn::empty(next, known).with(entries)))
            }
        }
    }

    /// What is added to each record.
    fn added(&self, asked: &Asked<'_>) -> Map<String, Value> {
        match asked.row.paging {
            Paging::Branches { name, .. } => {
                Map::from_iter([(name.to_owned(), Value::String(self.name.clone()))])
            }
            _ => Map::new(),
        }
    }

    /// Passes over what is left of this list.
    fn skip(self, pagelen: u32, why: &Failure) -> Turn<Branches> {
        // How much of a list was read before it vanished is not kept.
        let unread = *self.list.place() == Place::First;
        let total = self.before.filter(|_| unread);
        let known = total.filter(|_| self.rest.is_empty());
        let next = Branches::after(pagelen, self.rest, total);
        Turn::empty(next, known).noting(format!("skipped: {why}"))
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one?.saturating_add(other?))
}

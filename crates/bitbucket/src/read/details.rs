//! A collection whose list only names the records: each is then asked for by
//! itself, and a field of the list is added to it.
//!
//! The position holds the names of one page of the list, which are taken from
//! the end, and where the list goes on. A record is one request and one commit.
//!
//! A record that is not there (404), or that the user may not see (403), is
//! passed over with a note: a workspace may let in nobody from this address, for
//! one, and the others are good without it. A 403 that names missing scopes is
//! another thing: it is about the credential, every further record would be
//! refused alike, and so it is the read's failure.

use connector::Failure;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::list::List;
use super::{Asked, Sheet, Step, Turn};
use crate::objects::Paging;
use crate::wire;

/// Where a read of records by themselves stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Details {
    /// Records to be asked for, the next one last: the name, and the field of
    /// the list.
    pending: Vec<(String, Option<bool>)>,
    /// The page of the list to be asked for when none is pending; `None` after
    /// the last.
    list: Option<List>,
    /// `size` of the list, less what was passed over.
    total: Option<u64>,
}

impl Details {
    /// The beginning.
    pub(super) fn new(pagelen: u32) -> Self {
        Self {
            pending: Vec::new(),
            list: Some(List::new(pagelen)),
            total: None,
        }
    }

    /// The name of the record that is asked for.
    pub(super) fn name(&self) -> Option<&str> {
        self.pending.last().map(|(name, _)| name.as_str())
    }

    /// The list, if a page of it is asked for.
    pub(super) fn list(&self) -> Option<&List> {
        self.list.as_ref().filter(|_| self.pending.is_empty())
    }

    pub(super) fn advance(mut self, asked: &Asked<'_>) -> Result<Step<Self>, Failure> {
        match self.pending.pop() {
            Some((_, field)) => self.past_record(field, asked),
            None => self.past_page(asked),
        }
    }

    fn past_page(self, asked: &Asked<'_>) -> Result<Step<Self>, Failure> {
        let Some(list) = self.list else {
            return Err(Failure::Protocol {
                message: "the stored position is past the end".to_owned(),
            });
        };
        match asked.sheet(list.place(), list.pagelen())? {
            // The list begins again; the engine drops the repeats.
            Sheet::Smaller(pagelen) => Ok(Step::Again(Self::new(pagelen))),
            Sheet::Page(page) => {
                let mut pending = page.workspaces(field_of(asked))?;
                pending.reverse();
                let first = self.total.is_none();
                let turn = list.turn(&page)?;
                let next = Self {
                    pending,
                    list: turn.next,
                    total: if first {
                        turn.estimated_total
                    } else {
                        self.total
                    },
                };
                let total = next.total;
                Ok(match next.unless_done() {
                    Some(next) => Step::Again(next),
                    None => Step::Turn(Turn::empty(None, total)),
                })
            }
        }
    }

    fn past_record(
        mut self,
        field: Option<bool>,
        asked: &Asked<'_>,
    ) -> Result<Step<Self>, Failure> {
        if asked.response.status == 200 {
            let added = field.map(|truth| (field_of(asked).to_owned(), Value::Bool(truth)));
            let added = Map::from_iter(added);
            let record = wire::detail(asked.row, asked.response, &added)?;
            let total = self.total;
            let mut turn = Turn::empty(self.unless_done(), total);
            turn.records.push(record);
            return Ok(Step::Turn(turn));
        }
        let failure = asked.refusal();
        let is_of_the_record = match &failure {
            Failure::NotFound { .. } => true,
            Failure::Forbidden { required, .. } => required.is_empty(),
            _ => false,
        };
        if !is_of_the_record {
            return Err(failure);
        }
        self.total = self.total.map(|total| total.saturating_sub(1));
        let total = self.total;
        let note = format!("skipped {}: {failure}", asked.subject);
        Ok(Step::Turn(
            Turn::empty(self.unless_done(), total).noting(note),
        ))
    }

    /// Nothing, if there is nothing left to ask for.
    fn unless_done(self) -> Option<Self> {
        (!self.pending.is_empty() || self.list.is_some()).then_some(self)
    }
}

/// The field of the list that is added to each record.
fn field_of(asked: &Asked<'_>) -> &'static str {
    match asked.row.paging {
        Paging::Details { added, .. } => added,
        _ => "",
    }
}

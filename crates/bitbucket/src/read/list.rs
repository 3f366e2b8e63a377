//! A full read: page after page until there is none.

use connector::Failure;
use serde::{Deserialize, Serialize};

use super::Turn;
use super::place::{Place, Trail};
use crate::wire::Envelope;

/// Where a full read stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    pagelen: u32,
    place: Place,
    trail: Trail,
    /// `size` of the first page.
    total: Option<u64>,
}

impl List {
    /// The beginning.
    pub(super) fn new(pagelen: u32) -> Self {
        Self {
            pagelen,
            place: Place::First,
            trail: Trail::default(),
            total: None,
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn pagelen(&self) -> u32 {
        self.pagelen
    }

    /// Moves on past a page.
    pub(super) fn turn(mut self, page: &Envelope<'_>) -> Result<Turn<Self>, Failure> {
        if self.place == Place::First {
            self.total = page.size;
        }
        let total = self.total;
        let next = match Place::after(page, self.trail.number(), self.pagelen) {
            Some(place) => {
                self.trail.follow(&place)?;
                Some(Self { place, ..self })
            }
            None => None,
        };
        Ok(Turn::empty(next, total))
    }
}

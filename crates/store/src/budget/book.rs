//! What a node remembers of a bucket, so that a call costs one statement at
//! most: the ledger as it last saw it, which a compare-and-set proves or
//! refutes, and calls taken in advance.
//!
//! Calls are taken in advance above [`BRISK`] calls a second only, and only
//! until their slot ends: the ledger counts them there. What is left then
//! lapses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as Waiting;

use super::lane::Lane;
use super::ledger::Ledger;
use super::shares::Tally;

/// Calls a second from which on they are taken in blocks.
const BRISK: u32 = 20;
/// Calls in a block.
const BLOCK: u32 = 5;

/// Every bucket that this node has seen.
#[derive(Debug, Default)]
pub(crate) struct Books {
    books: Mutex<HashMap<String, Arc<Waiting<Book>>>>,
    pub(super) tally: Mutex<Tally>,
}

impl Books {
    pub(super) fn of(&self, bucket: &str) -> Arc<Waiting<Book>> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(book) = books.get(bucket) {
            return Arc::clone(book);
        }
        Arc::clone(books.entry(bucket.to_owned()).or_default())
    }
}

/// One bucket, as this node knows it.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) entry: Option<Entry>,
    block: Option<Block>,
    rate: Rate,
}

/// A ledger as it was read or written.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) ledger: Ledger,
    pub(super) version: i64,
    /// When it was read.
    pub(super) as_of: i64,
}

/// Calls that are counted and not yet made.
#[derive(Debug, Clone, Copy)]
struct Block {
    lane: Lane,
    left: u32,
    until: i64,
}

/// Calls in this second, and in the one before.
#[derive(Debug, Default)]
struct Rate {
    second: i64,
    calls: u32,
    before: u32,
}

impl Book {
    /// How many calls should be taken at once.
    pub(super) fn wanted(&mut self, now: i64) -> u32 {
        let second = now.div_euclid(1_000);
        if second != self.rate.second {
            let follows = second == self.rate.second.saturating_add(1);
            self.rate.before = if follows { self.rate.calls } else { 0 };
            self.rate.second = second;
            self.rate.calls = 0;
        }
        self.rate.calls = self.rate.calls.saturating_add(1);
        if self.rate.calls.max(self.rate.before) > BRISK {
            BLOCK
        } else {
            1
        }
    }

    /// Takes a call that was taken in advance.
    pub(super) fn in_advance(&mut self, lane: Lane, now: i64) -> bool {
        match &mut self.block {
            Some(block) if block.lane == lane && block.left > 0 && block.until > now => {
                block.left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Keeps what is left of a block.
    pub(super) fn advance(&mut self, lane: Lane, left: u32, until: i64) {
        if left > 0 {
            self.block = Some(Block { lane, left, until });
        }
    }

    /// The bucket is closed: what was taken in advance is not used.
    pub(super) fn forget(&mut self) {
        self.entry = None;
        self.block = None;
    }
}

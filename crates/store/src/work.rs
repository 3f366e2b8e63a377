//! Sharing work out between nodes: leases with a fence.
//!
//! A row is due, leased, or asleep. A claim raises the epoch; every commit of
//! results checks the epoch first, so a node that froze and came back after its
//! lease had passed on changes nothing. A lapsed lease can be claimed by
//! anyone. Attempts count at the claim, so a crash loop ends somewhere; a
//! committed page resets them.

use jiff::{SignedDuration, Timestamp};

use crate::Store;
use crate::error::Result;

/// How long a lease lasts unless it is renewed.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// How often leases should be renewed.
pub const RENEW_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Lane of work that somebody waits for.
pub const INTERACTIVE: i32 = 0;
/// Lane of work on a schedule.
pub const SCHEDULED: i32 = 1;
/// Lane of work that may take long.
pub const BACKFILL: i32 = 2;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(&'static str);

impl Kind {
    /// Reading some pages of one object; the subject is a sync.
    pub const READ: Self = Self("read");

    /// The name in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// The right to work on one subject until the lease lapses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The kind of work.
    pub kind: Kind,
    /// What the work is about.
    pub subject_id: String,
    /// The lane it came from; lower ones go first.
    pub lane: i32,
    /// The fencing number.
    pub epoch: i64,
    /// Claims since the last progress, this one included.
    pub attempts: i32,
}

impl Store {
    /// Up to `n` rows that are due and free, lower lanes and longest due first.
    pub async fn claim(
        &self,
        kinds: &[Kind],
        owner: &str,
        n: u32,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        todo!()
    }

    /// Renews all leases in one statement and returns those still held. What is
    /// missing has passed on.
    pub async fn renew(&self, owner: &str, held: &[Lease], now: Timestamp) -> Result<Vec<Lease>> {
        todo!()
    }

    /// Frees the row for its next run; `None` sleeps until it is poked. A row
    /// that was poked meanwhile is due now.
    pub async fn finish(
        &self,
        lease: &Lease,
        next_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        todo!()
    }

    /// Makes the subject's work due now; while it runs, it will run again.
    pub async fn poke(&self, kind: Kind, subject_id: &str, now: Timestamp) -> Result<()> {
        todo!()
    }
}

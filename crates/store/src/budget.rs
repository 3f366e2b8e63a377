//! Request budgets: how many calls a bucket may make in a rolling window,
//! counted exactly over all nodes.
//!
//! Calls are counted in slots of a sixtieth of the window, at least a second. A
//! slot counts until its last moment has left the window, so in no window are
//! there ever more calls than the limit.

use jiff::{SignedDuration, Timestamp};

use crate::Store;
use crate::error::Result;

/// The answer to [`Store::spend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spend {
    /// One call may be made; it has been counted.
    Granted,
    /// The limit is reached.
    Full {
        /// When the oldest slot leaves the window.
        until: Timestamp,
    },
    /// The provider has said to wait.
    Blocked {
        /// Until when.
        until: Timestamp,
    },
}

impl Store {
    /// Counts one call against a bucket, if there is room.
    pub async fn spend(
        &self,
        bucket: &str,
        limit: u32,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Spend> {
        todo!()
    }

    /// Closes a bucket until then; a later time wins.
    pub async fn gate(&self, bucket: &str, blocked_until: Timestamp, now: Timestamp) -> Result<()> {
        todo!()
    }

    /// How many calls of a bucket are within the window.
    pub async fn budget_used(
        &self,
        bucket: &str,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<u32> {
        todo!()
    }
}

//! The sandbox's own time, so that two hours or three months can pass at once.

use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A source of time plus an offset that can be moved forward; clones share the offset.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The time of this computer.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the system's time"
    )]
    pub fn system() -> Self {
        Self::from_source(Timestamp::now)
    }

    /// Stands still at `at` until advanced.
    pub fn fixed(at: Timestamp) -> Self {
        Self::from_source(move || at)
    }

    fn from_source(source: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            source: Arc::new(source),
            ahead_ms: Arc::default(),
        }
    }

    /// The current time, cut to microseconds: Bitbucket shows no more.
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed));
        let now = (self.source)();
        let moved = now.checked_add(ahead).unwrap_or(now);
        Timestamp::from_microsecond(moved.as_microsecond()).unwrap_or(moved)
    }

    /// Lets `by` pass at once.
    pub fn advance(&self, by: SignedDuration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Clock({})", self.now())
    }
}

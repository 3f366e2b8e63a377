//! Time. Nothing else in the engine or the server asks the machine for it, so
//! tests drive it, and on PostgreSQL every node follows the database's clock.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Now, and waiting.
#[async_trait::async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The present, in whole milliseconds, as the store keeps time.
    fn now(&self) -> Timestamp;
    /// Returns after `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock, corrected to the database's.
#[derive(Debug, Default)]
pub struct SystemClock {
    /// Database's time less the machine's, in milliseconds.
    offset_ms: AtomicI64,
}

impl SystemClock {
    /// From now on runs level with `database`, a time just read from it.
    pub fn follow(&self, database: Timestamp) {
        let offset = database.as_millisecond() - Self::machine().as_millisecond();
        self.offset_ms.store(offset, Ordering::Relaxed);
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the machine is asked"
    )]
    fn machine() -> Timestamp {
        Timestamp::now()
    }
}

#[async_trait::async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        let now_ms = Self::machine().as_millisecond().saturating_add(offset_ms);
        Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

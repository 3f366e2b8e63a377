//! A clock that stands still until it is moved; whoever sleeps wakes when the time
//! has come. It wakes sleepers of any runtime.

use std::time::Duration;

use engine::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The clock of one simulation.
#[derive(Debug)]
pub struct SimulatedClock {
    now_ms: watch::Sender<i64>,
}

impl SimulatedClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self {
            now_ms: watch::Sender::new(start.as_millisecond()),
        }
    }

    /// Lets `by` pass at once.
    pub fn advance(&self, by: SignedDuration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now_ms
            .send_modify(|now| *now = now.saturating_add(by_ms));
    }
}

#[async_trait::async_trait]
impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(*self.now_ms.borrow()).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        let wait_ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let mut time = self.now_ms.subscribe();
        let until = time.borrow().saturating_add(wait_ms.max(1));
        // An error means that the simulation is over.
        time.wait_for(|now| *now >= until).await.ok();
    }
}

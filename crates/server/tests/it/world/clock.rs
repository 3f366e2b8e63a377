//! A clock that runs with the machine's and can be moved ahead.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use engine::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

/// Waiting is real: whoever waits for work looks again within a second, and then
/// sees the time that has been moved.
#[derive(Debug, Default)]
pub(crate) struct TestClock {
    system: SystemClock,
    ahead_ms: AtomicI64,
}

impl TestClock {
    /// Lets `by` pass at once.
    pub(crate) fn advance(&self, by: SignedDuration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap();
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.system.now() + SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

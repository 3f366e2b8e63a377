//! A clock that runs with the machine's and can be moved ahead.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use engine::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

/// Waiting is real: whoever waits for work looks again within a second, and then
/// sees the time that has been moved.
#[derive(Debug, Default)]
pub(crate) struct TestClock {
    system: SystemClock,
    ahead_ms: AtomicI64,
    /// When it was stopped, if it was.
    stopped: OnceLock<Timestamp>,
    broken: AtomicBool,
}

impl TestClock {
    /// Lets `by` pass at once.
    pub(crate) fn advance(&self, by: SignedDuration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap();
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Whoever asks for the time from now on panics.
    pub(crate) fn break_down(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// From now on time passes only by [`TestClock::advance`].
    pub(crate) fn stop(&self) {
        self.stopped.get_or_init(|| self.system.now());
    }
}

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        assert!(!self.broken.load(Ordering::Relaxed), "the clock is broken");
        let running = || self.system.now();
        let time = self.stopped.get().copied().unwrap_or_else(running);
        time + SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

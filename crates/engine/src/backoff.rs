//! Pauses after failures of the store: longer each time, so that a database that
//! is down is neither hammered nor given up.

use std::time::Duration;

use store::StoreError;

use crate::clock::Clock;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);

/// The pauses of one loop.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure.
    pub(crate) fn pause(&mut self) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        doubled.min(LONGEST)
    }

    /// It works again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// What the store answers, or that it does not: a connection that is cut without
/// a word would keep its caller for a quarter of an hour.
///
/// # Errors
/// Those of `asked`, and [`StoreError::Silent`].
pub(crate) async fn answered<T>(
    clock: &dyn Clock,
    patience: Duration,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::select! {
        biased;
        answer = asked => answer,
        () = clock.sleep(patience) => Err(StoreError::Silent { after_s: patience.as_secs() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_end_and_begin_anew() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u64> = (0..6).map(|_| backoff.pause().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15]);
        backoff.reset();
        assert_eq!(backoff.pause(), FIRST);
    }
}

//! Calls that were passed on, kept as operations: some of them, by chance, and
//! written in batches behind the call, which never waits for the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::{MOST_PROXIED, NewProxied, Store, StoreError};
use tokio::sync::Mutex as Waiting;

use crate::clock::Clock;
use crate::metrics;
use crate::random;

/// How long calls are gathered before they are written.
const GATHER: Duration = Duration::from_millis(200);
/// Calls that may wait to be written. Beyond them none is kept until some are.
const MOST_WAITING: usize = 10_000;
/// What chance is reckoned in.
const WHOLE: u32 = 1_000_000;

/// Keeps calls as operations.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Of [`WHOLE`] calls so many are kept.
    kept_of_whole: u32,
    waiting: Arc<Mutex<Vec<NewProxied>>>,
    is_writing: Arc<AtomicBool>,
    /// Held by the one who writes a batch.
    alone: Arc<Waiting<()>>,
}

impl Recorder {
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>, sample: f64) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of at most 1 of a million"
        )]
        let kept_of_whole = (sample.clamp(0.0, 1.0) * f64::from(WHOLE)) as u32;
        Self {
            store,
            clock,
            kept_of_whole,
            waiting: Arc::default(),
            is_writing: Arc::default(),
            alone: Arc::default(),
        }
    }

    /// Whether this call is one to be kept.
    pub(super) fn wants(&self) -> bool {
        match self.kept_of_whole {
            0 => false,
            WHOLE => true,
            share => random::up_to(WHOLE - 1) < share,
        }
    }

    /// Keeps a call.
    pub(super) fn keep(&self, call: NewProxied) {
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() >= MOST_WAITING {
                metrics::proxy_unkept("too_many", 1);
                return;
            }
            waiting.push(call);
        }
        self.see_to_it();
    }

    fn see_to_it(&self) {
        // A call may end with the runtime, and then there is nobody to write it.
        let has_runtime = tokio::runtime::Handle::try_current().is_ok();
        if has_runtime && !self.is_writing.swap(true, Ordering::AcqRel) {
            let this = self.clone();
            tokio::spawn(async move { this.write_until_none().await });
        }
    }

    async fn write_until_none(&self) {
        loop {
            self.clock.sleep(GATHER).await;
            self.write().await;
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.is_empty() {
                self.is_writing.store(false, Ordering::Release);
                return;
            }
        }
    }

    async fn write(&self) {
        let _alone = self.alone.lock().await;
        let calls = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        if let Err((lost, error)) = add(&self.store, &calls).await {
            tracing::warn!(%error, calls = lost, "calls passed on could not be kept as operations");
            metrics::proxy_unkept("store", lost);
        }
    }

    /// Waits for the batch that is being written, and writes what waits.
    pub(super) async fn settled(&self) {
        self.write().await;
    }
}

/// Writes calls down, a few at a time. Where that fails the rest is not tried: how many
/// are lost, and why.
async fn add(store: &Store, calls: &[NewProxied]) -> Result<(), (u64, StoreError)> {
    let mut left = calls.len();
    for calls in calls.chunks(MOST_PROXIED) {
        if let Err(error) = store.add_proxied(calls).await {
            return Err((u64::try_from(left).unwrap_or(u64::MAX), error));
        }
        left = left.saturating_sub(calls.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::AtomicUsize;

    use jiff::Timestamp;
    use store::{Faults, Moment, OperationStatus};

    use super::*;

    /// Lets so many statements through.
    #[derive(Debug)]
    struct Only(AtomicUsize);

    impl Faults for Only {
        fn at(&self, moment: Moment) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
            let all_is_well = match moment {
                Moment::Begin => {
                    let one_less = |left: usize| left.checked_sub(1);
                    let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
                    self.0.fetch_update(set, get, one_less).is_ok()
                }
                Moment::BeforeCommit | Moment::AfterCommit => true,
            };
            Box::pin(async move { all_is_well })
        }
    }

    #[tokio::test]
    async fn only_what_was_not_written_is_lost() {
        let database = testing::sqlite().await;
        let call = NewProxied {
            id: "one".to_owned(),
            project_id: "p".to_owned(),
            integration_id: "n".to_owned(),
            installation_id: "gone".to_owned(),
            config_id: "c".to_owned(),
            status: OperationStatus::Success,
            result: "GET / answered 200 in 1 ms".to_owned(),
            began_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
        };
        let calls = vec![call; 2 * MOST_PROXIED + 7];
        for (statements, lost) in [(0, calls.len()), (1, MOST_PROXIED + 7), (2, 7)] {
            let faults = Arc::new(Only(AtomicUsize::new(statements)));
            let store = Store::clone(&database).with_faults(faults);
            let (count, _) = add(&store, &calls).await.unwrap_err();
            assert_eq!(count, u64::try_from(lost).unwrap());
        }
        assert!(add(&database, &calls).await.is_ok());
    }
}

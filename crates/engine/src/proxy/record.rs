//! Calls that were passed on, kept as operations: some of them, by chance, and
//! written in batches behind the call, which never waits for the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::{NewProxied, Store};
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
        if calls.is_empty() {
            return;
        }
        if let Err(error) = self.store.add_proxied(&calls).await {
            let lost = u64::try_from(calls.len()).unwrap_or(u64::MAX);
            tracing::warn!(%error, calls = lost, "calls passed on could not be kept as operations");
            metrics::proxy_unkept("store", lost);
        }
    }

    /// Waits for the batch that is being written, and writes what waits.
    pub(super) async fn settled(&self) {
        self.write().await;
    }
}

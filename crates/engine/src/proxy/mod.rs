//! Calls that are passed on to the provider for somebody else: who may, with which
//! credential, on which account, and what is written down of them.
//!
//! What always holds:
//! - A [`Pass`] says that the key, the installation, the manifest and the customer
//!   allowed it a moment ago: what this process changes counts at once, what
//!   another node changes within `PASS_LASTS`.
//! - A call goes through [`Calls::stream`], and so through the request budget.
//! - Nothing of a body is looked at here, and nothing of a query is kept.

mod entry;
mod kept;
mod pass;
mod record;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use outbound::{Door, Outbound};

pub use pass::{Pass, PassAsk, PassError};
pub use stream::{Passing, Relayed, StreamFailure, Streamed};

use crate::registry::Registry;
use record::Recorder;

/// How long a pass is believed that no change in this process has ended.
const PASS_LASTS: SignedDuration = SignedDuration::from_secs(1);

/// What one process knows and keeps of calls that are passed on.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    passes: Arc<kept::Kept<Pass>>,
    recorder: Recorder,
    /// For each provider that calls may be passed on to.
    doors: Arc<[(&'static str, Door)]>,
    /// Calls whose answers have not ended.
    open: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn new(
        registry: &Registry,
        outbound: &Outbound,
        store: store::Store,
        clock: Arc<dyn crate::Clock>,
        sample: f64,
    ) -> Self {
        let described = registry.descriptions().filter(|d| d.proxy.is_some());
        let doors = described.filter_map(|description| {
            let door = outbound.door(&description.origin, outbound.silence());
            match door {
                Ok(door) => Some((description.provider, door)),
                Err(error) => {
                    tracing::error!(%error, provider = description.provider, "no call can be passed on to this provider");
                    None
                }
            }
        });
        Self {
            passes: Arc::default(),
            doors: doors.collect(),
            recorder: Recorder::new(store, clock, sample),
            open: Arc::default(),
        }
    }

    fn door(&self, provider: &str) -> Option<&Door> {
        let mut doors = self.doors.iter();
        doors
            .find(|(name, _)| *name == provider)
            .map(|(_, door)| door)
    }

    /// Calls whose answers have not ended.
    pub(crate) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Waits until everything is written down.
    pub(crate) async fn settled(&self) {
        self.recorder.settled().await;
    }
}

//! The loops that do the work: claim reads, keep their leases, deliver messages.
//! Any number of processes run them on one PostgreSQL; each takes what is free.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::{Kind, Lease, RENEW_EVERY, Store, StoreError, WakeKind};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::deliver::Delivery;
use crate::read::Reader;
use crate::reconciler::Reconciler;

/// Reads under way at once in one process.
const PARALLEL_READS: usize = 16;
/// The longest sleep when nothing wakes us: a lost wake-up costs this much.
pub(crate) const POLL: Duration = Duration::from_secs(1);
/// The pause after the store failed.
pub(crate) const AFTER_ERROR: Duration = Duration::from_secs(2);

/// The work of one process.
#[derive(Debug, Clone)]
pub struct Worker {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) owner: Arc<str>,
    pub(crate) reader: Reader,
    pub(crate) reconciler: Reconciler,
    pub(crate) delivery: Delivery,
}

/// The leases that this process holds, each with the switch that stops its task.
type Held = Arc<Mutex<HashMap<(Kind, String), (Lease, CancellationToken)>>>;

/// A lease that is renewed for as long as its task lives: it is let go of when
/// the task ends, by a panic too, or it would be renewed for ever.
struct Holding {
    held: Held,
    lease: Lease,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let key = (self.lease.kind, self.lease.subject_id.clone());
        let mut held = lock(&self.held);
        // A later lease of the same work belongs to a later task.
        if held
            .get(&key)
            .is_some_and(|(lease, _)| lease.epoch == self.lease.epoch)
        {
            held.remove(&key);
        }
    }
}

impl Worker {
    /// Works until `stop`; then lets each task finish its page and returns.
    pub async fn run(self, stop: CancellationToken) {
        let held = Held::default();
        let tasks = TaskTracker::new();
        tokio::join!(
            self.claim(&held, &tasks, &stop),
            self.renew(&held, &stop),
            self.delivery.run(&stop),
        );
        tasks.close();
        tasks.wait().await;
    }

    async fn claim(&self, held: &Held, tasks: &TaskTracker, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let free = PARALLEL_READS.saturating_sub(tasks.len());
            let claimed = if free == 0 {
                Ok(Vec::new())
            } else {
                let n = u32::try_from(free).unwrap_or(1);
                self.store
                    .claim(
                        &[Kind::INTEGRATION, Kind::READ],
                        &self.owner,
                        n,
                        self.clock.now(),
                    )
                    .await
            };
            match claimed {
                Ok(leases) if leases.is_empty() => self.rest(POLL, stop).await,
                Ok(leases) => {
                    for lease in leases {
                        self.spawn(lease, held, tasks, stop);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "work could not be claimed");
                    self.rest(AFTER_ERROR, stop).await;
                }
            }
        }
    }

    fn spawn(&self, lease: Lease, held: &Held, tasks: &TaskTracker, stop: &CancellationToken) {
        let cancel = stop.child_token();
        let key = (lease.kind, lease.subject_id.clone());
        let replaced = lock(held).insert(key, (lease.clone(), cancel.clone()));
        // We held it once before and lost it: that task must not go on.
        if let Some((_, older)) = replaced {
            older.cancel();
        }
        let worker = self.clone();
        let holding = Holding {
            held: Arc::clone(held),
            lease,
        };
        tasks.spawn(async move { worker.turn(&holding.lease, &cancel).await });
    }

    async fn turn(&self, lease: &Lease, cancel: &CancellationToken) {
        let done = if lease.kind == Kind::INTEGRATION {
            self.reconciler.turn(lease, cancel).await
        } else {
            self.reader.turn(lease, cancel).await
        };
        match done {
            Ok(()) => {}
            // Another process has it now, or it was paused, changed or uninstalled.
            Err(StoreError::LeaseLost) => {
                tracing::debug!(subject = %lease.subject_id, "work was taken back");
            }
            Err(error @ StoreError::NotFound { .. }) => match self.store.forget(lease).await {
                Ok(true) => {
                    tracing::debug!(subject = %lease.subject_id, "the work's subject is gone")
                }
                Ok(false) => {
                    tracing::error!(%error, subject = %lease.subject_id, "work lacks something");
                }
                Err(error) => tracing::error!(%error, "work could not be forgotten"),
            },
            Err(error) => {
                tracing::error!(%error, subject = %lease.subject_id, "work could not be committed");
            }
        }
    }

    /// Renews every held lease in one statement; whoever lost theirs is stopped.
    async fn renew(&self, held: &Held, stop: &CancellationToken) {
        let every = Duration::try_from(RENEW_EVERY).unwrap_or(Duration::from_secs(10));
        loop {
            tokio::select! {
                () = self.clock.sleep(every) => {}
                () = stop.cancelled() => return,
            }
            let leases: Vec<Lease> = lock(held)
                .values()
                .map(|(lease, _)| lease.clone())
                .collect();
            if leases.is_empty() {
                continue;
            }
            match self
                .store
                .renew(&self.owner, &leases, self.clock.now())
                .await
            {
                Ok(kept) => {
                    for lost in leases.iter().filter(|lease| !kept.contains(lease)) {
                        let key = (lost.kind, lost.subject_id.clone());
                        if let Some((current, cancel)) = lock(held).get(&key)
                            && current.epoch == lost.epoch
                        {
                            cancel.cancel();
                        }
                    }
                }
                // The fence protects every commit, so a failed renewal only risks
                // a page read twice.
                Err(error) => tracing::error!(%error, "leases could not be renewed"),
            }
        }
    }

    async fn rest(&self, at_most: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = self.store.woken(WakeKind::Work) => {}
            () = self.clock.sleep(at_most) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

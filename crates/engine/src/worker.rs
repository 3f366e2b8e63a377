//! The loops that do the work: claim it, keep its leases, deliver messages.
//! Any number of processes run them on one PostgreSQL; each takes what is free.
//!
//! What always holds:
//! - A task works only for as long as its lease is known to last. It stops when
//!   somebody else has the work, and by itself when the lease has not been
//!   renewed in time, whatever keeps the database from answering.
//! - A worker that is asked to stop claims nothing more, lets pages under way end
//!   for a while, and gives every lease back: nobody waits for one to lapse.
//! - A database that fails is asked again, at growing intervals.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use store::{Backend, Kind, LEASE, Lease, RENEW_EVERY, Store, StoreError, WakeKind};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::{Backoff, answered};
use crate::clock::Clock;
use crate::deliver::Delivery;
use crate::prune::Pruner;
use crate::read::Reader;
use crate::reconciler::Reconciler;
use crate::write::Writer;

/// What this process works on.
const KINDS: [Kind; 4] = [Kind::INTEGRATION, Kind::READ, Kind::WRITE, Kind::PRUNE];
/// Tasks under way at once in one process, nearly all of them reads.
const PARALLEL: usize = 16;
/// Rows of work claimed at once, so that what is due spreads over the processes.
const BATCH: usize = 4;
/// How long a process leaves what is due to others before it takes more, for each
/// batch that it holds: the idle one is always quicker.
const LEFT_TO_OTHERS: Duration = Duration::from_millis(15);
/// The longest sleep when nothing wakes us: a lost wake-up costs this much.
pub(crate) const POLL: Duration = Duration::from_secs(1);
/// How long the database may take to answer a loop: a claim whose answer is not
/// waited for may have been made, and then waits for its lease to lapse.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The same for a renewal, which is asked for again well before the lease ends.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(5);
/// How long a page under way may go on after the signal to stop.
const PAGE_GRACE: Duration = Duration::from_secs(5);

/// The work of one process.
#[derive(Debug, Clone)]
pub struct Worker {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) owner: Arc<str>,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) reconciler: Reconciler,
    pub(crate) pruner: Pruner,
    pub(crate) delivery: Delivery,
    pub(crate) cut: CancellationToken,
}

/// One lease that this process holds.
#[derive(Debug)]
struct Held {
    lease: Lease,
    /// Stops its task at once.
    lost: CancellationToken,
    /// When the lease ends, as far as it is known here.
    until: watch::Sender<Timestamp>,
}

/// The leases that this process holds, by what they are about.
#[derive(Debug, Clone, Default)]
struct Leases {
    held: Arc<Mutex<HashMap<(Kind, String), Held>>>,
    /// One was let go of: there is room.
    let_go: Arc<Notify>,
}

/// A lease that is renewed for as long as its task lives: it is let go of when
/// the task ends, by a panic too, or it would be renewed for ever.
struct Holding {
    leases: Leases,
    lease: Lease,
    lost: CancellationToken,
    until: watch::Receiver<Timestamp>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        let key = (self.lease.kind, self.lease.subject_id.clone());
        // A later lease of the same work belongs to a later task.
        if held
            .get(&key)
            .is_some_and(|held| held.lease.epoch == self.lease.epoch)
        {
            held.remove(&key);
            self.leases.let_go.notify_one();
        }
    }
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, HashMap<(Kind, String), Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Lease> {
        self.lock()
            .values()
            .map(|held| held.lease.clone())
            .collect()
    }

    fn count(&self) -> usize {
        self.lock().len()
    }

    fn take(&self, lease: Lease, until: Timestamp) -> Holding {
        let lost = CancellationToken::new();
        let (sender, receiver) = watch::channel(until);
        let key = (lease.kind, lease.subject_id.clone());
        let held = Held {
            lease: lease.clone(),
            lost: lost.clone(),
            until: sender,
        };
        // We held it once before and lost it: that task must not go on.
        if let Some(older) = self.lock().insert(key, held) {
            older.lost.cancel();
        }
        Holding {
            leases: self.clone(),
            lease,
            lost,
            until: receiver,
        }
    }

    /// What became of a renewal of `asked`: those `kept` last until then, the
    /// others are somebody else's.
    fn renewed(&self, asked: &[Lease], kept: &[Lease], until: Timestamp) {
        let held = self.lock();
        for lease in asked {
            let key = (lease.kind, lease.subject_id.clone());
            let current = held
                .get(&key)
                .filter(|held| held.lease.epoch == lease.epoch);
            match current {
                Some(current) if kept.contains(lease) => {
                    current.until.send_replace(until);
                }
                Some(current) => current.lost.cancel(),
                None => {}
            }
        }
    }

    fn drop_all(&self) {
        self.lock().values().for_each(|held| held.lost.cancel());
    }
}

impl Worker {
    /// The same worker, which drops everything at once when `cut` says so.
    #[must_use]
    pub fn cut_by(self, cut: CancellationToken) -> Self {
        Self { cut, ..self }
    }

    /// Works until `stop`; then lets each task finish its page, but not for long,
    /// gives the leases back, and returns.
    pub async fn run(self, stop: CancellationToken) {
        let leases = Leases::default();
        let tasks = TaskTracker::new();
        let drained = CancellationToken::new();
        let reading = async {
            self.claim(&leases, &tasks, &stop).await;
            tasks.close();
            self.drain(&leases, &tasks).await;
            drained.cancel();
        };
        let delivering = async {
            tokio::select! {
                () = self.delivery.run(&stop) => {}
                () = self.cut.cancelled() => {}
            }
        };
        tokio::join!(reading, self.renew(&leases, &drained), delivering);
    }

    async fn claim(&self, leases: &Leases, tasks: &TaskTracker, stop: &CancellationToken) {
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let room = PARALLEL.saturating_sub(leases.count()).min(BATCH);
            if room == 0 {
                tokio::select! {
                    () = leases.let_go.notified() => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
            let now = self.clock.now();
            let n = u32::try_from(room).unwrap_or(1);
            let claim = self.store.claim(&KINDS, &self.owner, n, now);
            match answered(self.clock.as_ref(), PATIENCE, claim).await {
                Ok(claimed) => {
                    backoff.reset();
                    let full = claimed.len() == room;
                    for lease in claimed {
                        self.spawn(leases.take(lease, end_of(now)), tasks, stop);
                    }
                    if full {
                        self.leave_to_others(leases.count()).await;
                    } else {
                        self.rest(POLL, stop).await;
                    }
                }
                // A claim whose answer is lost lapses by itself.
                Err(error) => {
                    tracing::error!(%error, "work could not be claimed");
                    self.pause(backoff.pause(), stop).await;
                }
            }
        }
    }

    /// On SQLite there are no others.
    async fn leave_to_others(&self, held: usize) {
        if self.store.backend() == Backend::Postgres {
            let batches = u32::try_from(held / BATCH).unwrap_or(1);
            self.clock.sleep(LEFT_TO_OTHERS * batches).await;
        }
    }

    fn spawn(&self, holding: Holding, tasks: &TaskTracker, stop: &CancellationToken) {
        let (worker, stop) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            let lease = &holding.lease;
            let ended = tokio::select! {
                ended = worker.turn(lease, &stop) => ended,
                // Cut wherever it is: what it has not committed, it has not done.
                () = holding.lost.cancelled() => Err(StoreError::LeaseLost),
                () = lapse(worker.clock.as_ref(), &holding.until) => Err(StoreError::LeaseLost),
            };
            if let Err(error) = ended {
                worker.not_done(lease, error).await;
            }
        });
    }

    async fn turn(&self, lease: &Lease, stop: &CancellationToken) -> Result<(), StoreError> {
        if lease.kind == Kind::INTEGRATION {
            self.reconciler.turn(lease, stop).await
        } else if lease.kind == Kind::PRUNE {
            self.pruner.turn(lease, stop).await
        } else if lease.kind == Kind::WRITE {
            self.writer.turn(lease, stop).await
        } else {
            self.reader.turn(lease, stop).await
        }
    }

    async fn not_done(&self, lease: &Lease, error: StoreError) {
        let (kind, subject) = (lease.kind.as_str(), &lease.subject_id);
        match error {
            // Another process has it now, or it was paused, changed or uninstalled.
            StoreError::LeaseLost => {
                tracing::debug!(kind, %subject, "work was left to whoever holds its lease");
            }
            StoreError::NotFound { .. } => match self.store.forget(lease).await {
                Ok(true) => tracing::debug!(kind, %subject, "the work's subject is gone"),
                Ok(false) => tracing::error!(%error, kind, %subject, "work lacks something"),
                Err(error) => {
                    tracing::error!(%error, kind, %subject, "work could not be forgotten")
                }
            },
            error => tracing::error!(%error, kind, %subject, "work could not be committed"),
        }
    }

    /// Renews every held lease in one statement; whoever lost theirs is stopped.
    async fn renew(&self, leases: &Leases, drained: &CancellationToken) {
        let regular = Duration::try_from(RENEW_EVERY).unwrap_or(Duration::from_secs(10));
        let mut backoff = Backoff::default();
        let mut pause = regular;
        loop {
            tokio::select! {
                () = self.clock.sleep(pause) => {}
                () = drained.cancelled() => return,
            }
            pause = regular;
            let asked = leases.all();
            if asked.is_empty() {
                continue;
            }
            let now = self.clock.now();
            let renewal = self.store.renew(&self.owner, &asked, now);
            match answered(self.clock.as_ref(), RENEWAL_PATIENCE, renewal).await {
                Ok(kept) => {
                    backoff.reset();
                    leases.renewed(&asked, &kept, end_of(now));
                }
                // Again soon: each task stops when its lease ends.
                Err(error) => {
                    tracing::error!(%error, "leases could not be renewed");
                    pause = backoff.pause().min(regular);
                }
            }
        }
    }

    /// Waits for the tasks; cuts those that take too long, and gives back what
    /// they held.
    async fn drain(&self, leases: &Leases, tasks: &TaskTracker) {
        tokio::select! {
            () = tasks.wait() => return,
            () = self.clock.sleep(PAGE_GRACE) => {}
            () = self.cut.cancelled() => {}
        }
        let left = leases.all();
        leases.drop_all();
        tasks.wait().await;
        let given_back = self.store.release_leases(&self.owner, &left);
        match answered(self.clock.as_ref(), RENEWAL_PATIENCE, given_back).await {
            Ok(()) => tracing::warn!(rows = left.len(), "work was cut off; others go on with it"),
            Err(error) => tracing::error!(%error, "leases could not be given back; they lapse"),
        }
    }

    async fn rest(&self, at_most: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = self.store.woken(WakeKind::Work) => {}
            () = self.pause(at_most, stop) => {}
        }
    }

    async fn pause(&self, duration: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = self.clock.sleep(duration) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// When a lease ends that was asked for at `asked_at`: never later than the
/// database thinks.
fn end_of(asked_at: Timestamp) -> Timestamp {
    asked_at.saturating_add(LEASE).unwrap_or(Timestamp::MAX)
}

/// Returns when the lease has ended without having been renewed.
async fn lapse(clock: &dyn Clock, until: &watch::Receiver<Timestamp>) {
    loop {
        let end = *until.borrow();
        let left = end.duration_since(clock.now());
        if !left.is_positive() {
            return;
        }
        clock.sleep(left.unsigned_abs()).await;
    }
}

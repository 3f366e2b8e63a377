//! Delivery: messages out of the outbox, signed, to their destinations.
//!
//! At least once. A message's id and body are fixed when it enters the outbox;
//! only the signature, the headers and the link to a big result are made at
//! each attempt. What became of an attempt is decided by [`schedule`]; who is
//! sent how much at once, by the store's claim.

mod attempt;
mod envelope;
mod link;
pub(crate) mod schedule;
mod signature;
mod test_message;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use outbound::Outbound;
use store::{Acknowledged, Claimed, DeliveryTarget, OutboxMessage, Room, Store, WakeKind};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

pub(crate) use envelope::payload;
pub(crate) use link::LIFETIME as LINK_LIFETIME;
pub use link::{LinkError, LinkKind, Links};
pub(crate) use test_message::send as send_test;
pub use test_message::{TestAnswer, Tested};

use crate::backoff::{Backoff, answered};
use crate::clock::Clock;
use crate::worker::{PATIENCE, POLL};
use attempt::Ended;

/// Attempts under way at once.
const PARALLEL: usize = 128;
/// Acknowledgements kept for a database that fails. What is beyond is attempted
/// again when its lease lapses.
const MOST_UNSETTLED: usize = 1024;

/// What comes before the next claim.
#[derive(Debug, Clone, Copy)]
enum Pause {
    /// Until something is due, or for so long.
    Rest(Duration),
    /// The store failed; so long, whatever happens.
    Failed(Duration),
}

/// Sends what is due.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) store: Store,
    pub(crate) outbound: Outbound,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) owner: Arc<str>,
    pub(crate) links: Links,
    /// Most messages a second for a project, over all nodes; 0 is no limit.
    pub(crate) rate: u32,
}

/// The attempts under way, by destination.
#[derive(Debug, Default)]
struct InFlight {
    by_destination: HashMap<String, usize>,
    failing: usize,
}

impl InFlight {
    fn begin(&mut self, message: &OutboxMessage) {
        let count = self.by_destination.entry(message.destination_id.clone());
        *count.or_default() += 1;
        self.failing += usize::from(message.failing);
    }

    fn end(&mut self, ended: &Ended) {
        if let Some(count) = self.by_destination.get_mut(&ended.destination_id) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_destination.remove(&ended.destination_id);
            }
        }
        self.failing = self.failing.saturating_sub(usize::from(ended.was_failing));
    }
}

impl Delivery {
    /// Attempts what is due until `stop`, then lets the attempts under way end.
    ///
    /// What is due is claimed while other attempts are under way, and each is
    /// acknowledged as it ends: a slow receiver keeps nobody else waiting. Attempts
    /// are tasks, so they go on while the database is waited for: otherwise those
    /// that look something up there could hold every connection and not move, and
    /// the acknowledgement would wait for one of them.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        let this = Arc::new(self.clone());
        let mut attempts = JoinSet::new();
        let mut in_flight = InFlight::default();
        let mut unsettled = Vec::new();
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            self.settle(&mut unsettled, Vec::new()).await;
            let room = Room {
                free: PARALLEL.saturating_sub(attempts.len()),
                in_flight: in_flight.by_destination.clone(),
                failing_in_flight: in_flight.failing,
                rate: self.rate,
            };
            let now = self.clock.now();
            let claim = self.store.claim_messages(&self.owner, room, now);
            let claimed = answered(self.clock.as_ref(), PATIENCE, claim).await;
            let (more, pause) = match claimed {
                Ok(claimed) => {
                    backoff.reset();
                    let pause = Pause::Rest(rest_after(&claimed, now));
                    for (message, target) in self.addressed(claimed.messages, now).await {
                        in_flight.begin(&message);
                        let this = Arc::clone(&this);
                        attempts.spawn(async move { this.attempt(message, target).await });
                    }
                    (claimed.more, pause)
                }
                Err(error) => {
                    tracing::error!(%error, "messages could not be claimed");
                    (false, Pause::Failed(backoff.pause()))
                }
            };
            let mut rest = std::pin::pin!(self.rest(pause, stop));
            loop {
                tokio::select! {
                    biased;
                    Some(ended) = attempts.join_next() => {
                        let mut ended = vec![whole(ended)];
                        while let Some(another) = attempts.try_join_next() {
                            ended.push(whole(another));
                        }
                        ended.iter().for_each(|ended| in_flight.end(ended));
                        let in_sequence = ended.iter().any(|ended| ended.in_sequence);
                        self.settle(&mut unsettled, ended).await;
                        // There is room for what had none, or the next of a sequence.
                        if more || in_sequence {
                            break;
                        }
                    }
                    () = &mut rest => break,
                }
            }
        }
        while let Some(ended) = attempts.join_next().await {
            self.settle(&mut unsettled, vec![whole(ended)]).await;
        }
    }

    /// Messages, each with where it goes. One whose destination cannot be read
    /// waits for its claim to lapse; the others go.
    async fn addressed(
        &self,
        messages: Vec<OutboxMessage>,
        now: Timestamp,
    ) -> Vec<(OutboxMessage, Arc<DeliveryTarget>)> {
        let mut targets: HashMap<String, Option<Arc<DeliveryTarget>>> = HashMap::new();
        let mut addressed = Vec::with_capacity(messages.len());
        for message in messages {
            let id = &message.destination_id;
            if !targets.contains_key(id) {
                let target = self.store.delivery_target(id, now);
                let target = answered(self.clock.as_ref(), PATIENCE, target).await;
                let target = target.inspect_err(|error| {
                    tracing::error!(%error, destination = %id, "a destination could not be read");
                });
                targets.insert(id.clone(), target.ok().map(Arc::new));
            }
            if let Some(Some(target)) = targets.get(id) {
                addressed.push((message, Arc::clone(target)));
            }
        }
        addressed
    }

    /// Acknowledges what has ended, and what could not be acknowledged before.
    async fn settle(&self, unsettled: &mut Vec<Acknowledged>, ended: Vec<Ended>) {
        unsettled.extend(ended.into_iter().filter_map(|ended| ended.result));
        if unsettled.is_empty() {
            return;
        }
        let acknowledged = self.store.acknowledge(unsettled, self.clock.now());
        match answered(self.clock.as_ref(), PATIENCE, acknowledged).await {
            Ok(()) => unsettled.clear(),
            Err(error) => {
                tracing::error!(%error, "attempts could not be acknowledged");
                let too_many = unsettled.len().saturating_sub(MOST_UNSETTLED);
                unsettled.drain(..too_many);
            }
        }
    }

    async fn rest(&self, pause: Pause, stop: &CancellationToken) {
        let (at_most, wakes) = match pause {
            Pause::Rest(at_most) => (at_most, true),
            Pause::Failed(pause) => (pause, false),
        };
        tokio::select! {
            () = self.store.woken(WakeKind::Outbox), if wakes => {}
            () = self.clock.sleep(at_most) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// What came of an attempt. None is cut off while somebody waits for it, and one
/// that panicked takes the loop with it, as if it had been a part of it.
fn whole(ended: Result<Ended, JoinError>) -> Ended {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// How long to rest after a claim: until the next poll, or until the rate lets
/// more go.
fn rest_after(claimed: &Claimed, now: Timestamp) -> Duration {
    let until = claimed.rated_until.map(|until| until.duration_since(now));
    until
        .and_then(|until| Duration::try_from(until).ok())
        .map_or(POLL, |until| until.min(POLL))
}

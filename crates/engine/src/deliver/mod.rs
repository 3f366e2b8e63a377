//! Delivery: messages out of the outbox, signed, to their destinations.
//!
//! At least once. A message's id and body are fixed when it enters the outbox;
//! only the signature, the headers and the link to a big result are made at
//! each attempt. What became of an attempt is decided by [`schedule`].

mod envelope;
mod link;
pub(crate) mod schedule;
mod signature;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use outbound::Outbound;
use store::{
    Acknowledged, DeliveryOutcome, DeliveryTarget, OutboxMessage, Store, StoreError, WakeKind,
};
use tokio_util::sync::CancellationToken;

pub(crate) use link::LIFETIME as LINK_LIFETIME;
pub use link::{LinkError, LinkKind, Links};

use crate::clock::Clock;
use crate::worker::{AFTER_ERROR, POLL};

/// Attempts under way at once.
const PARALLEL: usize = 64;
/// Where more is due, it is claimed when there is room for so many.
const BATCH: usize = 16;
/// How long a receiver may take.
const TIME_OUT: Duration = Duration::from_secs(15);

/// Sends what is due.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) store: Store,
    pub(crate) outbound: Outbound,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) owner: Arc<str>,
    pub(crate) links: Links,
}

impl Delivery {
    /// Attempts what is due until `stop`, then lets the attempts under way end.
    ///
    /// What is due is claimed while other attempts are under way, and each is
    /// acknowledged as it ends: a slow receiver keeps nobody else waiting.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        let mut attempts = FuturesUnordered::new();
        while !stop.is_cancelled() {
            let room = PARALLEL.saturating_sub(attempts.len());
            let (more_is_due, pause) = match self.claim(room).await {
                Ok(claimed) => {
                    let all = claimed.len() < room;
                    let claimed = claimed.into_iter();
                    attempts.extend(claimed.map(|(message, target)| self.attempt(message, target)));
                    (!all, POLL)
                }
                Err(error) => {
                    tracing::error!(%error, "messages could not be claimed");
                    (false, AFTER_ERROR)
                }
            };
            let mut rest = std::pin::pin!(self.rest(pause, stop));
            loop {
                tokio::select! {
                    biased;
                    Some(ended) = attempts.next() => {
                        let mut ended = vec![ended];
                        while let Some(Some(another)) = attempts.next().now_or_never() {
                            ended.push(another);
                        }
                        self.acknowledge(&ended).await;
                        if more_is_due && attempts.len() + BATCH <= PARALLEL {
                            break;
                        }
                    }
                    () = &mut rest => break,
                }
            }
        }
        while let Some(ended) = attempts.next().await {
            self.acknowledge(&[ended]).await;
        }
    }

    /// Up to `room` due messages, each with where it goes.
    async fn claim(
        &self,
        room: usize,
    ) -> Result<Vec<(OutboxMessage, Arc<DeliveryTarget>)>, StoreError> {
        if room == 0 {
            return Ok(Vec::new());
        }
        let n = u32::try_from(room).unwrap_or(u32::MAX);
        let now = self.clock.now();
        let messages = self.store.claim_messages(&self.owner, n, now).await?;
        let targets = self.targets(&messages).await;
        let addressed = messages.into_iter().filter_map(|message| {
            let target = targets.get(&message.destination_id).cloned()?;
            Some((message, target))
        });
        Ok(addressed.collect())
    }

    /// What is not acknowledged is attempted again when its lease has lapsed.
    async fn acknowledge(&self, ended: &[Acknowledged]) {
        if let Err(error) = self.store.acknowledge(ended, self.clock.now()).await {
            tracing::error!(%error, "attempts could not be acknowledged");
        }
    }

    async fn rest(&self, at_most: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = self.store.woken(WakeKind::Outbox) => {}
            () = self.clock.sleep(at_most) => {}
            () = stop.cancelled() => {}
        }
    }

    async fn targets(&self, messages: &[OutboxMessage]) -> HashMap<String, Arc<DeliveryTarget>> {
        let mut targets = HashMap::new();
        for message in messages {
            if !targets.contains_key(&message.destination_id) {
                match self.store.delivery_target(&message.destination_id).await {
                    Ok(target) => {
                        targets.insert(message.destination_id.clone(), Arc::new(target));
                    }
                    // Its messages wait for their claim to lapse; the others go.
                    Err(error) => {
                        tracing::error!(%error, destination = %message.destination_id, "a destination could not be read");
                    }
                }
            }
        }
        targets
    }

    async fn attempt(&self, message: OutboxMessage, target: Arc<DeliveryTarget>) -> Acknowledged {
        let (id, attempt) = (message.id.clone(), message.attempt);
        let outcome = match self.post(&message, &target).await {
            Ok(status) if (200..300).contains(&status) => DeliveryOutcome::Delivered { status },
            Ok(status) => {
                if status == 410 {
                    self.disable(&message.destination_id, &target.name).await;
                }
                let error = schedule::explain_status(status);
                schedule::after_failure(attempt, Some(status), error, self.clock.now())
            }
            Err(error) => schedule::after_failure(attempt, None, error, self.clock.now()),
        };
        if !matches!(outcome, DeliveryOutcome::Delivered { .. }) {
            tracing::debug!(message = %id, destination = %target.name, attempt, ?outcome, "a delivery attempt failed");
        }
        Acknowledged {
            id,
            attempt,
            outcome,
        }
    }

    async fn post(&self, message: &OutboxMessage, target: &DeliveryTarget) -> Result<u16, String> {
        let now = self.clock.now();
        let body = envelope::body(message, &self.links, now).map_err(|e| e.to_string())?;
        let keys = &target.signing_keys;
        let signature = signature::sign(keys, &message.id, now.as_second(), &body)?;
        let timestamp = now.as_second().to_string();
        let mut headers = target.headers.clone();
        for (name, value) in [
            ("id", &message.id),
            ("timestamp", &timestamp),
            ("signature", &signature),
        ] {
            headers.push((format!("svix-{name}"), value.clone()));
            headers.push((format!("webhook-{name}"), value.clone()));
        }
        let answer = self
            .outbound
            .webhook(&target.url, &headers, Bytes::from(body), TIME_OUT)
            .await;
        answer
            .map(|answer| answer.status)
            .map_err(|error| error.to_string())
    }

    async fn disable(&self, destination_id: &str, name: &str) {
        tracing::warn!(
            destination = name,
            "the destination answered 410 Gone and is disabled"
        );
        if let Err(error) = self
            .store
            .disable_destination(destination_id, self.clock.now())
            .await
        {
            tracing::error!(%error, destination = name, "the destination could not be disabled");
        }
    }
}

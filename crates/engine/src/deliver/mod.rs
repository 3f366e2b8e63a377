//! Delivery: messages out of the outbox, signed, to their destinations.
//!
//! At least once. A message's id and body are fixed when it enters the outbox;
//! only the signature, the headers and the link to a big result are made at
//! each attempt. What became of an attempt is decided by [`schedule`].

mod envelope;
mod link;
pub(crate) mod schedule;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use outbound::Outbound;
use secrecy::ExposeSecret as _;
use store::{Acknowledged, DeliveryOutcome, DeliveryTarget, OutboxMessage, Store, StoreError};

pub use link::{LinkError, Links};

use crate::clock::Clock;

/// Messages claimed at once.
const BATCH: u32 = 64;
/// Attempts under way at once.
const PARALLEL: usize = 32;
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
    /// Attempts a batch of due messages. Returns how many there were.
    pub(crate) async fn turn(&self) -> Result<usize, StoreError> {
        let messages = self
            .store
            .claim_messages(&self.owner, BATCH, self.clock.now())
            .await?;
        if messages.is_empty() {
            return Ok(0);
        }
        let count = messages.len();
        let targets = self.targets(&messages).await?;
        let mut answers = futures_util::stream::iter(messages.into_iter().filter_map(|message| {
            let target = targets.get(&message.destination_id).cloned()?;
            Some(self.attempt(message, target))
        }))
        .buffer_unordered(PARALLEL)
        .ready_chunks(PARALLEL);
        // Acknowledged as they come in, so that a slow receiver keeps nobody
        // else's messages unacknowledged.
        while let Some(results) = answers.next().await {
            self.store.acknowledge(&results, self.clock.now()).await?;
        }
        Ok(count)
    }

    async fn targets(
        &self,
        messages: &[OutboxMessage],
    ) -> Result<HashMap<String, Arc<DeliveryTarget>>, StoreError> {
        let mut targets = HashMap::new();
        for message in messages {
            if !targets.contains_key(&message.destination_id) {
                let target = self.store.delivery_target(&message.destination_id).await?;
                targets.insert(message.destination_id.clone(), Arc::new(target));
            }
        }
        Ok(targets)
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
        let signature = sign(target, &message.id, now.as_second(), &body)?;
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

/// The signatures of one message by every key in force, space separated.
fn sign(target: &DeliveryTarget, id: &str, timestamp: i64, body: &[u8]) -> Result<String, String> {
    let mut signatures = Vec::with_capacity(target.signing_keys.len());
    for key in &target.signing_keys {
        let signer = standardwebhooks::Webhook::new(key.expose_secret())
            .map_err(|_| "the destination's signing secret is not base64".to_owned())?;
        let signature = signer
            .sign(id, timestamp, body)
            .map_err(|e| e.to_string())?;
        signatures.push(signature);
    }
    Ok(signatures.join(" "))
}

//! One attempt: the request as it is made now, and what its end means.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use outbound::{SendError, WebhookAnswer};
use secrecy::ExposeSecret as _;
use store::{Acknowledged, DeliveryOutcome, DeliveryTarget, OutboxMessage};

use super::{Delivery, envelope, schedule};

/// How long a receiver may take.
const TIME_OUT: Duration = Duration::from_secs(15);
/// How long a claim must still hold for an attempt of a sequence to begin: the
/// attempt's time-out and some more, so that it is over before another node may
/// take the message.
const MUST_HOLD: SignedDuration = SignedDuration::from_secs(20);

/// An attempt that is over.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) destination_id: String,
    pub(super) was_failing: bool,
    pub(super) in_sequence: bool,
    /// What came of it; `None` when nothing was sent, because the claim had
    /// passed on.
    pub(super) result: Option<Acknowledged>,
}

/// Why nothing was answered.
enum Unanswered {
    /// The message or the destination's secret cannot be used.
    Unusable(String),
    /// It was sent, or not, and no answer came.
    Send(SendError),
}

impl Delivery {
    /// Sends a message and says what came of it.
    pub(super) async fn attempt(
        &self,
        message: OutboxMessage,
        target: Arc<DeliveryTarget>,
    ) -> Ended {
        let result = if schedule::is_worn_out(message.round_attempt) {
            Some((schedule::worn_out(message.round_attempt), None))
        } else if message.in_sequence && !self.still_ours(&message).await {
            None
        } else {
            Some(self.outcome(&message, &target).await)
        };
        if let Some((outcome, _)) = &result
            && !matches!(outcome, DeliveryOutcome::Delivered { .. })
        {
            tracing::debug!(message = %message.id, destination = %target.name, attempt = message.attempt, ?outcome, "a delivery attempt failed");
        }
        Ended {
            destination_id: message.destination_id,
            was_failing: message.failing,
            in_sequence: message.in_sequence,
            result: result.map(|(outcome, answer)| Acknowledged {
                id: message.id,
                attempt: message.attempt,
                attempt_time: self.clock.now(),
                outcome,
                answer,
            }),
        }
    }

    /// Whether nobody has taken a message of a sequence over, and nobody will
    /// before an attempt that begins now is over.
    async fn still_ours(&self, message: &OutboxMessage) -> bool {
        let now = self.clock.now();
        match self.store.claim_holds(message, MUST_HOLD, now).await {
            Ok(true) => true,
            Ok(false) => {
                tracing::warn!(message = %message.id, "a claim has passed on before the message was sent");
                false
            }
            Err(error) => {
                tracing::error!(%error, message = %message.id, "a claim could not be checked; nothing was sent");
                false
            }
        }
    }

    /// What came of sending, and what was answered.
    async fn outcome(
        &self,
        message: &OutboxMessage,
        target: &DeliveryTarget,
    ) -> (DeliveryOutcome, Option<String>) {
        let attempt = message.round_attempt;
        let answer = self.post(message, target).await;
        let now = self.clock.now();
        match answer {
            Ok(answer) => (judge(attempt, &answer, now), Some(answer.body)),
            Err(Unanswered::Unusable(error)) => (
                schedule::after_failure(attempt, None, error, None, now),
                None,
            ),
            Err(Unanswered::Send(error)) => {
                let error = error.to_string();
                (
                    schedule::after_failure(attempt, None, error, None, now),
                    None,
                )
            }
        }
    }

    async fn post(
        &self,
        message: &OutboxMessage,
        target: &DeliveryTarget,
    ) -> Result<WebhookAnswer, Unanswered> {
        let now = self.clock.now();
        let body = envelope::body(message, &self.links, now)
            .map_err(|error| Unanswered::Unusable(error.to_string()))?;
        let signature =
            sign(target, &message.id, now.as_second(), &body).map_err(Unanswered::Unusable)?;
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
        self.outbound
            .webhook(&target.url, &headers, Bytes::from(body), TIME_OUT)
            .await
            .map_err(Unanswered::Send)
    }
}

/// What an answer means.
fn judge(attempt: i32, answer: &WebhookAnswer, now: Timestamp) -> DeliveryOutcome {
    let status = answer.status;
    let error = schedule::explain_status(status);
    match status {
        200..300 => DeliveryOutcome::Delivered { status },
        410 => DeliveryOutcome::Gone { status, error },
        _ => {
            let wanted = schedule::wanted_wait(status, answer.retry_after.as_deref(), now);
            schedule::after_failure(attempt, Some(status), error, wanted, now)
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

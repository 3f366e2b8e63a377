//! One attempt: the request as it is made now, and what its end means.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use outbound::{Outbound, SendError, WebhookAnswer};
use store::{Acknowledged, DeliveryOutcome, DeliveryTarget, OutboxMessage};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::{Delivery, envelope, schedule, signature};
use crate::backoff::answered;
use crate::worker::PATIENCE;
use crate::{metrics, trace};

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
pub(super) enum Unanswered {
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
        let span = tracing::info_span!(
            "deliver",
            destination = target.name,
            attempt = message.attempt,
            status = tracing::field::Empty,
        );
        if let Some(operation_id) = &message.operation_id {
            trace::join(&span, operation_id);
        }
        self.attempt_in_span(message, &target)
            .instrument(span)
            .await
    }

    async fn attempt_in_span(&self, message: OutboxMessage, target: &DeliveryTarget) -> Ended {
        let result = if schedule::is_worn_out(message.round_attempt) {
            Some((schedule::worn_out(message.round_attempt), None))
        } else if message.in_sequence && !self.still_ours(&message).await {
            None
        } else {
            Some(self.outcome(&message, target).await)
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
        let held = self.store.claim_holds(message, MUST_HOLD, now);
        match answered(self.clock.as_ref(), PATIENCE, held).await {
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
        let began = Instant::now();
        let answer = self.post(message, target).await;
        let (took, now) = (began.elapsed(), self.clock.now());
        if let Ok(answer) = &answer {
            Span::current().record("status", answer.status);
        }
        let (outcome, answer) = match answer {
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
        };
        let lag = now.duration_since(message.create_time);
        let lag = Duration::try_from(lag).unwrap_or_default();
        metrics::delivery(&outcome, took, lag);
        (outcome, answer)
    }

    async fn post(
        &self,
        message: &OutboxMessage,
        target: &DeliveryTarget,
    ) -> Result<WebhookAnswer, Unanswered> {
        let now = self.clock.now();
        let body = envelope::body(message, &self.links, now)
            .map_err(|error| Unanswered::Unusable(error.to_string()))?;
        signed(&self.outbound, target, &message.id, body, now).await
    }
}

/// Posts a body under that id, signed now.
pub(super) async fn signed(
    outbound: &Outbound,
    target: &DeliveryTarget,
    id: &str,
    body: Vec<u8>,
    now: Timestamp,
) -> Result<WebhookAnswer, Unanswered> {
    let second = now.as_second();
    let signature = signature::sign(&target.signing_keys, id, second, &body);
    let signature = signature.map_err(Unanswered::Unusable)?;
    let timestamp = second.to_string();
    let mut headers = target.headers.clone();
    for (name, value) in [
        ("id", id),
        ("timestamp", &timestamp),
        ("signature", &signature),
    ] {
        headers.push((format!("svix-{name}"), value.to_owned()));
        headers.push((format!("webhook-{name}"), value.to_owned()));
    }
    outbound
        .webhook(&target.url, &headers, Bytes::from(body), TIME_OUT)
        .await
        .map_err(Unanswered::Send)
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

//! A test message: sent at once and once, signed as every message is, and kept
//! nowhere.

use std::time::Duration;

use jiff::Timestamp;
use outbound::Outbound;
use serde_json::json;
use store::DeliveryTarget;
use tokio::time::Instant;

use super::attempt::{Unanswered, signed};

/// What came of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The message's identifier.
    pub message_id: String,
    /// How long it took.
    pub took: Duration,
    /// What was answered, or why nothing was.
    pub answer: Result<TestAnswer, String>,
}

/// What a destination answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestAnswer {
    /// The status code.
    pub status: u16,
    /// The beginning of the answer, at most 1 KB.
    pub body: String,
}

impl Tested {
    /// Whether the destination would have taken a message.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        let status = self.answer.as_ref().map(|answer| answer.status);
        matches!(status, Ok(200..300))
    }
}

/// Sends it. The body has an empty `result`, so that an app which goes through the
/// records of any message finds none.
pub(crate) async fn send(
    outbound: &Outbound,
    target: &DeliveryTarget,
    project_id: &str,
    now: Timestamp,
) -> Tested {
    let message_id = format!("msg_{}", uuid::Uuid::now_v7().simple());
    let body = json!({
        "action": "test",
        "projectId": project_id,
        "destinationName": target.name,
        "operationTime": now.to_string(),
        "resultInfo": { "type": "inline", "numRecords": 0 },
        "result": [],
    });
    let body = body.to_string().into_bytes();
    let began = Instant::now();
    let answer = signed(outbound, target, &message_id, body, now).await;
    let answer = match answer {
        Ok(answer) => Ok(TestAnswer {
            status: answer.status,
            body: answer.body,
        }),
        Err(Unanswered::Unusable(error)) => Err(error),
        Err(Unanswered::Send(error)) => Err(error.to_string()),
    };
    Tested {
        message_id,
        took: began.elapsed(),
        answer,
    }
}

//! The bytes that go out: an inline message as it is; for a result too big for a
//! message, its envelope with a link made now.

use jiff::Timestamp;
use serde_json::{Map, Value};
use store::{MessageBody, OutboxMessage};

use super::{LinkKind, Links};

/// The body of one attempt.
///
/// # Errors
/// When a stored envelope is not a JSON object.
pub(super) fn body(
    message: &OutboxMessage,
    links: &Links,
    now: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    match &message.body {
        MessageBody::Inline(body) => Ok(body.clone()),
        MessageBody::Url { envelope, .. } => {
            let mut envelope: Map<String, Value> = serde_json::from_slice(envelope)?;
            if let Some(Value::Object(info)) = envelope.get_mut("resultInfo") {
                info.insert(
                    "downloadUrl".to_owned(),
                    Value::String(links.sign(LinkKind::Download, &message.id, now)),
                );
            }
            serde_json::to_vec(&envelope)
        }
    }
}

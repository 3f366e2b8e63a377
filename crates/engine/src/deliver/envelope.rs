//! The bytes that go out: an inline message as it is; where a part of it is
//! fetched instead, its envelope with a link made now.

use jiff::Timestamp;
use serde_json::{Map, Value};
use store::{ConfigPart, DeliveryPayload, MessageBody, OutboxMessage};

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
            serde_json::to_vec(&linked(envelope, &message.id, links, now)?)
        }
    }
}

/// What a message carries, as its destination would get it now.
///
/// # Errors
/// When what is stored is not JSON.
pub(crate) fn payload(
    message_id: &str,
    stored: &DeliveryPayload,
    links: &Links,
    now: Timestamp,
) -> Result<Value, serde_json::Error> {
    if stored.linked {
        linked(&stored.json, message_id, links, now).map(Value::Object)
    } else {
        serde_json::from_slice(&stored.json)
    }
}

/// An envelope with a link made now.
fn linked(
    envelope: &[u8],
    message_id: &str,
    links: &Links,
    now: Timestamp,
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut envelope: Map<String, Value> = serde_json::from_slice(envelope)?;
    let link = |id: &str| Value::String(links.sign(LinkKind::Download, id, now));
    if let Some(Value::Object(info)) = envelope.get_mut("resultInfo") {
        info.insert("downloadUrl".to_owned(), link(message_id));
    }
    if let Some(Value::Object(data)) = envelope.get_mut("data") {
        for part in ConfigPart::ALL {
            if let Some(url) = data.get_mut(part.url_key()) {
                *url = link(&part.link_id(message_id));
            }
        }
    }
    Ok(envelope)
}

//! What a notification says: the contract's payload, as the body of a message.
//! Pure. A config that would make the message too big is left out, and fetched
//! by a link that is made at each attempt.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::event::NotificationEvent;
use crate::error::{Result, StoreError};
use crate::outbox::{LinkedResult, MOST_MESSAGE_BYTES, MessageBody};

/// A part of a notification that may be fetched by a link instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigPart {
    /// The installation's config.
    Config,
    /// The config before the change.
    LastConfig,
}

impl ConfigPart {
    /// Every part there is.
    pub const ALL: [Self; 2] = [Self::Config, Self::LastConfig];

    /// The key that holds it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::LastConfig => "lastConfig",
        }
    }

    /// The key that holds the link to it.
    #[must_use]
    pub fn url_key(self) -> &'static str {
        match self {
            Self::Config => "configURL",
            Self::LastConfig => "lastConfigURL",
        }
    }

    /// What a link to it names: the message and the part.
    #[must_use]
    pub fn link_id(self, message_id: &str) -> String {
        format!("{message_id}.{}", self.key())
    }

    /// The message and the part that a link names; `None` when it names no part.
    #[must_use]
    pub fn of_link_id(id: &str) -> Option<(&str, Self)> {
        let (message_id, key) = id.split_once('.')?;
        let part = Self::ALL.into_iter().find(|part| part.key() == key)?;
        Some((message_id, part))
    }
}

/// What a notification says, piece by piece.
#[derive(Debug)]
pub(super) struct Payload {
    event: NotificationEvent,
    data: Map<String, Value>,
    configs: Vec<(ConfigPart, Value)>,
}

impl Payload {
    /// The fields that all events about such a subject have.
    pub(super) fn new(event: NotificationEvent, fields: &impl Serialize) -> Result<Self> {
        let data = match serde_json::to_value(fields).map_err(unwritable)? {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Ok(Self {
            event,
            data,
            configs: Vec::new(),
        })
    }

    /// With one more field; none where there is no value.
    pub(super) fn with(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.data.insert(key.to_owned(), value.into());
        }
        self
    }

    /// With a config.
    pub(super) fn with_config(mut self, part: ConfigPart, config: Value) -> Self {
        self.configs.push((part, config));
        self
    }

    /// The body of its messages. In one with links the values of those are
    /// empty, and the result holds the configs by their keys.
    pub(super) fn body(self) -> Result<MessageBody> {
        let mut whole = self.data.clone();
        let mut linked = self.data;
        let mut result = Map::new();
        for (part, config) in self.configs {
            whole.insert(part.key().to_owned(), config.clone());
            linked.insert(part.url_key().to_owned(), json!(""));
            result.insert(part.key().to_owned(), config);
        }
        let inline = written(self.event, whole)?;
        if inline.len() <= MOST_MESSAGE_BYTES || result.is_empty() {
            return Ok(MessageBody::Inline(inline));
        }
        Ok(MessageBody::Url {
            envelope: written(self.event, linked)?,
            result: LinkedResult::InRow(serde_json::to_vec(&result).map_err(unwritable)?),
        })
    }
}

fn written(event: NotificationEvent, data: Map<String, Value>) -> Result<Vec<u8>> {
    let message = json!({ "notificationType": event.as_str(), "data": data });
    serde_json::to_vec(&message).map_err(unwritable)
}

/// Without serde's own words, which may repeat what it was given.
fn unwritable(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        table: "outbox",
        detail: format!("a notification is no JSON: {:?}", error.classify()),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has failed"
)]
mod tests {
    use super::*;

    /// A notification whose message is as long as asked for, and what it says.
    fn body(bytes: usize, parts: &[ConfigPart]) -> MessageBody {
        let fields = json!({ "projectId": "p" });
        let payload = |filler: usize| {
            let payload = Payload::new(NotificationEvent::InstallationUpdated, &fields).unwrap();
            parts.iter().fold(payload, |payload, part| {
                payload.with_config(*part, json!({ "x": "x".repeat(filler) }))
            })
        };
        let MessageBody::Inline(bare) = payload(0).body().unwrap() else {
            panic!("an empty config is small")
        };
        let room = bytes - bare.len();
        assert_eq!(room % parts.len(), 0);
        payload(room / parts.len()).body().unwrap()
    }

    #[test]
    fn a_config_is_in_the_message_as_long_as_it_fits() {
        let MessageBody::Inline(body) = body(MOST_MESSAGE_BYTES, &[ConfigPart::Config]) else {
            panic!("it fits")
        };
        assert_eq!(body.len(), MOST_MESSAGE_BYTES);
        let message: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(message["notificationType"], "installation.updated");
        assert!(message["data"]["config"]["x"].is_string());
        assert!(message["data"].get("configURL").is_none());
    }

    #[test]
    fn what_does_not_fit_goes_by_link() {
        let MessageBody::Url {
            envelope,
            result: LinkedResult::InRow(result),
        } = body(MOST_MESSAGE_BYTES + 1, &[ConfigPart::Config])
        else {
            panic!("it does not fit")
        };
        let message: Value = serde_json::from_slice(&envelope).unwrap();
        assert_eq!(message["data"]["configURL"], "");
        assert!(message["data"].get("config").is_none());
        let result: Value = serde_json::from_slice(&result).unwrap();
        assert!(result["config"]["x"].is_string());
    }

    #[test]
    fn every_word_is_its_event() {
        for event in NotificationEvent::every() {
            assert_eq!(NotificationEvent::of_word(event.as_str()), Some(event));
        }
        assert_eq!(NotificationEvent::every().count(), 15);
        assert_eq!(NotificationEvent::of_word("connection.lost"), None);
    }
}

//! The body of a write: a JSON object whose members are read one by one, so that everything
//! wrong with it is said at once.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses>

use crate::refusal::Refusal;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

#[derive(Debug, Default)]
pub(super) struct Document {
    members: Map<String, Value>,
    /// Messages by member.
    problems: Map<String, Value>,
}

impl Document {
    /// From the bytes of a JSON object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self {
                members,
                problems: Map::new(),
            }),
            Ok(_) => Err(Refusal::bad_request("Bad request: not a JSON object")),
            Err(_) => Err(Refusal::bad_request("Bad request: malformed JSON")),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Text that may be null: nothing when it is absent, `Some(None)` when it is null.
    pub(super) fn text(&mut self, name: &str) -> Option<Option<String>> {
        match self.members.get(name)? {
            Value::Null => Some(None),
            Value::String(text) => Some(Some(text.clone())),
            _ => {
                self.refuse(name, "Not a valid string.");
                None
            }
        }
    }

    /// Text that must be there; empty, and refused, when it is not.
    pub(super) fn required_text(&mut self, name: &str) -> String {
        match self.text(name) {
            Some(Some(text)) => return text,
            Some(None) => self.refuse(name, "This field may not be null."),
            None if self.problems.contains_key(name) => {}
            None => self.refuse(name, "This field is required."),
        }
        String::new()
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.members.get(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.refuse(name, "Not a valid boolean.");
        }
        flag
    }

    /// Notes a problem; the first about a member stands.
    pub(super) fn refuse(&mut self, name: &str, message: &str) {
        self.problems
            .entry(name)
            .or_insert_with(|| json!([message]));
    }

    /// The refusal with all problems, if there are any.
    pub(super) fn check(&mut self) -> Result<(), Refusal> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Refusal::invalid(std::mem::take(&mut self.problems)))
    }
}

/// The media type without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let plain = text.split(';').next().unwrap_or_default();
    plain.trim().to_ascii_lowercase()
}

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if media_type(request.headers()) != "application/json" {
            return Err(Refusal::bad_request("Bad request: not application/json"));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Refusal::bad_request("Bad request: unreadable body"))?;
        Self::parse(&bytes)
    }
}

//! What a refusal means: the status decides, then the content type.
//!
//! Bitbucket answers some refusals in plain text and some as whole pages of
//! HTML that hold the caller's profile and a short-lived token. So a body is
//! looked at only when it is JSON, and only its known parts are quoted:
//! `{"type":"error","error":{"message","detail"?,"fields"?,"data"?}}`, in which
//! `detail` is text, or an object that compares scopes. See
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses>.

use std::collections::BTreeMap;

use connector::{Failure, Response};
use jiff::Timestamp;
use serde_json::Value;

use crate::time;

/// The longest message that is passed on, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// The meaning of an answer whose status is not 200. `subject` names what was
/// asked for, as in `workspace "acme"`.
pub(crate) fn of(response: &Response, subject: &str) -> Failure {
    let status = response.status;
    let body = Body::of(response);
    let said = |otherwise: &str| body.message().unwrap_or_else(|| otherwise.to_owned());
    match status {
        400 => Failure::Invalid {
            message: said("Bitbucket refused the request as malformed (400)"),
            fields: body.fields(),
        },
        401 => Failure::Unauthorized {
            message: said("Bitbucket refused the credential (401)"),
        },
        403 => Failure::Forbidden {
            message: said("Bitbucket does not allow this to the connected account (403)"),
            required: body.scopes("required"),
            granted: body.scopes("granted"),
        },
        404 => Failure::NotFound {
            message: match body.message() {
                Some(words) => format!("Bitbucket found no {subject}: {words}"),
                None => format!(
                    "Bitbucket found no {subject}, or does not show it to the connected account"
                ),
            },
        },
        409 => Failure::Conflict {
            message: said("Bitbucket says that it exists already (409)"),
        },
        410 => Failure::Gone {
            message: said("Bitbucket has removed this (410)"),
            announcement: body.announcement(),
        },
        429 => Failure::RateLimited {
            retry_after_s: retry_after_s(response),
        },
        500..=599 => Failure::Unavailable {
            message: format!("Bitbucket failed with status {status}"),
        },
        300..=399 => Failure::Protocol {
            message: format!("Bitbucket redirected (status {status}), which its API does not do"),
        },
        _ => Failure::Protocol {
            message: match body.message() {
                Some(words) => format!("Bitbucket answered with status {status}: {words}"),
                None => format!("Bitbucket answered with status {status}"),
            },
        },
    }
}

/// Whether a 400 says that the page asked for is too large. The text is all
/// there is to know it by.
pub(crate) fn is_invalid_pagelen(response: &Response) -> bool {
    response.status == 400
        && Body::of(response)
            .message()
            .is_some_and(|message| message.to_ascii_lowercase().contains("invalid pagelen"))
}

/// Seconds, or a date, which is measured from the answer's own `Date`.
fn retry_after_s(response: &Response) -> Option<u64> {
    let text = response.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let until: Timestamp = time::http(text)?;
    let wait_s = until.as_second() - time::answered_at(response)?.as_second();
    Some(u64::try_from(wait_s).unwrap_or(0))
}

/// A refusal's body, if it is JSON.
struct Body(Option<Value>);

impl Body {
    fn of(response: &Response) -> Self {
        let json = response.is_json().then_some(&response.body);
        Self(json.and_then(|body| serde_json::from_slice(body).ok()))
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.as_ref()?.pointer(pointer)
    }

    /// `error.message`, and `error.detail` where that is text.
    fn message(&self) -> Option<String> {
        let part = |pointer| {
            let text = self.at(pointer)?.as_str()?.trim();
            (!text.is_empty()).then_some(text)
        };
        let whole = match (part("/error/message"), part("/error/detail")) {
            (Some(message), Some(detail)) if message.ends_with(['.', '!', '?', ':']) => {
                format!("{message} {detail}")
            }
            (Some(message), Some(detail)) => format!("{message}: {detail}"),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => return None,
        };
        Some(whole.chars().take(LONGEST_MESSAGE).collect())
    }

    /// A list of scopes in `error.detail`, where that is an object.
    fn scopes(&self, which: &str) -> Vec<String> {
        self.at("/error/detail")
            .and_then(|detail| detail.get(which))
            .map(texts)
            .unwrap_or_default()
    }

    /// `error.fields`: a list of reasons, or a single one, per field.
    fn fields(&self) -> BTreeMap<String, Vec<String>> {
        let fields = self.at("/error/fields").and_then(Value::as_object);
        fields
            .into_iter()
            .flatten()
            .map(|(name, reasons)| (name.clone(), texts(reasons)))
            .collect()
    }

    /// Where a removal was announced; it stands in two places.
    fn announcement(&self) -> Option<String> {
        ["/error/data/announcement_url", "/data/announcement_url"]
            .into_iter()
            .filter_map(|pointer| self.at(pointer)?.as_str())
            .find(|url| url.starts_with("https://"))
            .map(str::to_owned)
    }
}

/// The texts in a list, or the only one.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

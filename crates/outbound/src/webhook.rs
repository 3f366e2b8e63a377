//! Webhooks: a POST of JSON to an address that a builder chose.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::client::parse;
use crate::{Outbound, SendError, body};

/// How much of an answer is kept.
const ANSWER_MAX_BYTES: usize = 1024;

/// Names that describe the connection or the body, which are not anyone's to set.
const OURS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names that the signature uses, with both of its prefixes.
const SIGNATURE: [&str; 6] = [
    "svix-id",
    "svix-signature",
    "svix-timestamp",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// What a destination answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The status code.
    pub status: u16,
    /// The `Retry-After` header as it came.
    pub retry_after: Option<String>,
    /// The beginning of the answer, at most 1 KB.
    pub body: String,
}

/// Whether a builder may set a header of that name on webhooks.
#[must_use]
pub fn custom_header_allowed(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes())
        .is_ok_and(|n| !OURS.contains(&n.as_str()) && !SIGNATURE.contains(&n.as_str()))
}

impl Outbound {
    /// Posts one JSON message. Any status is an answer, and it counts as soon as
    /// it has arrived, whatever becomes of the body behind it.
    ///
    /// Of two headers of one name the later one is sent: the builder's headers
    /// go first and the signature last, so it cannot be forged. `timeout` is for
    /// the whole exchange.
    ///
    /// # Errors
    /// [`SendError`], when nothing was sent or no status came back.
    pub async fn webhook(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: Bytes,
        timeout: Duration,
    ) -> Result<WebhookAnswer, SendError> {
        let url = parse(url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = self
            .client_for(&url)?
            .post(url)
            .headers(sent_headers(headers)?)
            .body(body);

        let deadline = tokio::time::Instant::now() + timeout;
        let answer = tokio::time::timeout_at(deadline, request.send())
            .await
            .map_err(|_| SendError::Timeout { host: host.clone() })?
            .map_err(|e| SendError::from_client(&e, &host))?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut prefix = Vec::new();
        let reading = body::read_prefix(answer, &mut prefix, ANSWER_MAX_BYTES);
        // Running out of time here is fine: the status is known.
        tokio::time::timeout_at(deadline, reading).await.ok();
        Ok(WebhookAnswer {
            status,
            retry_after,
            body: String::from_utf8_lossy(&prefix).into_owned(),
        })
    }
}

/// Values may be the builder's secrets, so all of them are marked as sensitive.
fn sent_headers(given: &[(String, String)]) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let unusable = || SendError::Header { name: name.clone() };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        if OURS.contains(&key.as_str()) {
            return Err(unusable());
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| unusable())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    Ok(headers)
}

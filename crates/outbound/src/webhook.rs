//! Webhooks: a POST of JSON to an address that a builder chose.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::client::parse;
use crate::{Outbound, SendError, body};

/// How much of an answer is kept.
const ANSWER_MAX_BYTES: usize = 1024;

/// Names that a builder cannot set: what describes the connection or the body,
/// and the signature.
const RESERVED: [&str; 20] = [
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
    "svix-id",
    "svix-signature",
    "svix-timestamp",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// One message to one destination.
#[derive(Clone)]
pub struct Webhook<'a> {
    /// The destination.
    pub url: &'a str,
    /// Our own headers: message id, time and signature.
    pub headers: &'a [(String, String)],
    /// The builder's headers, each of which [`custom_header_allowed`] admits.
    pub custom_headers: &'a [(String, String)],
    /// JSON.
    pub body: Bytes,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// Headers hold the builder's secrets and bodies customers' data.
impl fmt::Debug for Webhook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

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
    HeaderName::from_bytes(name.as_bytes()).is_ok_and(|n| !RESERVED.contains(&n.as_str()))
}

impl Outbound {
    /// Sends one message. Any status is an answer, and it counts as soon as it
    /// has arrived, whatever becomes of the body behind it.
    ///
    /// # Errors
    /// [`SendError`], when nothing was sent or no status came back.
    pub async fn webhook(&self, webhook: Webhook<'_>) -> Result<WebhookAnswer, SendError> {
        let url = parse(webhook.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut headers = HeaderMap::new();
        for (name, value) in webhook.custom_headers {
            if !custom_header_allowed(name) {
                return Err(SendError::Header { name: name.clone() });
            }
            add(&mut headers, name, value)?;
        }
        for (name, value) in webhook.headers {
            add(&mut headers, name, value)?;
        }
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let request = self
            .client_for(&url)?
            .post(url)
            .headers(headers)
            .body(webhook.body);

        let deadline = tokio::time::Instant::now() + webhook.timeout;
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

fn add(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), SendError> {
    let unusable = || SendError::Header {
        name: name.to_owned(),
    };
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| unusable())?;
    value.set_sensitive(true);
    headers.append(key, value);
    Ok(())
}

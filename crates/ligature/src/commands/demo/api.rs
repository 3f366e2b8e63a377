//! The server's API as a client uses it.

use anyhow::Context as _;
use http::{Method, Request, Response, header};
use outbound::Outbound;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// A client with a key.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) outbound: Outbound,
    url: String,
    key: SecretString,
}

impl Api {
    pub(super) fn new(outbound: Outbound, url: String, key: SecretString) -> Self {
        Self { outbound, url, key }
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.json(Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.json(Method::PUT, path, Some(body)).await
    }

    /// An answer that is plain text.
    pub(super) async fn post_for_text(&self, path: &str, body: &Value) -> anyhow::Result<String> {
        let answer = self.send(Method::POST, path, Some(body)).await?;
        String::from_utf8(answer.into_body())
            .with_context(|| format!("POST {path} did not answer text"))
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let answer = self.send(method.clone(), path, body).await?;
        serde_json::from_slice(answer.body())
            .with_context(|| format!("{method} {path} did not answer JSON"))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<Vec<u8>>> {
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}/v1{path}", self.url))
            .header("x-api-key", self.key.expose_secret())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map(Value::to_string).unwrap_or_default().into_bytes())?;
        let answer = self
            .outbound
            .whole(request)
            .await
            .with_context(|| format!("{method} {path}"))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let problem: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let text = |name: &str| {
            problem
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let causes = problem
            .get("causes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let causes: Vec<&str> = causes.filter_map(Value::as_str).collect();
        anyhow::bail!(
            "{method} {path} answered {}: {} {} {}",
            answer.status(),
            text("detail"),
            causes.join("; "),
            text("remedy")
        )
    }
}

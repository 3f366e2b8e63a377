//! The server as a client sees it: requests with a key, whole answers.

use http::{HeaderMap, Method, Request, StatusCode, header};
use outbound::Outbound;
use serde_json::Value;

/// A client with one key, or none.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) outbound: Outbound,
    pub(crate) origin: String,
    pub(crate) key: Option<String>,
    /// The token of a session, in the key's place.
    pub(crate) bearer: Option<String>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Api {
    /// The same client with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// The same client without a key.
    pub(crate) fn without_key(&self) -> Self {
        Self {
            key: None,
            bearer: None,
            ..self.clone()
        }
    }

    /// The same client with the token of a session, and no key.
    pub(crate) fn with_bearer(&self, token: &str) -> Self {
        Self {
            key: None,
            bearer: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// `path` begins after the server's origin.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Vec::new(), &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body.to_string().into_bytes(), &[])
            .await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, body.to_string().into_bytes(), &[])
            .await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, body.to_string().into_bytes(), &[])
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Vec::new(), &[]).await
    }

    /// A request with a body of JSON and some more headers, which win.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin));
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        if let Some(token) = &self.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let mut request = request.body(body).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        exchange(&self.outbound, request).await
    }
}

/// Sends a request as it is.
pub(crate) async fn exchange(outbound: &Outbound, request: Request<Vec<u8>>) -> Answer {
    let (parts, body) = outbound.whole(request).await.unwrap().into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The JSON of an answer of the provider's that was passed on, with this status.
    #[track_caller]
    pub(crate) fn passed(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let kind = self.header("content-type");
        assert!(kind.starts_with("application/json"), "{kind}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem of an answer that must have this status: every problem has the
    /// same frame.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
        let id = problem["requestId"].as_str().unwrap_or_default();
        assert!(
            !id.is_empty() && id == self.header("x-request-id"),
            "{problem}"
        );
        if let Some(causes) = problem.get("causes") {
            assert!(
                causes.as_array().unwrap().iter().all(Value::is_string),
                "{problem}"
            );
        }
        problem
    }
}

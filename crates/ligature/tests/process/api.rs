//! A client of the server's API and of the sandbox's controls.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use http::{Method, Request, Response, header};
use outbound::{Outbound, Settings};
use serde_json::Value;

/// How long a condition may take to come true.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// A client for loopback.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    outbound: Outbound,
    key: String,
}

impl Client {
    pub(crate) fn new(key: &str) -> Self {
        let mut settings = Settings::new("test");
        settings.allowed_networks =
            vec![ipnet::Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into()];
        Self {
            outbound: Outbound::new(&settings).unwrap(),
            key: key.to_owned(),
        }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Response<Vec<u8>>, String> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("x-api-key", &self.key)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map(Value::to_string).unwrap_or_default().into_bytes())
            .unwrap();
        self.outbound
            .whole(request)
            .await
            .map_err(|error| error.to_string())
    }

    /// A request as it is.
    pub(crate) async fn raw(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        self.outbound.whole(request).await.unwrap()
    }

    /// JSON of an answer that must be a success.
    pub(crate) async fn json(&self, method: Method, url: &str, body: Option<&Value>) -> Value {
        let answer = self.send(method, url, body).await.unwrap();
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(
            answer.status().is_success(),
            "{url}: {} {text}",
            answer.status()
        );
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    pub(crate) async fn post(&self, url: &str, body: &Value) -> Value {
        self.json(Method::POST, url, Some(body)).await
    }

    /// Approves at a consent page of the sandbox and goes back to the server.
    pub(crate) async fn consent(&self, authorize_url: &str) -> Response<Vec<u8>> {
        let (page, query) = authorize_url.split_once('?').unwrap();
        let press = Request::builder()
            .method(Method::POST)
            .uri(page)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(format!("{query}&decision=approve").into_bytes())
            .unwrap();
        let redirect = self.outbound.whole(press).await.unwrap();
        let back = redirect.headers()[header::LOCATION]
            .to_str()
            .unwrap()
            .to_owned();
        self.outbound
            .whole(Request::get(back).body(Vec::new()).unwrap())
            .await
            .unwrap()
    }
}

/// Waits until `condition` is true; says what was waited for if it never is.
pub(crate) async fn until<F, Fut>(what: &str, mut condition: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "in vain: waited until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! The sandbox: what it holds, and what it is told to do wrong.

use http::{Method, Request};
use outbound::Outbound;
use sandbox::{Options, Running};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::api::{Answer, exchange};

/// A Bitbucket look-alike and the reins of it.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) options: Options,
    running: Running,
    outbound: Outbound,
}

/// A small one.
pub(crate) fn small() -> Options {
    Options {
        repositories: 230,
        projects: 12,
        token_chars: 256,
        ..Options::default()
    }
}

impl Provider {
    pub(super) async fn start(options: Options, outbound: Outbound) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = sandbox::start(listener, options.clone()).unwrap();
        Self {
            options,
            running,
            outbound,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.running.url()
    }

    /// Takes the calls from `nth` on that match `path` amiss, `times` of them
    /// (0 for all).
    pub(crate) async fn fault(&self, path: &str, nth: u32, times: u32, action: Value) {
        let rule = json!({ "path": path, "nth": nth, "times": times, "action": action });
        let answer = self.control(Method::POST, "faults", &rule).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// Changes some of the settings.
    pub(crate) async fn change_settings(&self, settings: Value) {
        let answer = self.control(Method::PUT, "settings", &settings).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Ends every fault.
    pub(crate) async fn mend(&self) {
        self.control(Method::DELETE, "faults", &Value::Null).await;
    }

    /// Ends the access tokens, the refresh tokens, or both.
    pub(crate) async fn end_tokens(&self, access: bool, refresh: bool) {
        let which = json!({ "expire_access": access, "revoke_refresh": refresh });
        let answer = self.control(Method::POST, "tokens", &which).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// Parks the `nth` request below `path` from now on; returns the barrier.
    pub(crate) async fn park(&self, path: &str, nth: u32) -> u64 {
        let barrier = self
            .control(
                Method::POST,
                "barriers",
                &json!({ "path": path, "nth": nth }),
            )
            .await;
        barrier.json(201)["id"].as_u64().unwrap()
    }

    /// Waits until a request is parked there.
    pub(crate) async fn parked(&self, barrier: u64) {
        let path = format!("barriers/{barrier}?wait_ms=30000");
        assert_eq!(
            self.control(Method::GET, &path, &Value::Null).await.status,
            200,
            "nobody came"
        );
    }

    pub(crate) async fn release(&self, barrier: u64) {
        self.control(
            Method::POST,
            &format!("barriers/{barrier}/release"),
            &json!({}),
        )
        .await;
    }

    /// Changes the data; returns what was changed.
    pub(crate) async fn mutate(&self, change: Value) -> Value {
        let answer = self.control(Method::POST, "mutations", &change).await;
        answer.json(200)["changed"].clone()
    }

    pub(crate) async fn stats(&self) -> Value {
        self.control(Method::GET, "stats", &Value::Null)
            .await
            .json(200)
    }

    /// The calls below a path so far.
    pub(crate) async fn calls(&self, path: &str) -> Vec<Value> {
        let answer = self
            .control(Method::GET, &format!("calls?path={path}"), &Value::Null)
            .await;
        answer.json(200)["calls"].as_array().unwrap().clone()
    }

    /// What is at an address, for the fixed token.
    pub(crate) async fn bytes(&self, url: &str) -> Vec<u8> {
        let token = format!("Bearer {}", self.options.access_token);
        let request = Request::get(url).header("authorization", token);
        let answer = exchange(&self.outbound, request.body(Vec::new()).unwrap()).await;
        if answer.status == 302 {
            let url = answer.header("location").to_owned();
            return Box::pin(self.bytes(&url)).await;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    }

    /// One page as the sandbox answers it to its fixed token.
    pub(crate) async fn page(&self, url: &str) -> String {
        let token = format!("Bearer {}", self.options.access_token);
        let request = Request::get(url)
            .header("authorization", token)
            .body(Vec::new())
            .unwrap();
        let answer = exchange(&self.outbound, request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    async fn control(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let url = format!("{}/_sandbox/{path}", self.url());
        exchange(
            &self.outbound,
            Request::builder()
                .method(method)
                .uri(url)
                .body(body)
                .unwrap(),
        )
        .await
    }
}

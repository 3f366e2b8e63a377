//! Strictness through real HTTP, one file per area.

mod access;
mod barriers;
mod consent;
mod description;
mod exchange;
mod faults;
mod limits;
mod mutations;
mod objects;
mod paging;
mod query;
mod records;
mod shapes;
mod snippets;
mod writes;

use crate::{Clock, Options, Running};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// A sandbox on a free loopback port, and a client that follows no redirect.
struct Server {
    running: Running,
    client: reqwest::Client,
    base: Url,
}

/// A whole response.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }

    /// The values of `key` of all records on this page.
    fn column(&self, key: &str) -> Vec<String> {
        let page = self.json();
        let values = page["values"].as_array().unwrap();
        values
            .iter()
            .map(|value| value[key].as_str().unwrap().to_owned())
            .collect()
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this crate's tests need a client and depend on no other crate of ours"
)]
fn client() -> reqwest::Client {
    // Another test may have installed it already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// Options with a clock that moves only when told to.
fn options() -> Options {
    Options {
        clock: Clock::fixed("2026-11-23T12:00:00.25Z".parse().unwrap()),
        ..Options::default()
    }
}

impl Server {
    async fn start(options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = crate::start(listener, options).unwrap();
        let base = Url::parse(&running.url()).unwrap();
        Self {
            running,
            client: client(),
            base,
        }
    }

    async fn default() -> Self {
        Self::start(options()).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.base.join(path).unwrap())
    }

    /// `GET` with the fixed access token; `path` may also be a whole URL.
    async fn get(&self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        send(request.header("authorization", "Bearer sandbox-access-token")).await
    }

    async fn get_with(&self, path: &str, authorization: &str) -> Answer {
        let request = self.request(Method::GET, path);
        send(request.header("authorization", authorization)).await
    }

    /// A list of repositories with these parameters, encoded.
    async fn repositories(&self, parameters: &[(&str, &str)]) -> Answer {
        let mut url = self.base.join("/2.0/repositories/acme").unwrap();
        url.query_pairs_mut().extend_pairs(parameters);
        self.get(url.as_str()).await
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Answer {
        let path = format!("/_sandbox/{path}");
        send(self.request(method, &path).body(body.to_string())).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.control(Method::POST, path, body).await;
        assert!(answer.status.is_success(), "{answer:?}");
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    async fn set(&self, settings: Value) {
        let answer = self.control(Method::PUT, "settings", settings).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn advance(&self, seconds: u32) {
        self.post("clock", json!({"advance_seconds": seconds}))
            .await;
    }

    /// A token response without a consent.
    async fn grant(&self, wanted: Value) -> Value {
        self.post("grants", wanted).await
    }

    /// `POST` to the token endpoint as the consumer.
    async fn exchange(&self, form: &str) -> Answer {
        let request = self
            .request(Method::POST, "/site/oauth2/access_token")
            .basic_auth("sandbox-client", Some("sandbox-secret"))
            .header("content-type", "application/x-www-form-urlencoded");
        send(request.body(form.to_owned())).await
    }
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

fn bearer(token: &Value) -> String {
    format!("Bearer {}", token["access_token"].as_str().unwrap())
}

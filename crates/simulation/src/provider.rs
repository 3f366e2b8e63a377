//! The sandbox: what it does wrong, how its data changes, and what it has.

use std::collections::BTreeMap;

use anyhow::Context as _;
use http::{Method, Request};
use outbound::Outbound;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The workspace that is read.
pub(crate) const WORKSPACE: &str = "acme";

/// A look-alike of the provider, and the reins of it.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) options: sandbox::Options,
    running: sandbox::Running,
    outbound: Outbound,
    /// What it has, by object and key: the version.
    pub(crate) truth: BTreeMap<(String, String), String>,
}

/// A way out that may reach loopback.
pub(crate) fn loopback(origins: &[String]) -> Outbound {
    let mut settings = outbound::Settings::new("simulation");
    settings.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
    settings.provider_origins = origins.to_vec();
    Outbound::new(&settings).expect("a way out")
}

impl Provider {
    pub(crate) async fn start(options: sandbox::Options) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut provider = Self {
            running: sandbox::start(listener, options.clone())?,
            options,
            outbound: loopback(&[]),
            truth: BTreeMap::new(),
        };
        for object in ["repositories", "projects"] {
            provider.learn(object).await?;
        }
        Ok(provider)
    }

    pub(crate) fn url(&self) -> String {
        self.running.url()
    }

    /// Reads a whole list, with the token that never ends.
    async fn learn(&mut self, object: &str) -> anyhow::Result<()> {
        let path = if object == "repositories" {
            format!("repositories/{WORKSPACE}")
        } else {
            format!("workspaces/{WORKSPACE}/{object}")
        };
        let mut next = Some(format!("{}/2.0/{path}", self.url()));
        while let Some(url) = next {
            let token = format!("Bearer {}", self.options.access_token);
            let request = Request::get(&url)
                .header("authorization", token)
                .body(Vec::new())?;
            let page = self.outbound.whole(request).await?;
            let page: Value = serde_json::from_slice(page.body())?;
            for record in page["values"].as_array().context("a page has values")? {
                self.note(object, record);
            }
            next = page["next"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    fn note(&mut self, object: &str, record: &Value) {
        let key = record["full_name"].as_str().or(record["key"].as_str());
        let version = record["updated_on"].as_str().unwrap_or_default();
        let key = (object.to_owned(), key.unwrap_or_default().to_owned());
        self.truth.insert(key, version.to_owned());
    }

    /// Changes repositories, and knows of it.
    pub(crate) async fn mutate(&mut self, kind: &str, count: u32) -> anyhow::Result<()> {
        let mut change = json!({ "kind": kind, "object": "repositories", "workspace": WORKSPACE });
        change[if kind == "add" { "count" } else { "touches" }] = json!(count);
        let answer = self.control(Method::POST, "mutations", &change).await?;
        for record in answer["changed"].as_array().cloned().unwrap_or_default() {
            self.note("repositories", &record);
        }
        Ok(())
    }

    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let url = format!("{}/_sandbox/{path}", self.url());
        let request = Request::builder().method(method).uri(url).body(body)?;
        let answer = self.outbound.whole(request).await?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        anyhow::ensure!(answer.status().is_success(), "{path}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

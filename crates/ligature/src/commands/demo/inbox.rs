//! The app's part: takes webhooks, checks their signatures as the guides tell
//! receivers to, and counts what came.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use http::Request;
use outbound::Outbound;
use serde_json::Value;
use tokio::net::TcpListener;

/// What came for one object.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) messages: u64,
    pub(super) repeated_messages: u64,
    pub(super) records: u64,
    pub(super) distinct: u64,
}

/// A receiver of webhooks.
#[derive(Debug)]
pub(super) struct Inbox {
    url: String,
    state: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    outbound: Outbound,
    secret: OnceLock<String>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    tallies: BTreeMap<String, Tally>,
    message_ids: HashSet<String>,
    keys: HashSet<(String, String)>,
    refused: u64,
}

impl Inbox {
    /// Starts to listen; messages are refused until there is a secret.
    pub(super) fn start(listener: TcpListener, outbound: Outbound) -> anyhow::Result<Self> {
        let url = format!("http://{}/webhooks", listener.local_addr()?);
        let state = Arc::new(Shared {
            outbound,
            secret: OnceLock::new(),
            counts: Mutex::default(),
        });
        let router = Router::new()
            .route("/webhooks", post(receive))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, state })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// From now on messages signed with `secret` are taken.
    pub(super) fn trust(&self, secret: String) {
        self.state.secret.set(secret).ok();
    }

    /// What has come for an object so far.
    pub(super) fn tally(&self, object: &str) -> Tally {
        let counts = self
            .state
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.tallies.get(object).cloned().unwrap_or_default()
    }

    /// Messages whose signature was not right.
    pub(super) fn refused(&self) -> u64 {
        self.state
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refused
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let message: Option<Value> = serde_json::from_slice(&body).ok();
    let (true, Some(message)) = (shared.is_genuine(&headers, &body), message) else {
        shared
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refused += 1;
        return StatusCode::UNAUTHORIZED;
    };
    let Some(records) = shared.records(&message).await else {
        return StatusCode::BAD_GATEWAY;
    };
    let id = headers
        .get("svix-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let mut counts = shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
    counts.count(id, &message, &records);
    StatusCode::OK
}

impl Shared {
    /// Standard Webhooks, under both sets of header names.
    fn is_genuine(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let twins = ["id", "timestamp", "signature"];
        let same = twins.iter().all(|name| {
            headers.get(format!("svix-{name}")) == headers.get(format!("webhook-{name}"))
        });
        let verifier = self
            .secret
            .get()
            .and_then(|secret| standardwebhooks::Webhook::new(secret).ok());
        same && verifier.is_some_and(|verifier| verifier.verify(body, headers).is_ok())
    }

    /// The records, from the message or from where it says they are.
    async fn records(&self, message: &Value) -> Option<Vec<Value>> {
        let info = message.get("resultInfo")?;
        if info.get("type")?.as_str()? == "inline" {
            return message.get("result")?.as_array().cloned();
        }
        let url = info.get("downloadUrl")?.as_str()?;
        let answer = self
            .outbound
            .whole(Request::get(url).body(Vec::new()).ok()?)
            .await
            .ok()?;
        serde_json::from_slice(answer.body()).ok()
    }
}

impl Counts {
    fn count(&mut self, id: String, message: &Value, records: &[Value]) {
        // The table is about the backfills; the example's schedules go on beside them.
        if message.get("readType").and_then(Value::as_str) != Some("backfill") {
            return;
        }
        // Under Bitbucket's name, also where the manifest has another for it.
        let object = ["rawObjectName", "objectName"]
            .iter()
            .find_map(|name| message.get(name)?.as_str().filter(|name| !name.is_empty()))
            .unwrap_or_default()
            .to_owned();
        let repeated = !self.message_ids.insert(id);
        let tally = self.tallies.entry(object.clone()).or_default();
        tally.messages += 1;
        if repeated {
            tally.repeated_messages += 1;
            return;
        }
        for record in records {
            tally.records += 1;
            // Not every record has an identifier, and some differ in nothing but
            // what was added.
            let key = ["raw", "fields"]
                .map(|part| record.get(part).map(Value::to_string))
                .into_iter()
                .flatten()
                .collect();
            if self.keys.insert((object.clone(), key)) {
                tally.distinct += 1;
            }
        }
    }
}

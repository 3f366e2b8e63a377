//! A receiver of webhooks that can be slow to answer.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// How often each message came, by id.
    pub(crate) messages: HashMap<String, u32>,
    /// The messages that held each record, by object and key.
    pub(crate) records: HashMap<(String, String), Vec<String>>,
    /// Messages whose signature was wrong.
    pub(crate) forged: u32,
}

impl Inbox {
    /// Distinct records of an object.
    pub(crate) fn distinct(&self, object: &str) -> usize {
        self.records
            .keys()
            .filter(|(name, _)| name == object)
            .count()
    }

    /// Deliveries of a message that had come before.
    pub(crate) fn repeated_messages(&self) -> u32 {
        self.messages.values().map(|times| times - 1).sum()
    }

    /// Records that came in more than one message.
    pub(crate) fn repeated_records(&self) -> usize {
        self.records
            .values()
            .filter(|messages| messages.len() > 1)
            .count()
    }
}

/// The receiver.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) inbox: Arc<Mutex<Inbox>>,
    secret: Arc<Mutex<String>>,
    held: watch::Sender<bool>,
    parked: watch::Sender<u32>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hooks", listener.local_addr().unwrap()),
            inbox: Arc::default(),
            secret: Arc::default(),
            held: watch::Sender::new(false),
            parked: watch::Sender::new(0),
        };
        let router = Router::new()
            .route("/hooks", post(receive))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub(crate) fn trust(&self, secret: &str) {
        secret.clone_into(&mut self.secret.lock().unwrap());
    }

    /// From now on messages are taken, but not answered until [`Receiver::answer`].
    pub(crate) fn hold(&self) {
        self.parked.send_replace(0);
        self.held.send_replace(true);
    }

    pub(crate) fn answer(&self) {
        self.held.send_replace(false);
    }

    /// Waits until a message was taken and is not answered.
    pub(crate) async fn parked(&self) {
        self.parked
            .subscribe()
            .wait_for(|parked| *parked > 0)
            .await
            .unwrap();
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.take(&headers, &body);
    if *receiver.held.borrow() {
        receiver.parked.send_modify(|parked| *parked += 1);
        receiver.held.subscribe().wait_for(|held| !held).await.ok();
    }
    StatusCode::OK
}

impl Receiver {
    fn take(&self, headers: &HeaderMap, body: &[u8]) {
        let verifier = standardwebhooks::Webhook::new(&self.secret.lock().unwrap()).unwrap();
        let mut inbox = self.inbox.lock().unwrap();
        if verifier.verify(body, headers).is_err() {
            inbox.forged += 1;
            return;
        }
        let id = headers["svix-id"].to_str().unwrap().to_owned();
        let message: Value = serde_json::from_slice(body).unwrap();
        let object = message["objectName"].as_str().unwrap();
        for record in message["result"].as_array().unwrap() {
            let key = (object.to_owned(), record["raw"]["uuid"].to_string());
            let messages = inbox.records.entry(key).or_default();
            if !messages.contains(&id) {
                messages.push(id.clone());
            }
        }
        *inbox.messages.entry(id).or_default() += 1;
    }
}

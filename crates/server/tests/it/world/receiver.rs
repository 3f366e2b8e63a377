//! The app's part: takes webhooks, checks their signatures, keeps them, and
//! answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether both sets of headers hold a right signature of the body.
    pub(crate) genuine: bool,
    /// The status that it was answered with.
    pub(crate) answered: u16,
}

impl Delivery {
    pub(crate) fn message(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver of webhooks on a free port.
#[derive(Debug)]
pub(crate) struct Receiver {
    origin: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    secrets: Mutex<Vec<String>>,
    deliveries: Mutex<Vec<Delivery>>,
    answers: Mutex<VecDeque<u16>>,
    always: Mutex<u16>,
    /// The `Retry-After` and the body of refusals.
    refusal: Mutex<(Option<String>, String)>,
    open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            secrets: Mutex::default(),
            deliveries: Mutex::default(),
            answers: Mutex::default(),
            always: Mutex::new(200),
            refusal: Mutex::default(),
            open: watch::Sender::new(true),
            waiting: watch::Sender::new(0),
        });
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            origin,
            shared,
            task,
        }
    }

    /// An address of this receiver.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// From now on this secret is one of those that messages are signed with.
    pub(crate) fn trust(&self, secret: &str) {
        self.shared.secrets.lock().unwrap().push(secret.to_owned());
    }

    /// What the next requests are answered, one each; then 200 again.
    pub(crate) fn answer_next(&self, statuses: &[u16]) {
        self.shared.answers.lock().unwrap().extend(statuses);
    }

    /// What requests are answered from now on.
    pub(crate) fn answer_always(&self, status: u16) {
        *self.shared.always.lock().unwrap() = status;
    }

    /// What refusals say from now on.
    pub(crate) fn refuse_with(&self, retry_after: Option<&str>, body: &str) {
        *self.shared.refusal.lock().unwrap() = (retry_after.map(str::to_owned), body.to_owned());
    }

    /// Keeps requests waiting until [`Receiver::release`].
    pub(crate) fn hold(&self) {
        self.shared.open.send_replace(false);
    }

    /// Resolves when somebody is kept waiting.
    pub(crate) async fn somebody_waits(&self) {
        self.shared
            .waiting
            .subscribe()
            .wait_for(|count| *count > 0)
            .await
            .unwrap();
    }

    pub(crate) fn release(&self) {
        self.shared.open.send_replace(true);
    }

    /// Everything that came in, in the order in which it was answered.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.lock().unwrap().clone()
    }

    /// What was taken, that is, answered by a 2xx.
    pub(crate) fn taken(&self) -> Vec<Delivery> {
        let mut deliveries = self.deliveries();
        deliveries.retain(|delivery| (200..300).contains(&delivery.answered));
        deliveries
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.waiting.send_modify(|count| *count += 1);
    shared
        .open
        .subscribe()
        .wait_for(|open| *open)
        .await
        .unwrap();
    shared.waiting.send_modify(|count| *count -= 1);
    let next = shared.answers.lock().unwrap().pop_front();
    let answered = next.unwrap_or_else(|| *shared.always.lock().unwrap());
    let id = headers
        .get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let genuine =
        shared.is_genuine("svix", &headers, &body) && shared.is_genuine("webhook", &headers, &body);
    let delivery = Delivery {
        id,
        path: uri.path().to_owned(),
        headers,
        body,
        genuine,
        answered,
    };
    shared.deliveries.lock().unwrap().push(delivery);
    let status = StatusCode::from_u16(answered).unwrap();
    if status.is_redirection() {
        return (status, [(header::LOCATION, "/elsewhere")]).into_response();
    }
    if status.is_success() {
        return status.into_response();
    }
    let (retry_after, body) = shared.refusal.lock().unwrap().clone();
    let mut headers = HeaderMap::new();
    if let Some(wait) = retry_after {
        headers.insert(header::RETRY_AFTER, wait.parse().unwrap());
    }
    (status, headers, body).into_response()
}

impl Shared {
    /// The time is left to the tests: some of them move it.
    fn is_genuine(&self, prefix: &str, headers: &HeaderMap, body: &[u8]) -> bool {
        let part = |name: &str| {
            headers
                .get(format!("{prefix}-{name}"))
                .and_then(|value| value.to_str().ok())
        };
        let (Some(id), Some(timestamp), Some(signature)) =
            (part("id"), part("timestamp"), part("signature"))
        else {
            return false;
        };
        let Ok(timestamp) = timestamp.parse() else {
            return false;
        };
        self.secrets.lock().unwrap().iter().any(|secret| {
            let right = Webhook::new(secret)
                .unwrap()
                .sign(id, timestamp, body)
                .unwrap();
            signature.split(' ').any(|given| given == right)
        })
    }
}

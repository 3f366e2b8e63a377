//! Connections to one origin, kept between requests: HTTP/1.1, the last one used
//! taken first, so that those beyond what is needed age and are closed.
//!
//! A connection is moved by whoever holds it and not by a task of its own: a call
//! without a body then costs one task's waking for each thing that comes, and not
//! two. Nobody moves one that is kept; whether it has ended is seen when it is taken.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Uri;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::Instant;
use tower::{Service, ServiceExt as _};

use super::body::{Silent, Upload};
use crate::SendError;
use crate::guard::{AddressGuard, Reach};
use crate::resolve::GuardedResolver;

/// How long a connection is kept that nobody uses: less than servers keep theirs.
const KEPT: Duration = Duration::from_secs(30);
/// Connections that are kept at most.
const MOST_KEPT: usize = 1_024;
/// How often those that have aged are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(10);
/// How far a connection reads ahead of whoever takes the answer, in bytes.
const READ_AHEAD: usize = 64 * 1024;
/// How often a silent connection is asked by the system whether it is alive.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Connects, to where the guard permits.
pub(crate) type Connector = HttpsConnector<HttpConnector<GuardedResolver>>;

/// How connections are made.
pub(crate) fn connector(
    tls: &rustls::ClientConfig,
    guard: &Arc<AddressGuard>,
    reach: Reach,
    connect_timeout: Duration,
) -> Connector {
    let resolver = GuardedResolver {
        guard: Arc::clone(guard),
        reach,
    };
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_connect_timeout(Some(connect_timeout));
    hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp)
}

type Stream = <Connector as Service<Uri>>::Response;

/// A connection on which nothing is under way, or the one request of its holder.
pub(crate) struct Idle {
    pub(super) sender: SendRequest<Upload>,
    /// `None` when it has ended, or moves by itself.
    connection: Option<Box<http1::Connection<Stream, Upload>>>,
    since: Instant,
    /// Whether it has carried a request before.
    pub(super) was_kept: bool,
    /// What measures how long an answer does not begin; it costs less when it is used
    /// again.
    pub(super) silent: Option<Silent>,
}

impl Idle {
    /// Moves what there is to be moved, and then polls what waits for it.
    pub(super) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        waiting: impl FnOnce(&mut SendRequest<Upload>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let ended = match &mut self.connection {
            Some(connection) => Pin::new(connection).poll(context),
            // What waits is woken by the task that moves the connection.
            None => return waiting(&mut self.sender, context),
        };
        if let Poll::Ready(ended) = ended {
            told(ended);
            self.connection = None;
            return waiting(&mut self.sender, context);
        }
        // Only this moves the connection, so nobody else has to wake it.
        waiting(&mut self.sender, &mut Context::from_waker(Waker::noop()))
    }

    /// Lets it move by itself: a body goes on to the provider also while nobody takes
    /// the answer.
    pub(super) fn detach(&mut self) {
        if let Some(connection) = self.connection.take() {
            tokio::spawn(async move { told(connection.await) });
        }
    }
}

fn told(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the provider ended early");
    }
}

/// The connections to one origin.
pub(crate) struct Pool {
    connector: Connector,
    origin: Uri,
    host: String,
    connect_timeout: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The last one used is at the end.
    idle: Vec<Idle>,
    is_tidied: bool,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(connector: Connector, origin: Uri, connect_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            connector,
            host: origin.host().unwrap_or_default().to_owned(),
            origin,
            connect_timeout,
            kept: Mutex::default(),
        })
    }

    /// The host, for messages.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// A connection that is ready: one that was kept, or a new one.
    pub(super) async fn take(&self) -> Result<Idle, SendError> {
        while let Some(mut idle) = self.pop() {
            // It may still be busy with the end of the answer before.
            let ready =
                poll_fn(|context| idle.poll(context, |sender, context| sender.poll_ready(context)));
            if ready.await.is_ok() {
                return Ok(idle);
            }
        }
        let late = |_| SendError::Connect {
            host: self.host.clone(),
        };
        tokio::time::timeout(self.connect_timeout, self.connect())
            .await
            .map_err(late)?
    }

    fn pop(&self) -> Option<Idle> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = kept.idle.pop()?;
        if last.since.elapsed() > KEPT {
            // The ones before it are older still.
            kept.idle.clear();
            return None;
        }
        last.was_kept = true;
        Some(last)
    }

    async fn connect(&self) -> Result<Idle, SendError> {
        let connector = self.connector.clone();
        let stream = connector.oneshot(self.origin.clone()).await;
        let stream = stream.map_err(|error| SendError::of_connecting(&*error, &self.host))?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_AHEAD)
            .handshake(stream)
            .await
            .map_err(|error| SendError::from_stream(&error, &self.host))?;
        Ok(Idle {
            sender,
            connection: Some(Box::new(connection)),
            since: Instant::now(),
            was_kept: false,
            silent: None,
        })
    }

    /// Keeps a connection whose request is answered.
    pub(super) fn keep(self: &Arc<Self>, mut idle: Idle) {
        if idle.sender.is_closed() {
            return;
        }
        idle.since = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.idle.len() >= MOST_KEPT {
            return;
        }
        kept.idle.push(idle);
        if !kept.is_tidied {
            kept.is_tidied = true;
            tokio::spawn(tidy(Arc::downgrade(self)));
        }
    }
}

/// Closes what has aged, for as long as there is something.
async fn tidy(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let mut kept = pool.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.idle.retain(|idle| idle.since.elapsed() <= KEPT);
        if kept.idle.is_empty() {
            kept.idle.shrink_to_fit();
            kept.is_tidied = false;
            return;
        }
    }
}

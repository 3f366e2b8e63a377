//! Connections: accepted, served, and not kept open by those who send nothing or
//! take nothing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt as _};

use super::Protections;

/// The pause after no connection could be accepted, as when there are no more
/// file descriptors.
const BREATH: Duration = Duration::from_secs(1);
/// Requests at once over one connection of HTTP/2.
const MOST_STREAMS: u32 = 200;
/// How large the headers of a request may be, in bytes.
const MOST_HEADER_BYTES: u32 = 64 * 1024;
/// How often somebody at the other end of HTTP/2 is asked for a sign of life, and
/// how long the answer may take.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);

/// Serves until `drain`: then accepts nothing more, and returns when the requests
/// under way are answered.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    protections: &Protections,
    drain: CancellationToken,
) where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let connections = TaskTracker::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(protections.next_head)
        .max_buf_size(usize::try_from(MOST_HEADER_BYTES).unwrap_or(usize::MAX));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(MOST_HEADER_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWER);
    let builder = Arc::new(builder);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = drain.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = Connection {
                    builder: Arc::clone(&builder),
                    service: service.clone(),
                    first_head: protections.first_head,
                    taking: protections.taking,
                    drain: drain.clone(),
                };
                connections.spawn(connection.serve(stream, peer));
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                if !is_the_client(&error) {
                    tracing::warn!(%error, "no connection can be accepted now");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Whether a client went away before it was accepted.
fn is_the_client(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionRefused
            | std::io::ErrorKind::ConnectionAborted
            | std::io::ErrorKind::ConnectionReset
    )
}

/// Ends when this server stops accepting. Answers that would go on for long end
/// then, too; it comes with every request.
#[derive(Debug, Clone)]
pub(crate) struct Draining(pub(crate) CancellationToken);

struct Connection<S> {
    builder: Arc<Builder<TokioExecutor>>,
    service: S,
    first_head: Duration,
    taking: Duration,
    drain: CancellationToken,
}

impl<S> Connection<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        // Answers are written whole; waiting for more only delays them.
        stream.set_nodelay(true).ok();
        let asked = Arc::new(AtomicBool::new(false));
        let (answers, seen) = (self.service, Arc::clone(&asked));
        let ends = Draining(self.drain.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            seen.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(ends.clone());
            answers.clone().oneshot(request)
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.taking));
        let stream = TokioIo::new(Box::pin(stream));
        let served = self.builder.serve_connection(stream, service);
        tokio::pin!(served);
        let first = tokio::time::sleep(self.first_head);
        tokio::pin!(first);
        let (mut waiting, mut draining) = (true, false);
        loop {
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                () = first.as_mut(), if waiting => {
                    waiting = false;
                    if !asked.load(Ordering::Relaxed) {
                        return;
                    }
                }
                () = self.drain.cancelled(), if !draining => {
                    draining = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

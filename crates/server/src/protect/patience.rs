//! How long a request may take: its body to arrive, and its answer to begin. What
//! streams is the proxy's, which has its own bounds at both ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::Guard;
use crate::problem::Problem;

/// Bounds a request.
pub(crate) async fn bound(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    if request.headers().contains_key("x-amp-proxy-version") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let late = Arc::new(AtomicBool::new(false));
    let body = Body::new(Timed {
        body,
        end: Box::pin(sleep(guard.settings.body)),
        late: Arc::clone(&late),
    });
    let request = Request::from_parts(parts, body);
    let answered = tokio::time::timeout(guard.settings.answer, next.run(request)).await;
    if late.load(Ordering::Relaxed) {
        let seconds = guard.settings.body.as_secs();
        let problem = Problem::new(408, format!("the body did not arrive within {seconds} s"))
            .remedy("Send it at once, over a connection that is fast enough");
        // The rest of it may still come: another request must not be read from it.
        let mut response = problem.into_response();
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
        return response;
    }
    answered.unwrap_or_else(|_| {
        let seconds = guard.settings.answer.as_secs();
        Problem::new(503, format!("the request was not done within {seconds} s"))
            .remedy("Look whether it took effect before trying again")
            .retry_after(10)
            .into_response()
    })
}

/// A body with an end.
struct Timed {
    body: Body,
    end: Pin<Box<Sleep>>,
    /// Whether the end came first.
    late: Arc<AtomicBool>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        if self.end.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.late.store(true, Ordering::Relaxed);
        let error = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(axum::Error::new(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

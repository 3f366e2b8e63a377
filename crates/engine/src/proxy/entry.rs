//! A call in the books: open until its answer has ended, with a span of its own, and
//! then kept, if it is one of those that are. Never a query, never a body.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use outbound::{SendError, UploadEnd};
use store::{NewProxied, OperationStatus, ids};
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use super::Proxy;
use super::pass::Pass;
use super::record::Recorder;
use super::stream::{Passing, StreamFailure};
use crate::clock::Clock;
use crate::trace;

/// What is written down of a path, in bytes.
const MOST_PATH: usize = 500;

/// A call, from its beginning until its answer has ended.
#[derive(Debug)]
pub(super) struct Entry {
    open: Arc<AtomicU64>,
    span: Span,
    kept: Option<Box<Kept>>,
}

#[derive(Debug)]
struct Kept {
    recorder: Recorder,
    clock: Arc<dyn Clock>,
    call: NewProxied,
    began: Instant,
    /// The method and the path.
    what: String,
    status: Option<StatusCode>,
    end: End,
}

#[derive(Debug)]
enum End {
    /// Nobody waited for it.
    Left,
    /// All of the answer was passed on.
    Whole,
    /// It did not come to that, and why.
    Cut(String),
}

impl Entry {
    pub(super) fn new(proxy: &Proxy, clock: &Arc<dyn Clock>, pass: &Pass, call: &Passing) -> Self {
        proxy.open.fetch_add(1, Ordering::Relaxed);
        let is_kept = pass.keeps_calls && proxy.recorder.wants();
        let kept = is_kept.then(|| {
            let now = clock.now();
            let mut path = call.target.path();
            let is_long = path.len() > MOST_PATH;
            if is_long {
                let end = path.floor_char_boundary(MOST_PATH);
                path = path.get(..end).unwrap_or_default();
            }
            Box::new(Kept {
                recorder: proxy.recorder.clone(),
                clock: Arc::clone(clock),
                call: NewProxied {
                    id: ids::new(),
                    project_id: pass.project_id.clone(),
                    integration_id: pass.integration_id.clone(),
                    installation_id: pass.installation_id.clone(),
                    config_id: pass.config_id.clone(),
                    status: OperationStatus::Failure,
                    result: String::new(),
                    began_at: now,
                    ended_at: now,
                },
                began: Instant::now(),
                what: format!("{} {path}{}", call.method, if is_long { "…" } else { "" }),
                status: None,
                end: End::Left,
            })
        });
        Self {
            open: Arc::clone(&proxy.open),
            span: span_of(pass, call, kept.as_deref()),
            kept,
        }
    }

    /// What belongs to the call happens in this.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// The head of the answer has come.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.span.record("status", status.as_u16());
        if let Some(kept) = &mut self.kept {
            kept.status = Some(status);
        }
    }

    /// All of the answer has been taken.
    pub(super) fn whole(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.end = End::Whole;
        }
    }

    /// The answer broke off.
    pub(super) fn cut(&mut self, error: &SendError) {
        if let Some(kept) = &mut self.kept {
            kept.end = End::Cut(error.to_string());
        }
    }

    /// There was no answer.
    pub(super) fn failed(&mut self, failure: &StreamFailure) {
        if let Some(kept) = &mut self.kept {
            kept.end = End::Cut(match failure {
                StreamFailure::Call(error) => error.to_string(),
                StreamFailure::Send(error) => error.to_string(),
                StreamFailure::Upload(UploadEnd::Late) => {
                    "the body of the request did not come".to_owned()
                }
                StreamFailure::Upload(UploadEnd::Broken | UploadEnd::Whole) => {
                    "the body of the request broke off".to_owned()
                }
            });
        }
    }
}

/// The span of a call, which ends with the entry. One that is kept is its operation's
/// trace.
///
/// It is for exporters only, and costs nothing where there is none: a call is too
/// short to be told of in every line of a log.
fn span_of(pass: &Pass, call: &Passing, kept: Option<&Kept>) -> Span {
    let span = tracing::debug_span!(
        "proxy",
        operation_id = Empty,
        installation_id = %pass.installation_id,
        method = %call.method,
        status = Empty,
    );
    if let Some(kept) = kept {
        span.record("operation_id", kept.call.id.as_str());
        trace::join(&span, &kept.call.id);
    }
    span
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(kept) = self.kept.take() {
            let recorder = kept.recorder.clone();
            recorder.keep(kept.told());
        }
    }
}

impl Kept {
    fn told(self) -> NewProxied {
        let mut call = self.call;
        call.ended_at = self.clock.now();
        let millis = self.began.elapsed().as_millis();
        let what = self.what;
        let answered = match self.status {
            Some(status) => format!("{what} answered {} in {millis} ms", status.as_u16()),
            None => format!("{what} was not answered, after {millis} ms"),
        };
        let is_good = self.status.is_some_and(|status| status.as_u16() < 400);
        call.result = match &self.end {
            End::Whole => answered,
            End::Cut(why) => format!("{answered}: {why}"),
            End::Left => format!("{answered}: the client did not wait for the end"),
        };
        if is_good && matches!(self.end, End::Whole) {
            call.status = OperationStatus::Success;
        }
        call
    }
}

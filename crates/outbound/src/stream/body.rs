//! Bodies on their way through. One piece at a time is held, so whoever takes
//! slowly slows down whoever sends.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::pool::{Idle, Pool};
use crate::SendError;

type BoxError = Box<dyn Error + Send + Sync>;
type Source = UnsyncBoxBody<Bytes, BoxError>;

/// The body of a request.
pub struct Upload(Option<Streamed>);

struct Streamed {
    source: Source,
    silence: Silent,
    uploaded: Uploaded,
}

/// Its size at most.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("bytes", &self.size_hint().exact())
            .finish()
    }
}

/// What has become of the body of a request.
#[derive(Clone)]
pub struct Uploaded(Arc<Progress>);

struct Progress {
    keep_max_bytes: usize,
    silence: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Vec<u8>,
    /// It is larger than what is kept, or has trailers.
    is_too_large: bool,
    /// When the last piece was passed on.
    moved_at: Option<Instant>,
    end: Option<UploadEnd>,
}

/// Never what is in it.
impl fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploaded")
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// How the body of a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadEnd {
    /// All of it was passed on.
    Whole,
    /// The client sent nothing for too long.
    Late,
    /// The client went away, or what it sent was no body.
    Broken,
}

impl Upload {
    /// None.
    #[must_use]
    pub fn empty() -> Self {
        Self(None)
    }

    /// One that streams. Up to `keep_max_bytes` of it are kept, so that a small
    /// one can be sent again; `silence` is how long its source may send nothing.
    pub fn streaming<B>(source: B, keep_max_bytes: usize, silence: Duration) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let hinted = usize::try_from(source.size_hint().lower()).unwrap_or(usize::MAX);
        let state = State {
            is_too_large: hinted > keep_max_bytes,
            ..State::default()
        };
        Self(Some(Streamed {
            source: source.map_err(Into::<BoxError>::into).boxed_unsync(),
            silence: Silent::new(silence),
            uploaded: Uploaded(Arc::new(Progress {
                keep_max_bytes,
                silence,
                state: Mutex::new(state),
            })),
        }))
    }

    /// What becomes of it; `None` where there is no body.
    #[must_use]
    pub fn uploaded(&self) -> Option<Uploaded> {
        self.0.as_ref().map(|streamed| streamed.uploaded.clone())
    }
}

impl Uploaded {
    /// When the last piece of it was passed on; `None` before the first.
    pub(super) fn moved_at(&self) -> Option<Instant> {
        self.state().moved_at
    }

    /// How it ended; `None` while it is under way.
    #[must_use]
    pub fn end(&self) -> Option<UploadEnd> {
        self.state().end
    }

    /// The whole of it once more, if it is at hand.
    #[must_use]
    pub fn again(&self) -> Option<Upload> {
        let state = self.state();
        if state.is_too_large || state.end != Some(UploadEnd::Whole) {
            return None;
        }
        let whole = Full::new(Bytes::from(state.kept.clone()));
        Some(Upload::streaming(whole, 0, self.0.silence))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn passed(&self, frame: &Frame<Bytes>) {
        let mut state = self.state();
        state.moved_at = Some(Instant::now());
        let room = self.0.keep_max_bytes.saturating_sub(state.kept.len());
        match frame.data_ref() {
            Some(piece) if !state.is_too_large && piece.len() <= room => {
                state.kept.extend_from_slice(piece);
            }
            Some(_) | None => {
                state.is_too_large = true;
                state.kept = Vec::new();
            }
        }
    }

    fn ended(&self, end: UploadEnd) {
        self.state().end.get_or_insert(end);
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(streamed) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = match Pin::new(&mut streamed.source).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(streamed.silence.poll(context));
                streamed.uploaded.ended(UploadEnd::Late);
                let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
                return Poll::Ready(Some(Err(late.into())));
            }
        };
        streamed.silence.broken();
        match &frame {
            Some(Ok(frame)) => {
                streamed.uploaded.passed(frame);
                if streamed.source.is_end_stream() {
                    streamed.uploaded.ended(UploadEnd::Whole);
                }
            }
            Some(Err(_)) => streamed.uploaded.ended(UploadEnd::Broken),
            None => streamed.uploaded.ended(UploadEnd::Whole),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|streamed| streamed.source.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(
            || SizeHint::with_exact(0),
            |streamed| streamed.source.size_hint(),
        )
    }
}

/// The body of an answer. It gives its connection back when it has been taken
/// whole; dropped before that, it ends the request.
pub struct Download {
    incoming: Incoming,
    silence: Silent,
    pool: Arc<Pool>,
    idle: Option<Idle>,
    uploaded: Option<Uploaded>,
    /// It has broken off, which is told at the next look: what came before that is
    /// on its way then, and would be thrown away together with the connection.
    broken: Option<SendError>,
}

/// Never what is in it.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").finish_non_exhaustive()
    }
}

impl Download {
    pub(super) fn new(
        incoming: Incoming,
        pool: Arc<Pool>,
        idle: Idle,
        uploaded: Option<Uploaded>,
        silence: Duration,
    ) -> Self {
        let mut download = Self {
            incoming,
            silence: Silent::new(silence),
            pool,
            idle: Some(idle),
            uploaded,
            broken: None,
        };
        if download.incoming.is_end_stream() {
            download.give_back();
        }
        download
    }

    /// A connection is good for another request if nothing of this one is left.
    fn give_back(&mut self) {
        let Some(idle) = self.idle.take() else {
            return;
        };
        let end = self.uploaded.as_ref().map(Uploaded::end);
        if end.is_none_or(|end| end == Some(UploadEnd::Whole)) {
            self.pool.keep(idle);
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let this = &mut *self;
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let incoming = Pin::new(&mut this.incoming);
        let polled = match &mut this.idle {
            Some(idle) => idle.poll(context, |_, context| incoming.poll_frame(context)),
            None => incoming.poll_frame(context),
        };
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.silence.broken();
                if this.incoming.is_end_stream() {
                    this.give_back();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.idle = None;
                this.broken = Some(SendError::from_stream(&error, this.pool.host()));
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(None) => {
                this.give_back();
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(this.silence.poll(context));
                this.idle = None;
                let host = this.pool.host().to_owned();
                Poll::Ready(Some(Err(SendError::Timeout { host })))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// How long nothing has come. Where something always comes at once it costs
/// nothing.
pub(super) struct Silent {
    bound: Duration,
    is_over: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Silent {
    pub(super) fn new(bound: Duration) -> Self {
        Self {
            bound,
            is_over: true,
            timer: None,
        }
    }

    /// Something came.
    pub(super) fn broken(&mut self) {
        self.is_over = true;
    }

    /// Something came at that time.
    pub(super) fn broken_at(&mut self, at: Instant) {
        if let Some(timer) = &mut self.timer {
            timer.as_mut().reset(at + self.bound);
        }
    }

    /// Ready when it has lasted too long.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let begins = std::mem::take(&mut self.is_over);
        let timer = match &mut self.timer {
            Some(timer) => {
                if begins {
                    timer.as_mut().reset(Instant::now() + self.bound);
                }
                timer
            }
            none @ None => none.insert(Box::pin(tokio::time::sleep(self.bound))),
        };
        timer.as_mut().poll(context)
    }
}

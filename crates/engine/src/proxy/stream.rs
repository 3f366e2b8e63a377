//! The streaming half of the only door to a provider: credential, request budget,
//! one send, and one more after a refresh when the credential was refused and the
//! request can be sent again.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use connector::{Description, Failure, Passage};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::body::{Body, Frame, SizeHint};
use jiff::{SignedDuration, Timestamp};
use outbound::{Authorization, Download, SendError, StreamError, Upload, UploadEnd, Uploaded};
use store::StoreError;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::entry::Entry;
use super::pass::Pass;
use crate::calls::{CallError, Calls, Lane};
use crate::pay::{Bill, Purse};
use crate::tokens::{Fresh, Tokens};

/// A request to be passed on, with the headers that the provider is to see; the
/// credential is none of them.
#[derive(Debug)]
pub struct Passing {
    /// The method.
    pub method: Method,
    /// The path and the query, which leave byte for byte.
    pub target: PathAndQuery,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Upload,
    /// Whether to be refused at once, rather than to wait, while the provider or
    /// the budget says to wait.
    pub is_throttled: bool,
}

/// The head of an answer, and its body to come.
#[derive(Debug)]
pub struct Streamed {
    /// The answer as it came.
    pub response: Response<Relayed>,
    /// After a 429, when to try again.
    pub retry_at: Option<Timestamp>,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum StreamFailure {
    /// No credential, no budget, or no store.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The provider could not be reached, or did not answer.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The client's own body did not arrive whole.
    #[error("the body of the request did not arrive whole")]
    Upload(UploadEnd),
}

impl From<StoreError> for StreamFailure {
    fn from(error: StoreError) -> Self {
        Self::Call(error.into())
    }
}

/// One call, and what is needed to make it once more.
struct Attempts<'a> {
    pass: &'a Pass,
    tokens: &'a Tokens,
    passage: Passage,
    bill: &'a Arc<Bill>,
    /// What to send. Its body goes with the first attempt, and comes with each further
    /// one that [`Attempts::repeats`].
    passing: Passing,
    /// What becomes of the client's own body.
    uploaded: Option<Uploaded>,
}

/// An answer that may be given another chance.
struct Answered {
    response: Response<Download>,
    retry_at: Option<Timestamp>,
}

impl Calls {
    /// Passes a request on.
    ///
    /// # Errors
    /// [`StreamFailure`], when there is no answer. Every answer is `Ok`.
    pub(crate) async fn stream(
        &self,
        pass: &Pass,
        passing: Passing,
    ) -> Result<(Response<Download>, Option<Timestamp>), StreamFailure> {
        let description = pass.description();
        let (Some(rules), Some(tokens)) = (description.proxy, &self.tokens) else {
            let message = "there is no store, and so no connection".to_owned();
            return Err(CallError::from(Failure::Unauthorized { message }).into());
        };
        let passage = passage_of(rules, &passing);
        let bill = pass.bill(passage.group).ok_or_else(|| {
            let message = "the provider counts this request under a group of its own".to_owned();
            CallError::from(Failure::Protocol { message })
        })?;
        let mut attempts = Attempts {
            pass,
            tokens,
            passage,
            bill,
            uploaded: passing.body.uploaded(),
            passing,
        };
        let (authorization, version) = attempts.credential(self).await?;
        let first = self.attempt(&mut attempts, &authorization).await?;
        let is_refused = first.response.status() == StatusCode::UNAUTHORIZED;
        if !is_refused || !attempts.passage.judges_credential {
            return Ok((first.response, first.retry_at));
        }
        let Some(newer) = attempts.after_refusal(description, version).await? else {
            return Ok((first.response, first.retry_at));
        };
        let last = if attempts.repeats() {
            // The first answer is let go, and with it its connection.
            drop(first);
            let authorization = authorization_of(&newer)?;
            self.attempt(&mut attempts, &authorization).await?
        } else {
            // The next call has the new one.
            first
        };
        if last.response.status() == StatusCode::UNAUTHORIZED {
            tokens.refused_new(&pass.connection_id, newer.version);
        }
        Ok((last.response, last.retry_at))
    }

    /// One send, and one more where a kept connection turned out to have ended.
    async fn attempt(
        &self,
        attempts: &mut Attempts<'_>,
        authorization: &Authorization,
    ) -> Result<Answered, StreamFailure> {
        let mut sent = self.send_stream(attempts, authorization).await?;
        // Nobody has asked for this one.
        if sent.as_ref().is_err_and(|error| error.was_kept)
            && attempts.passing.method.is_idempotent()
            && attempts.repeats()
        {
            sent = self.send_stream(attempts, authorization).await?;
        }
        sent.map_err(|error| attempts.failure(error))
    }

    async fn send_stream(
        &self,
        attempts: &mut Attempts<'_>,
        authorization: &Authorization,
    ) -> Result<Result<Answered, StreamError>, StreamFailure> {
        let pass = attempts.pass;
        let mut purse = Purse {
            installation_id: Some(&pass.installation_id),
            ..Purse::of(Lane::Interactive)
        };
        if attempts.passing.is_throttled {
            purse.patience = SignedDuration::ZERO;
        }
        let sent_at = self.pay(attempts.bill, &mut purse).await?;
        let request = attempts.request();
        let began = Instant::now();
        let sent = pass.door.send(authorization, request).await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Ok(Err(error)),
        };
        let status = response.status().as_u16();
        let meter = &attempts.bill.meter;
        meter.answered(Lane::Interactive, status, began.elapsed());
        let headers = response.headers();
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let heard = self.heard(attempts.bill, sent_at, status, header).await;
        // The provider has done what was asked: that is told whatever we can note.
        let retry_at = heard.unwrap_or_else(|error| {
            tracing::warn!(%error, "what the provider said of its limit could not be noted");
            None
        });
        Ok(Ok(Answered { response, retry_at }))
    }
}

/// What is asynchronous takes `&mut self`: a body that streams is nobody's to share.
impl Attempts<'_> {
    /// The credential that the pass holds, or one that is fit to be used.
    async fn credential(&mut self, calls: &Calls) -> Result<(Authorization, i64), StreamFailure> {
        let held = &self.pass.held;
        if calls.clock.now() < held.good_until {
            return Ok((held.authorization.clone(), held.version));
        }
        let description = self.pass.description();
        let fresh = self.tokens.fresh(description, &self.pass.connection_id);
        let fresh = fresh.await.map_err(CallError::from)?;
        Ok((authorization_of(&fresh)?, fresh.version))
    }

    async fn after_refusal(
        &mut self,
        description: &Description,
        version: i64,
    ) -> Result<Option<Fresh>, StreamFailure> {
        let id = &self.pass.connection_id;
        let newer = self.tokens.after_passed_refusal(description, id, version);
        Ok(newer.await.map_err(CallError::from)?)
    }

    /// Puts the body back, if it is at hand once more. Without a body there is nothing
    /// to put back.
    fn repeats(&mut self) -> bool {
        let Some(uploaded) = &self.uploaded else {
            return true;
        };
        let Some(body) = uploaded.again() else {
            return false;
        };
        self.passing.body = body;
        true
    }

    fn request(&mut self) -> Request<Upload> {
        let body = std::mem::replace(&mut self.passing.body, Upload::empty());
        let mut request = Request::new(body);
        *request.method_mut() = self.passing.method.clone();
        *request.uri_mut() = Uri::from(self.passing.target.clone());
        *request.headers_mut() = self.passing.headers.clone();
        request
    }

    /// Whose fault it was.
    fn failure(&self, error: StreamError) -> StreamFailure {
        let end = self.uploaded.as_ref().and_then(Uploaded::end);
        match end {
            Some(end @ (UploadEnd::Late | UploadEnd::Broken)) => StreamFailure::Upload(end),
            Some(UploadEnd::Whole) | None => StreamFailure::Send(error.error),
        }
    }
}

/// What the provider makes of a request. Its path is decoded, as the provider
/// decodes it: another way of writing it is not another group.
fn passage_of(rules: connector::Proxy, passing: &Passing) -> Passage {
    let path = percent_encoding::percent_decode_str(passing.target.path()).decode_utf8_lossy();
    (rules.passage)(passing.method.as_str(), &path)
}

fn authorization_of(fresh: &Fresh) -> Result<Authorization, StreamFailure> {
    Ok(Authorization::of(&fresh.credential)?)
}

impl Pass {
    fn bill(&self, group: Option<&'static str>) -> Option<&Arc<Bill>> {
        let mut bills = self.bills.iter();
        bills.find(|(name, _)| *name == group).map(|(_, bill)| bill)
    }
}

impl crate::Engine {
    /// Passes a request on, and keeps of it what is to be kept.
    ///
    /// # Errors
    /// [`StreamFailure`], when there is no answer.
    pub async fn pass_on(&self, pass: &Pass, passing: Passing) -> Result<Streamed, StreamFailure> {
        let mut entry = Entry::new(&self.proxy, &self.clock, pass, &passing);
        let sent = self.calls.stream(pass, passing);
        match sent.instrument(entry.span().clone()).await {
            Ok((response, retry_at)) => {
                entry.answered(response.status());
                if response.body().is_end_stream() {
                    entry.whole();
                }
                let response = response.map(|body| Relayed { body, entry });
                Ok(Streamed { response, retry_at })
            }
            Err(error) => {
                entry.failed(&error);
                Err(error)
            }
        }
    }
}

/// The body of an answer on its way to whoever asked.
#[derive(Debug)]
pub struct Relayed {
    body: Download,
    entry: Entry,
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Err(error))) => this.entry.cut(error),
            Poll::Ready(None) => this.entry.whole(),
            Poll::Ready(Some(Ok(_))) if this.body.is_end_stream() => this.entry.whole(),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

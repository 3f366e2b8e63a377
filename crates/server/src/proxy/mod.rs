//! The proxy: a request with `x-amp-proxy-version`, whatever its path, goes to the
//! provider with the customer's credential, and its answer comes back, both as
//! they stream.
//!
//! It stands in front of the router, since the path is the provider's. What always
//! holds:
//! - Only a key of the `full` scope calls, and only where manifest and customer
//!   allow it.
//! - The target is a path, taken as it was written or not at all ([`target`]).
//! - What is about one connection, or about this server, goes no further
//!   ([`headers`]).
//! - An answer is the provider's own: none of our headers is put in a place of its.
//!   Ours are problems, with the headers that all our answers have.
//! - Bodies are never held, except what is kept of a small one to send it again.
//! - Keys that are none are counted as everywhere ([`Guard`]). Good ones are not: what
//!   bounds them is the request budget, and beyond that the provider.
//! - A panic is a 500 like any other, as long as no answer has begun.

mod headers;
mod links;
mod target;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use engine::{Engine, PassAsk, PassError, Passing, StreamFailure, Streamed, Upload, UploadEnd};
use futures_util::FutureExt as _;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use secrecy::SecretString;
use tokio::time::Instant;
use tower::Service;

use crate::app::{REQUEST_ID, request_id};
use crate::auth::authenticated;
use crate::metrics::ProxyMeter;
use crate::problem::{self, Problem};
use crate::protect::Guard;
use links::Links;

/// The header that makes a request one for the proxy.
pub(crate) const VERSION: &str = "x-amp-proxy-version";
/// What is kept of a request's body, so that it can be sent once more, in bytes.
const KEPT_BYTES: usize = 64 * 1024;
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-amp-retry-after");
const RETRYABLE: HeaderName = HeaderName::from_static("x-amp-retryable");

/// Everything, with the proxy in front.
#[derive(Debug, Clone)]
pub struct Front {
    proxy: Arc<Proxy>,
    rest: Router,
}

#[derive(Debug)]
struct Proxy {
    engine: Engine,
    guard: Arc<Guard>,
    links: Links,
    meter: ProxyMeter,
}

impl Front {
    pub(crate) fn new(engine: Engine, guard: Arc<Guard>, rest: Router) -> Self {
        let links = Links::to(engine.public_url());
        Self {
            proxy: Arc::new(Proxy {
                engine,
                guard,
                links,
                meter: ProxyMeter::new(),
            }),
            rest,
        }
    }
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.rest, context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !request.headers().contains_key(VERSION) {
            return Box::pin(self.rest.call(request));
        }
        let proxy = Arc::clone(&self.proxy);
        Box::pin(async move { Ok(proxy.answer(request).await) })
    }
}

/// What the headers for this server ask for.
struct Asked<'h> {
    project: &'h str,
    installation_id: Option<&'h str>,
    integration: Option<&'h str>,
    group_ref: Option<&'h str>,
}

/// How it is to be answered.
#[derive(Debug, Clone, Copy)]
struct How {
    is_throttled: bool,
    rewrites_links: bool,
}

impl Proxy {
    async fn answer(&self, request: Request) -> Response {
        let (id, began) = (request_id(request.headers()), Instant::now());
        let method = request.method().clone();
        // Locks that a panic leaves are taken all the same, as everywhere.
        let passed = AssertUnwindSafe(self.pass(request)).catch_unwind();
        let answered =
            passed.map(|passed| passed.unwrap_or_else(|panic| ours(problem::of_panic(panic))));
        let mut response = problem::REQUEST_ID.scope(id.clone(), answered).await;
        self.meter
            .count(&method, response.status(), began.elapsed());
        let headers = response.headers_mut();
        // The provider's own is what the provider knows the call by.
        if !headers.contains_key(&REQUEST_ID)
            && let Ok(value) = HeaderValue::from_str(&id)
        {
            headers.insert(REQUEST_ID, value);
        }
        response
    }

    async fn pass(&self, request: Request) -> Response {
        let how = How::of(request.headers());
        match self.try_pass(request, how).await {
            Ok(response) => response,
            Err(Refusal::Problem(problem)) => ours(problem.into_response()),
            Err(Refusal::Failure(failure)) => {
                // A call may have waited before it was refused.
                let now = self.engine.clock.now();
                let retry_at = problem::retry_at(&failure);
                let is_late = matches!(failure, StreamFailure::Upload(UploadEnd::Late));
                let mut response = ours(Problem::of_stream(failure, now).into_response());
                let headers = response.headers_mut();
                if is_late {
                    // The rest of the body may still come.
                    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                if let Some(at) = retry_at.filter(|_| how.is_throttled) {
                    recommend(headers, at, now);
                }
                response
            }
        }
    }

    async fn try_pass(&self, request: Request, how: How) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let target = target::of(&parts)?;
        let asked = Asked::of(&parts.headers)?;
        let Some(key) = headers::one(&parts.headers, "x-api-key")? else {
            return Err(self.without_key(&parts).await?.into());
        };
        self.guard.admit_unknown(&self.engine, &parts, key)?;
        let secret = SecretString::from(key);
        let ask = PassAsk {
            key: &secret,
            project: asked.project,
            installation_id: asked.installation_id,
            integration: asked.integration,
            group_ref: asked.group_ref,
        };
        let pass = self.engine.pass(&ask).await;
        if matches!(pass, Ok(_) | Err(PassError::Key)) {
            let guard = &self.guard;
            guard.looked_up(&self.engine, &parts, key, pass.is_ok())?;
        }
        let pass = pass.map_err(Problem::from)?;
        let mut outgoing = headers::to_provider(&parts.headers);
        if how.rewrites_links {
            let plain = HeaderValue::from_static("identity");
            outgoing.insert(header::ACCEPT_ENCODING, plain);
        }
        let passing = Passing {
            body: self.upload(body, &parts.method, &mut outgoing),
            headers: outgoing,
            method: parts.method,
            target,
            is_throttled: how.is_throttled,
        };
        let streamed = self.engine.pass_on(&pass, passing).await;
        let streamed = streamed.map_err(Refusal::Failure)?;
        Ok(self.relay(streamed, how, &pass.description().origin))
    }

    /// Whoever has no key: known or not, the answer is no.
    async fn without_key(&self, parts: &Parts) -> Result<Problem, Problem> {
        authenticated(parts, &self.engine, Some(&self.guard)).await?;
        Ok(
            Problem::new(403, "only an API key may call through the proxy").remedy(
                "Send a key of the `full` scope in the X-Api-Key header, and never from a browser",
            ),
        )
    }

    fn upload(&self, body: Body, method: &Method, headers: &mut HeaderMap) -> Upload {
        if !body.is_end_stream() {
            return Upload::streaming(body, KEPT_BYTES, self.guard.settings.body);
        }
        // An empty body is said to be one, where there could have been another.
        if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        }
        Upload::empty()
    }

    fn relay(&self, streamed: Streamed, how: How, origin: &str) -> Response {
        let (mut parts, body) = streamed.response.into_parts();
        headers::to_client(&mut parts.headers);
        if let Some(at) = streamed.retry_at.filter(|_| how.is_throttled) {
            recommend(&mut parts.headers, at, self.engine.clock.now());
        }
        let body = if how.rewrites_links {
            self.links.rewritten(origin, &mut parts, body)
        } else {
            Body::new(body)
        };
        Response::from_parts(parts, body)
    }
}

/// Why a request did not come as far as an answer of the provider's.
enum Refusal {
    Problem(Problem),
    Failure(StreamFailure),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl<'h> Asked<'h> {
    fn of(headers: &'h HeaderMap) -> Result<Self, Problem> {
        let one = |name| headers::one(headers, name);
        if one(VERSION)? != Some("1") {
            return Err(
                Problem::new(400, "`x-amp-proxy-version` is not one that there is")
                    .remedy("Send x-amp-proxy-version: 1"),
            );
        }
        let project = one("x-amp-project-id")?.ok_or_else(|| {
            Problem::new(400, "the request names no project")
                .remedy("Send the project's id or name in x-amp-project-id")
        })?;
        let asked = Self {
            project,
            installation_id: one("x-amp-installation-id")?,
            integration: one("x-amp-integration-name")?,
            group_ref: one("x-amp-group-ref")?,
        };
        let is_named = asked.installation_id.is_some()
            || (asked.integration.is_some() && asked.group_ref.is_some());
        if !is_named {
            return Err(
                Problem::new(400, "the request names no installation").remedy(
                    "Send x-amp-installation-id, or x-amp-integration-name and x-amp-group-ref",
                ),
            );
        }
        Ok(asked)
    }
}

impl How {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            is_throttled: is_word(headers, "x-amp-rate-limiter-mode", "throttle"),
            rewrites_links: is_word(headers, "x-ligature-rewrite-links", "true"),
        }
    }
}

fn is_word(headers: &HeaderMap, name: &str, word: &str) -> bool {
    let value = headers.get(name).map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// When to try again, in the words of the API and in everybody's.
fn recommend(headers: &mut HeaderMap, at: Timestamp, now: Timestamp) {
    let up = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Ceil);
    let at = at.round(up).unwrap_or(at);
    let date = at.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(RETRY_AFTER, date);
    }
    headers.insert(RETRYABLE, HeaderValue::from_static("true"));
    let wait_s = problem::wait_s(at, now);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
}

/// An answer of this server's own, with the headers that all of them have.
fn ours(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in crate::app::CAREFUL {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

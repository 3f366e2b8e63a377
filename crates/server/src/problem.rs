//! Errors as `application/problem+json` (RFC 9457): the one place where they get
//! their status code. What the public reads is in the problem; what we need is
//! logged here, once.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use connector::Failure;
use engine::{
    ActionError, CallError, JwtError, LinkError, PassError, SendError, StreamFailure, UploadEnd,
};
use jiff::Timestamp;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

tokio::task_local! {
    /// The id of the request being answered.
    pub(crate) static REQUEST_ID: String;
}

/// A problem, as the API contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiProblem)]
pub(crate) struct Problem {
    r#type: &'static str,
    pub(crate) title: &'static str,
    status: u16,
    #[schema(value_type = String)]
    pub(crate) detail: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) request_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) remedy: Option<Box<str>>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

impl Problem {
    pub(crate) fn new(status: u16, detail: impl Into<Box<str>>) -> Self {
        let title = StatusCode::from_u16(status)
            .ok()
            .and_then(|code| code.canonical_reason());
        Self {
            r#type: "about:blank",
            title: title.unwrap_or("Error"),
            status,
            detail: detail.into(),
            request_id: REQUEST_ID.try_with(|id| id.as_str().into()).ok(),
            causes: Vec::new(),
            remedy: None,
            retry_after_s: None,
        }
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<Box<str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// When it may be tried again.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The status of a page that tells of a problem, or of none.
    pub(crate) fn status_of(problem: Option<&Self>) -> StatusCode {
        let status = problem.map_or(200, |problem| problem.status);
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// All of it in a few sentences.
    pub(crate) fn sentence(&self) -> String {
        let mut text = format!("{}.", self.detail.trim_end_matches('.'));
        let causes = self.causes.iter().filter(|cause| ***cause != *self.detail);
        for more in causes.map(String::as_str).chain(self.remedy.as_deref()) {
            text = format!("{text} {}.", more.trim_end_matches('.'));
        }
        text
    }

    /// What came of a call that was passed on, when no answer did.
    pub(crate) fn of_stream(failure: StreamFailure, now: Timestamp) -> Self {
        match failure {
            StreamFailure::Call(CallError::Provider(failure)) => failure.into(),
            StreamFailure::Call(CallError::Budget { until }) => {
                Self::new(429, "the request budget of this provider app is used up, or the provider has said to wait")
                    .remedy("Wait for as long as Retry-After says")
                    .retry_after(wait_s(until, now))
            }
            StreamFailure::Call(CallError::Store(error)) => error.into(),
            StreamFailure::Upload(UploadEnd::Late) => {
                Self::new(408, "the body of the request did not come")
                    .remedy("Send it without long pauses")
            }
            StreamFailure::Upload(UploadEnd::Broken | UploadEnd::Whole) => {
                Self::new(400, "the body of the request broke off")
            }
            StreamFailure::Send(error) => error.into(),
        }
    }

    fn causes(mut self, causes: Vec<String>) -> Self {
        self.causes = causes;
        self
    }

    fn maybe_remedy(mut self, remedy: Option<String>) -> Self {
        self.remedy = remedy.map(String::into_boxed_str);
        self
    }

    /// Something that this server needs is away, and will be back.
    fn later(detail: &str) -> Self {
        let mut problem = Self::new(503, detail)
            .remedy("Try again in a while; /readyz says when the server is ready again");
        problem.retry_after_s = Some(10);
        problem
    }

    /// Something is wrong here, not there: nothing of it is told but the id.
    fn ours(error: &dyn std::error::Error) -> Self {
        let problem = Self::new(500, "the server failed; the request may be tried again")
            .remedy("If it keeps failing, look for the request id in the server's log");
        let causes: Vec<String> = std::iter::successors(error.source(), |e| e.source())
            .map(ToString::to_string)
            .collect();
        tracing::error!(%error, ?causes, request_id = problem.request_id, "a request failed");
        problem
    }
}

/// A handler that panicked, of which the process's own hook has told: whoever asked
/// is told no more than of any failure of ours, and the server goes on.
pub(crate) fn of_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::ours(&std::io::Error::other("a handler panicked")).into_response()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after = self.retry_after_s.map(HeaderValue::from);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("ApiKey header=\"X-Api-Key\", Bearer"),
            );
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<ActionError> for Problem {
    fn from(error: ActionError) -> Self {
        let detail = error.to_string();
        match error {
            ActionError::NotFound { .. } => Self::new(404, detail),
            ActionError::Forbidden { .. } => Self::new(403, detail),
            ActionError::BadRequest { remedy, .. } => Self::new(400, detail).maybe_remedy(remedy),
            ActionError::Invalid { causes, remedy, .. } => {
                Self::new(422, detail).causes(causes).maybe_remedy(remedy)
            }
            ActionError::Conflict { .. } => Self::new(409, detail),
            ActionError::Provider(failure) => failure.into(),
            ActionError::Store(error) => error.into(),
            ActionError::Objects(_) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "the object store failed");
                Self::later("the object store cannot be reached now")
            }
            ActionError::Internal(_) => Self::ours(&error),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let problem = |status| Self::new(status, format!("the provider answered: {failure}"));
        match &failure {
            // Customers read these two on the page on which they install.
            Failure::Unauthorized { .. } => {
                Self::new(422, format!("the account cannot be used: {failure}"))
                    .remedy("To go on, connect the account again")
            }
            Failure::Forbidden { .. } => {
                problem(422).remedy("To go on, connect the account again, with every permission")
            }
            Failure::NotFound { .. }
            | Failure::Gone { .. }
            | Failure::Conflict { .. }
            | Failure::Invalid { .. } => problem(422),
            Failure::RateLimited { retry_after_s } => {
                let mut limited = problem(429);
                limited.retry_after_s =
                    Some(u32::try_from(retry_after_s.unwrap_or(60)).unwrap_or(u32::MAX));
                limited
            }
            Failure::Unavailable { .. } | Failure::Protocol { .. } => problem(502),
        }
    }
}

/// When a call that got no answer may be tried again, where somebody has said so.
pub(crate) fn retry_at(failure: &StreamFailure) -> Option<Timestamp> {
    match failure {
        StreamFailure::Call(CallError::Budget { until }) => Some(*until),
        StreamFailure::Call(CallError::Provider(_) | CallError::Store(_))
        | StreamFailure::Send(_)
        | StreamFailure::Upload(_) => None,
    }
}

/// Whole seconds until then, at least one.
pub(crate) fn wait_s(until: Timestamp, now: Timestamp) -> u32 {
    let millis = until.duration_since(now).as_millis().max(1);
    u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX)
}

impl From<PassError> for Problem {
    fn from(error: PassError) -> Self {
        let detail = error.to_string();
        match error {
            PassError::Key => Self::new(401, detail)
                .remedy("It may be revoked, or belong to another server; make one with `ligature api-key create --project P`"),
            PassError::NotFull => Self::new(403, detail)
                .remedy("Use a key with the `full` scope, and never in a browser"),
            PassError::NotInManifest => Self::new(403, detail)
                .remedy("Put `proxy: {enabled: true}` into the integration in amp.yaml, and deploy it"),
            PassError::NotInConfig => Self::new(403, detail)
                .remedy("Set `config.content.proxy.enabled` of the installation to true"),
            PassError::Unsupported(_) => Self::new(422, detail),
            PassError::Unsendable => {
                Self::new(422, detail).remedy("To go on, connect the account again")
            }
            PassError::Store(error) => error.into(),
        }
    }
}

/// A request that was passed on, and to which no answer came.
impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        let detail = error.to_string();
        match error {
            SendError::Timeout { .. } => {
                Self::new(504, detail).remedy("Look whether it took effect before trying again")
            }
            SendError::Cut { .. } | SendError::Protocol { .. } => {
                Self::new(502, detail).remedy("Look whether it took effect before trying again")
            }
            SendError::Dns { .. }
            | SendError::Connect { .. }
            | SendError::Tls { .. }
            | SendError::Refused { .. }
            | SendError::PlainHttp { .. } => {
                Self::new(502, detail).remedy("Nothing was sent; try again later")
            }
            SendError::OriginMismatch { .. } | SendError::Url { .. } | SendError::Header { .. } => {
                Self::new(400, detail)
            }
            SendError::TooLarge { .. } => Self::new(502, detail),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } | StoreError::Conflict { .. } => {
                ActionError::from(error).into()
            }
            StoreError::Unreachable(_) | StoreError::Silent { .. } => {
                Self::later("the database cannot be reached now")
            }
            StoreError::Unwritable(_) => Self::later("the database takes no writes now"),
            StoreError::Outdated => {
                Self::new(409, error.to_string()).remedy("Look at it as it is now, and try again")
            }
            StoreError::LeaseLost
            | StoreError::Sealed(_)
            | StoreError::Busy { .. }
            | StoreError::Settings(_)
            | StoreError::Files { .. }
            | StoreError::Newer { .. }
            | StoreError::Archive(_)
            | StoreError::NotEmpty { .. }
            | StoreError::Database(_)
            | StoreError::Corrupt { .. } => Self::ours(&error),
        }
    }
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Expired => Self::new(410, error.to_string())
                .remedy("Links are good for 15 minutes and made anew at each delivery attempt"),
            LinkError::Forged => Self::new(403, error.to_string()),
        }
    }
}

impl From<JwtError> for Problem {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::Store(error) => error.into(),
            JwtError::Invalid | JwtError::Expired | JwtError::TooLong | JwtError::Claim(_) => {
                Self::new(401, error.to_string()).remedy(
                    "Sign with RS256, with the key's id as `kid`, the claims groupRef, consumerRef and exp, and a lifetime of at most 600 seconds",
                )
            }
        }
    }
}

//! Request parts, with refusals that are problems like any other.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::app::MOST_BODY_BYTES;
use crate::description::Ending;
use crate::problem::Problem;

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body that may be absent, its content type with it.
#[derive(Debug)]
pub(crate) struct MaybeJson<T>(pub(crate) T);

impl<T, S> FromRequest<S> for MaybeJson<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|rejection: BytesRejection| {
            unread(rejection.status(), rejection.body_text())
        })?;
        if body.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        let axum::Json(body) = axum::Json::from_bytes(&body)?;
        Ok(Self(body))
    }
}

/// Path parameters: one, or a tuple. The last is without what the path of the
/// route ends in.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Parameters + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ending = parts.extensions.get::<Ending>().copied();
        let axum::extract::Path(mut parameters) =
            axum::extract::Path::<T>::from_request_parts(parts, state).await?;
        if let Some(Ending(ending)) = ending {
            let last = parameters.last();
            last.truncate(last.len().saturating_sub(ending.len()));
        }
        Ok(Self(parameters))
    }
}

/// What a path holds.
pub(crate) trait Parameters {
    /// The last of them.
    fn last(&mut self) -> &mut String;
}

impl Parameters for String {
    fn last(&mut self) -> &mut String {
        self
    }
}

impl Parameters for (String, String) {
    fn last(&mut self) -> &mut String {
        &mut self.1
    }
}

impl Parameters for (String, String, String) {
    fn last(&mut self) -> &mut String {
        &mut self.2
    }
}

impl Parameters for (String, String, String, String) {
    fn last(&mut self) -> &mut String {
        &mut self.3
    }
}

/// Query parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            // Well-formed JSON of the wrong shape and no JSON at all are one
            // thing to the contract: a bad request.
            JsonRejection::JsonDataError(error) => Self::new(400, error.body_text()),
            JsonRejection::JsonSyntaxError(error) => Self::new(400, error.body_text()),
            other => unread(other.status(), other.body_text()),
        }
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(400, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(400, rejection.body_text())
    }
}

/// A body that was not read to its end, or is of another kind.
fn unread(status: StatusCode, text: String) -> Problem {
    let problem = Problem::new(status.as_u16(), text);
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let most = MOST_BODY_BYTES / (1024 * 1024);
        return problem.remedy(format!("A body may have {most} MiB at most"));
    }
    problem
}

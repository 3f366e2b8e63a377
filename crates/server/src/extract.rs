//! Request parts, with refusals that are problems like any other.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;

use crate::app::MOST_BODY_BYTES;
use crate::problem::Problem;

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(crate) struct Json<T>(pub(crate) T);

/// A body as it is, which the handler takes apart.
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self)
            .map_err(|rejection: BytesRejection| unread(rejection.status(), rejection.body_text()))
    }
}

/// Path parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

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

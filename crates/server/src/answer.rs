//! Answers whose status is in their type, so that a route's description can say it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// 201 with what was made.
#[derive(Debug)]
pub(crate) struct Created<T>(pub(crate) T);

/// 204.
#[derive(Debug)]
pub(crate) struct NoContent;

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

//! Answers whose status is in their type, so that a route's description can say it.

use axum::Json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// 201 with what was made.
#[derive(Debug)]
pub(crate) struct Created<T>(pub(crate) T);

/// 201 without a body, where the contract has none.
#[derive(Debug)]
pub(crate) struct CreatedWithoutBody;

/// JSON that is written while it is sent.
#[derive(Debug)]
pub(crate) struct JsonStream(pub(crate) Body);

/// 204.
#[derive(Debug)]
pub(crate) struct NoContent;

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl IntoResponse for CreatedWithoutBody {
    fn into_response(self) -> Response {
        StatusCode::CREATED.into_response()
    }
}

impl IntoResponse for JsonStream {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

//! Answers whose status is in their type, so that a route's description can say it.

use std::marker::PhantomData;

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

/// A JSON document of this shape that is written while it is sent.
#[derive(Debug)]
pub(crate) struct JsonStream<T> {
    body: Body,
    shape: PhantomData<T>,
}

impl<T> JsonStream<T> {
    /// What the document is made of.
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body,
            shape: PhantomData,
        }
    }
}

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

impl<T> IntoResponse for JsonStream<T> {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

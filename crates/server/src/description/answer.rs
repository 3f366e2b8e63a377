//! What the answers of handlers are.

use std::convert::Infallible;

use axum::Json;
use utoipa::ToSchema;

use super::{Answer, Description};
use crate::answer::{Created, CreatedWithoutBody, JsonStream, NoContent};
use crate::problem::Problem;

const JSON: &str = "application/json";

impl<T: ToSchema> Answer for Json<T> {
    fn describe(description: &mut Description) {
        let schema = description.schema::<T>();
        description.answers("200", "OK", Some((JSON, schema)));
    }
}

impl<T: ToSchema> Answer for Created<T> {
    fn describe(description: &mut Description) {
        let schema = description.schema::<T>();
        description.answers("201", "Created", Some((JSON, schema)));
    }
}

impl Answer for CreatedWithoutBody {
    fn describe(description: &mut Description) {
        description.answers("201", "Created", None);
    }
}

impl<T: ToSchema> Answer for JsonStream<T> {
    fn describe(description: &mut Description) {
        let schema = description.schema::<T>();
        description.answers("200", "OK", Some((JSON, schema)));
    }
}

impl Answer for NoContent {
    fn describe(description: &mut Description) {
        description.answers("204", "No Content", None);
    }
}

/// Plain text.
impl Answer for String {
    fn describe(description: &mut Description) {
        let schema = description.schema::<Self>();
        description.answers("200", "OK", Some(("text/plain", schema)));
    }
}

/// What is never answered.
impl Answer for Infallible {
    fn describe(_: &mut Description) {}
}

/// Nothing but a refusal.
impl Answer for Problem {
    fn describe(description: &mut Description) {
        description.problem("default", "A refusal");
    }
}

impl<T: Answer> Answer for Result<T, Problem> {
    fn describe(description: &mut Description) {
        T::describe(description);
        description.problem("default", "Any other refusal");
    }
}

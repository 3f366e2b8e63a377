//! Counters, the log of calls, the clock, and the way back to the start.

use super::read;
use crate::app::Shared;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) async fn stats(State(app): State<Shared>) -> Json<Value> {
    Json(json!(*app.stats()))
}

pub(super) async fn calls(State(app): State<Shared>, parameters: Parameters) -> Json<Value> {
    let prefix = parameters.get("path").unwrap_or_default();
    Json(json!({"calls": app.stats().latest(prefix)}))
}

pub(super) async fn reset(State(app): State<Shared>) -> StatusCode {
    app.reset();
    StatusCode::NO_CONTENT
}

pub(super) async fn clock(State(app): State<Shared>) -> Json<Value> {
    Json(json!({"now": app.clock.now().to_string()}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u32,
}

pub(super) async fn advance(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let Advance { advance_seconds } = read(&body)?;
    app.clock
        .advance(SignedDuration::from_secs(i64::from(advance_seconds)));
    Ok(clock(State(app)).await)
}

//! Tokens that end early, and tokens without a consent.

use super::read;
use crate::app::Shared;
use crate::data::{Person, Principal};
use crate::oauth::{Grant, token_response};
use crate::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Invalidate {
    #[serde(default)]
    expire_access: bool,
    #[serde(default)]
    revoke_refresh: bool,
}

pub(super) async fn invalidate(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let wanted: Invalidate = read(&body)?;
    let now = app.clock.now();
    let mut tokens = app.tokens();
    if wanted.expire_access {
        tokens.expire_access(now);
    }
    if wanted.revoke_refresh {
        tokens.revoke_refresh(now);
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: Option<String>,
    scopes: Option<Vec<String>>,
}

pub(super) async fn grant(State(app): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let wanted: Wanted = read(&body)?;
    let person = match &wanted.user {
        None => Person::first(),
        Some(name) => Person::named(name).ok_or_else(|| Refusal::not_found("No such user"))?,
    };
    let grant = Grant {
        principal: Principal::Person(person),
        scopes: wanted.scopes.unwrap_or_else(|| app.settings().scopes),
    };
    Ok(Json(token_response(
        &app,
        grant,
        "authorization_code",
        None,
    )))
}

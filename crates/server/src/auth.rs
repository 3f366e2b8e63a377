//! Who asks: an API key in `X-Api-Key`, looked up by its hash; or, in
//! `Authorization: Bearer`, the session of a builder, or a token of a customer,
//! which sees its own group only.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use engine::actions::builder::SESSION_PREFIX;
use engine::{Access, Actor, Engine};

use crate::problem::Problem;
use crate::protect::Guard;

/// A caller with any valid key, session or token.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Actor);

/// A caller with a key of the `full` scope, or a builder: everything that front
/// ends need not.
#[derive(Debug)]
pub(crate) struct FullCaller(pub(crate) Actor);

/// A builder who has signed in.
#[derive(Debug)]
pub(crate) struct BuilderCaller(pub(crate) Actor);

impl FromRequestParts<Engine> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let guard = parts.extensions.get::<Arc<Guard>>().cloned();
        let actor = authenticated(parts, engine, guard.as_deref()).await?;
        if let Some(guard) = guard {
            guard.admit(engine, &actor)?;
        }
        Ok(Self(actor))
    }
}

/// Whose credential a request has. Those that are none are counted.
pub(crate) async fn authenticated(
    parts: &Parts,
    engine: &Engine,
    guard: Option<&Guard>,
) -> Result<Actor, Problem> {
    let key = parts
        .headers
        .get("x-api-key")
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|key| !key.is_empty());
    let token = bearer(parts);
    let (Some(credential), Some(guard)) = (key.or(token), guard) else {
        return looked_up(engine, key, token).await;
    };
    guard.admit_unknown(engine, parts, credential)?;
    let found = looked_up(engine, key, token).await;
    match &found {
        Ok(_) => guard.looked_up(engine, parts, credential, true)?,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            guard.looked_up(engine, parts, credential, false)?;
        }
        Err(_) => {}
    }
    found
}

async fn looked_up(
    engine: &Engine,
    key: Option<&str>,
    token: Option<&str>,
) -> Result<Actor, Problem> {
    if let Some(key) = key {
        let actor = engine.store.authenticate_api_key(key).await?;
        return actor.ok_or_else(|| {
            Problem::new(401, "the API key is not valid")
                .remedy("It may be revoked, or belong to another server; make one with `ligature api-key create --project P`")
        });
    }
    match token {
        Some(token) if token.starts_with(SESSION_PREFIX) => {
            let now = engine.clock.now();
            let actor = engine.store.authenticate_session(token, now).await?;
            actor.ok_or_else(|| {
                Problem::new(401, "the session has ended")
                    .remedy("Sign in again: POST /v1/sessions")
            })
        }
        Some(token) => Ok(engine.authenticate_jwt(token).await?),
        None => Err(Problem::new(401, "the request has no API key").remedy(
            "Send one in the X-Api-Key header; make one with `ligature api-key create --project P`",
        )),
    }
}

/// The token that a request bears.
pub(crate) fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<Engine> for FullCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let Caller(actor) = Caller::from_request_parts(parts, engine).await?;
        match actor.access() {
            Access::Full => Ok(Self(actor)),
            Access::Frontend => Err(Problem::new(403, "this key is for front ends only")
                .remedy("Use a key with the `full` scope, and never in a browser")),
        }
    }
}

impl FromRequestParts<Engine> for BuilderCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let Caller(actor) = Caller::from_request_parts(parts, engine).await?;
        match actor.builder_id() {
            Some(_) => Ok(Self(actor)),
            None => Err(Problem::new(
                403,
                "this is about people and organizations: an API key or a customer's token sees one project only",
            )
            .remedy("Sign in as a builder (POST /v1/sessions with `email` and `password`) and send the session's token as Authorization: Bearer; `ligature user create EMAIL` makes an account")),
        }
    }
}

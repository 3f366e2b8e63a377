//! Who asks: an API key in `X-Api-Key`, looked up by its hash; or a token of a
//! customer in `Authorization: Bearer`, which sees its own group only.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use engine::{Access, Actor, Engine};

use crate::problem::Problem;

/// A caller with any valid key or token.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Actor);

/// A caller with a key of the `full` scope: everything that front ends need not.
#[derive(Debug)]
pub(crate) struct FullCaller(pub(crate) Actor);

impl FromRequestParts<Engine> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let key = header("x-api-key").map(str::trim);
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            let bearer = header("authorization").and_then(|value| {
                let (scheme, token) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
            });
            return match bearer {
                Some(token) => Ok(Self(engine.authenticate_jwt(token).await?)),
                None => Err(Problem::new(401, "the request has no API key")
                    .remedy("Send one in the X-Api-Key header; make one with `ligature api-key create --project P`")),
            };
        };
        let actor = engine.store.authenticate_api_key(key).await?;
        actor.map(Self).ok_or_else(|| {
            Problem::new(401, "the API key is not valid")
                .remedy("It may be revoked, or belong to another server; make one with `ligature api-key create --project P`")
        })
    }
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

//! OAuth 2.0 as of May 2026: one consumer, a consent page, rotating refresh tokens.
//!
//! Offered are `authorization_code`, `refresh_token` and, for a private consumer,
//! `client_credentials`. The implicit grant, the JWT grant and PKCE are not: the first two
//! need what no server-side consumer has, and Bitbucket documents no PKCE (its parameters are
//! ignored). <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>

mod authorize;
mod consent;
mod exchange;
mod scopes;
mod tokens;

pub(crate) use exchange::token_response;
pub(crate) use scopes::granted;
pub(crate) use tokens::{Found, Grant, Tokens};

use crate::app::Shared;
use axum::Router;
use axum::routing::{get, post};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route(
            "/site/oauth2/authorize",
            get(authorize::ask).post(authorize::decide),
        )
        .route("/site/oauth2/access_token", post(exchange::exchange))
}

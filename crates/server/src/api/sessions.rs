//! `/sessions`, beside the contract, which leaves signing in to another service:
//! a builder's e-mail address and password for a token.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, http};
use engine::{Engine, actions};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::orgs::BuilderJson;
use crate::answer::{Created, NoContent};
use crate::auth::{BuilderCaller, bearer};
use crate::extract::Json;
use crate::problem::Problem;
use crate::protect::Guard;
use crate::protect::client::ClientAddress;

/// `POST /sessions`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewSession)]
pub(crate) struct New {
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
}

/// A session; only this answer has its token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(crate) struct SessionJson {
    token: String,
    expire_time: Timestamp,
    builder: BuilderJson,
}

/// Signs in.
pub(crate) async fn create(
    State(engine): State<Engine>,
    Extension(guard): Extension<Arc<Guard>>,
    client: Option<Extension<ClientAddress>>,
    Json(new): Json<New>,
) -> Result<Created<SessionJson>, Problem> {
    let client = client.map(|Extension(ClientAddress(address))| address);
    guard.admit_sign_in(&engine, client, &new.email)?;
    let session = actions::builder::sign_in(&engine, &new.email, &new.password).await?;
    let session = session.ok_or_else(|| {
        Problem::new(401, "the e-mail address or the password is wrong").remedy(
            "`ligature user create EMAIL` makes an account, `ligature user set-password EMAIL` replaces a password",
        )
    })?;
    Ok(Created(SessionJson {
        token: session.token.expose_secret().to_owned(),
        expire_time: session.expires_at,
        builder: session.builder.into(),
    }))
}

/// Signs out: the token opens nothing any more.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    BuilderCaller(_): BuilderCaller,
    parts: http::request::Parts,
) -> Result<NoContent, Problem> {
    if let Some(token) = bearer(&parts) {
        actions::builder::sign_out(&engine, token).await?;
    }
    Ok(NoContent)
}

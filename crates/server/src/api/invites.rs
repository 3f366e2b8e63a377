//! `/orgs/{org}/invites`, and `/invites:accept`. There is no mail server: the
//! answer to the creation of an invitation has its link, this once.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use store::{Invite, Role};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::my_info::{BuilderInfo, info};
use crate::answer::{Created, NoContent};
use crate::auth::BuilderCaller;
use crate::description::one_of;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// An invitation as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invite)]
pub(crate) struct InviteJson {
    id: String,
    invited_email: String,
    #[schema(schema_with = parent_type)]
    parent_type: &'static str,
    parent_id: String,
    #[schema(schema_with = status)]
    status: &'static str,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
    /// Beside the contract: where whoever is invited goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

fn parent_type() -> Object {
    one_of(["org"])
}

fn status() -> Object {
    one_of(["pending", "accepted", "revoked", "expired"])
}

fn role() -> Object {
    one_of([Role::Owner, Role::Member].map(Role::as_str))
}

impl From<Invite> for InviteJson {
    fn from(invite: Invite) -> Self {
        Self {
            id: invite.id,
            invited_email: invite.email,
            parent_type: "org",
            parent_id: invite.org_id,
            status: invite.status.as_str(),
            create_time: invite.create_time,
            update_time: invite.update_time,
            link: None,
        }
    }
}

/// `POST /orgs/{org}/invites`. The role is beside the contract.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewInvite)]
pub(crate) struct New {
    email: String,
    #[schema(schema_with = role, required = false)]
    role: Option<String>,
}

/// `POST /invites:accept`. The token, that of the link, is beside the contract.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AcceptInvite)]
pub(crate) struct Accept {
    invited_email: String,
    token: Option<String>,
}

/// Invites somebody.
pub(crate) async fn create(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path(org): Path<String>,
    Json(new): Json<New>,
) -> Result<Created<InviteJson>, Problem> {
    let role = match new.role.as_deref() {
        None => Role::Member,
        Some(word) => Role::of_word(word).ok_or_else(|| {
            Problem::new(400, format!("there is no role `{word}`"))
                .remedy("Use `owner` or `member`")
        })?,
    };
    let made = actions::organization::invite(&engine, &actor, &org, &new.email, role).await?;
    let mut json = InviteJson::from(made.invite);
    json.link = Some(made.link.expose_secret().to_owned());
    Ok(Created(json))
}

/// Every invitation.
pub(crate) async fn list(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path(org): Path<String>,
) -> Result<axum::Json<Vec<InviteJson>>, Problem> {
    let scope = engine.store.org_scope(&actor, &org).await?;
    let org = engine.store.within_org(&scope);
    let invites = org.invites(engine.clock.now()).await?;
    Ok(axum::Json(invites.into_iter().map(Into::into).collect()))
}

/// One invitation.
pub(crate) async fn get(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path((org, invite)): Path<(String, String)>,
) -> Result<axum::Json<InviteJson>, Problem> {
    let scope = engine.store.org_scope(&actor, &org).await?;
    let org = engine.store.within_org(&scope);
    Ok(axum::Json(
        org.invite(&invite, engine.clock.now()).await?.into(),
    ))
}

/// Takes an invitation back.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path((org, invite)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::organization::revoke_invite(&engine, &actor, &org, &invite).await?;
    Ok(NoContent)
}

/// Accepts an invitation to the builder's own address.
pub(crate) async fn accept(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Json(accept): Json<Accept>,
) -> Result<axum::Json<BuilderInfo>, Problem> {
    let (email, token) = (&accept.invited_email, accept.token.as_deref());
    actions::organization::accept_own(&engine, &actor, email, token).await?;
    Ok(axum::Json(info(&engine, &actor).await?))
}

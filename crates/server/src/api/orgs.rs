//! `/orgs`: organisations, their members, and their own audit log.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Builder, Organization};
use utoipa::ToSchema;

use super::audit_log;
use super::mask::Mask;
use super::page::PageQuery;
use crate::answer::{Created, CreatedWithoutBody};
use crate::auth::BuilderCaller;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// An organisation as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Org)]
pub(super) struct OrgJson {
    id: String,
    label: String,
    /// The contract wants the team of everyone. There are no teams here, so this
    /// names nothing but the organisation once more.
    default_team_id: String,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

impl From<Organization> for OrgJson {
    fn from(org: Organization) -> Self {
        Self {
            default_team_id: format!("everyone-{}", org.id),
            id: org.id,
            label: org.label,
            create_time: org.create_time,
            update_time: org.update_time,
        }
    }
}

/// A builder as the contract shapes it. This server is its own identity provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Builder)]
pub(super) struct BuilderJson {
    id: String,
    idp_provider: &'static str,
    idp_ref: String,
    primary_email: String,
    create_time: Timestamp,
}

impl From<Builder> for BuilderJson {
    fn from(builder: Builder) -> Self {
        Self {
            idp_ref: builder.id.clone(),
            id: builder.id,
            idp_provider: "ligature",
            primary_email: builder.email,
            create_time: builder.create_time,
        }
    }
}

/// `POST /orgs`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewOrg)]
pub(crate) struct New {
    label: String,
}

/// `PATCH /orgs/{org}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgChange)]
pub(crate) struct Change {
    update_mask: Vec<String>,
    org: Changed,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OrgFields)]
struct Changed {
    label: Option<String>,
}

/// `POST /orgs/{org}/memberships`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewMember)]
pub(crate) struct Member {
    builder_id: String,
}

/// Creates an organisation.
pub(crate) async fn create(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Json(new): Json<New>,
) -> Result<Created<OrgJson>, Problem> {
    let org = actions::organization::create(&engine, &actor, new.label).await?;
    Ok(Created(org.into()))
}

/// One organisation.
pub(crate) async fn get(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path(org): Path<String>,
) -> Result<axum::Json<OrgJson>, Problem> {
    let scope = engine.store.org_scope(&actor, &org).await?;
    let org = engine.store.within_org(&scope).organization().await?;
    Ok(axum::Json(org.into()))
}

/// Changes what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path(org): Path<String>,
    Json(change): Json<Change>,
) -> Result<axum::Json<OrgJson>, Problem> {
    let mask = Mask::of(change.update_mask, &["label"])?;
    let label = mask.take("label", change.org.label)?.unwrap_or_default();
    let org = actions::organization::rename(&engine, &actor, &org, &label).await?;
    Ok(axum::Json(org.into()))
}

/// The members.
pub(crate) async fn builders(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path(org): Path<String>,
) -> Result<axum::Json<Vec<BuilderJson>>, Problem> {
    let scope = engine.store.org_scope(&actor, &org).await?;
    let builders = engine.store.within_org(&scope).builders().await?;
    Ok(axum::Json(builders.into_iter().map(Into::into).collect()))
}

/// Makes a builder a member. The contract's 201 has no body.
pub(crate) async fn add_member(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path(org): Path<String>,
    Json(member): Json<Member>,
) -> Result<CreatedWithoutBody, Problem> {
    actions::organization::add_member(&engine, &actor, &org, &member.builder_id).await?;
    Ok(CreatedWithoutBody)
}

/// Who did what in the organisation, beside the contract.
pub(crate) async fn audit_log(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
    Path(org): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<audit_log::PageJson>, Problem> {
    let size = u64::from(query.size()?);
    let token = query.token().map(str::to_owned);
    let scope = engine.store.org_scope(&actor, &org).await?;
    let org = engine.store.within_org(&scope);
    let (entries, next) = org.audit_entries(size, token).await?;
    Ok(axum::Json(audit_log::PageJson::of(entries, next)))
}

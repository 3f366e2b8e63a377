//! `/my-info`: who has signed in, and what is theirs.

use std::collections::BTreeMap;

use axum::extract::State;
use engine::{Actor, Engine};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::orgs::{BuilderJson, OrgJson};
use super::projects::ProjectJson;
use crate::auth::BuilderCaller;
use crate::description::one_of;
use crate::problem::Problem;

/// A builder and its roles, as the contract shapes them. The contract knows one
/// organisation: it is the one that the builder has belonged to for longest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuilderInfo {
    builder: BuilderJson,
    project_roles: BTreeMap<String, ProjectRole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_role: Option<OrgRole>,
}

/// Roles are a builder's own: there are no teams.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectRole {
    role: &'static str,
    #[schema(schema_with = principal_type)]
    principal_type: &'static str,
    principal_id: String,
    project: ProjectJson,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrgRole {
    role: &'static str,
    #[schema(schema_with = principal_type)]
    principal_type: &'static str,
    principal_id: String,
    org: OrgJson,
}

fn principal_type() -> Object {
    one_of(["builder"])
}

/// Who asks.
pub(crate) async fn get(
    State(engine): State<Engine>,
    BuilderCaller(actor): BuilderCaller,
) -> Result<axum::Json<BuilderInfo>, Problem> {
    Ok(axum::Json(info(&engine, &actor).await?))
}

/// What is known of a builder. Its role in a project is its role in the
/// organisation that the project belongs to.
pub(super) async fn info(engine: &Engine, actor: &Actor) -> Result<BuilderInfo, Problem> {
    let own = engine.store.own_account(actor).await?;
    let own = own.ok_or_else(|| Problem::new(401, "the session has ended"))?;
    let memberships = engine.store.memberships(actor).await?;
    let projects = engine.store.projects(actor).await?;
    let project_roles = projects.into_iter().filter_map(|project| {
        let of = memberships.iter().find(|(org, _)| org.id == project.org_id);
        let role = of.map(|(_, role)| role.as_str())?;
        let id = project.id.clone();
        let role = ProjectRole {
            role,
            principal_type: "builder",
            principal_id: own.id.clone(),
            project: project.into(),
        };
        Some((id, role))
    });
    let project_roles = project_roles.collect();
    let org_role = memberships.into_iter().next().map(|(org, role)| OrgRole {
        role: role.as_str(),
        principal_type: "builder",
        principal_id: own.id.clone(),
        org: org.into(),
    });
    Ok(BuilderInfo {
        builder: own.into(),
        project_roles,
        org_role,
    })
}

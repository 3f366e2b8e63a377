//! `/projects/{p}/integrations/{i}/installations` and `/projects/{p}/installations`.

use std::collections::HashMap;

use axum::extract::State;
use engine::actions::installation::{Install, Update};
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Connection, Installation, InstallationFilter, Tenant};
use utoipa::{IntoParams, ToSchema};

use super::connections::{ConnectionJson, GroupJson};
use super::operations;
use crate::answer::{Created, NoContent};
use crate::auth::{Caller, FullCaller};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// An installation as the contract shapes it. `group` is never null: the `amp`
/// CLI reads through it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Installation)]
pub(crate) struct InstallationJson {
    id: String,
    project_id: String,
    integration_id: String,
    group: GroupJson,
    health_status: HealthJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_operation_status: Option<operations::StatusJson>,
    connection: ConnectionJson,
    config: ConfigJson,
    created_by: String,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstallationHealth)]
enum HealthJson {
    Healthy,
    Unhealthy,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Config)]
struct ConfigJson {
    id: String,
    revision_id: String,
    create_time: Timestamp,
    created_by: String,
    content: Value,
}

/// `POST …/installations`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewInstallation)]
pub(crate) struct New {
    group_ref: String,
    connection_id: Option<String>,
    config: NewConfig,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewConfig {
    revision_id: Option<String>,
    created_by: Option<String>,
    content: Value,
}

/// `?groupRef=`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    group_ref: Option<String>,
}

/// `?skipSampling=`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sampling {
    #[serde(default)]
    pub(super) skip_sampling: bool,
}

/// Installs.
pub(crate) async fn create(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration)): Path<(String, String)>,
    Query(sampling): Query<Sampling>,
    Json(new): Json<New>,
) -> Result<Created<InstallationJson>, Problem> {
    let install = Install {
        integration,
        group_ref: new.group_ref,
        connection_id: new.connection_id,
        revision_id: new.config.revision_id,
        created_by: new.config.created_by.filter(|by| !by.is_empty()),
        content: new.config.content,
        skip_sampling: sampling.skip_sampling,
    };
    let installation = actions::installation::create(&engine, &actor, &project, install).await?;
    let scope = engine.store.scope(&actor, &project).await?;
    let json = one(&engine.store.within(&scope), installation).await?;
    Ok(Created(json))
}

/// What of an installation can be changed, for the description: the engine takes it
/// by mask.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
struct InstallationFields {
    connection_id: Option<String>,
    config: Option<ConfigFields>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
struct ConfigFields {
    revision_id: Option<String>,
    created_by: Option<String>,
    content: Option<Value>,
}

/// `PATCH …/installations/{id}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstallationChange)]
pub(crate) struct Masked {
    update_mask: Vec<String>,
    #[schema(value_type = InstallationFields)]
    installation: Value,
}

/// Replaces what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration, installation)): Path<(String, String, String)>,
    Query(sampling): Query<Sampling>,
    Json(masked): Json<Masked>,
) -> Result<axum::Json<InstallationJson>, Problem> {
    let update = Update {
        mask: masked.update_mask,
        installation: masked.installation,
        skip_sampling: sampling.skip_sampling,
    };
    let changed = actions::installation::update(
        &engine,
        &actor,
        &project,
        &integration,
        &installation,
        update,
    )
    .await?;
    let scope = engine.store.scope(&actor, &project).await?;
    Ok(axum::Json(
        one(&engine.store.within(&scope), changed).await?,
    ))
}

/// Uninstalls.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration, installation)): Path<(String, String, String)>,
) -> Result<NoContent, Problem> {
    actions::installation::delete(&engine, &actor, &project, &integration, &installation).await?;
    Ok(NoContent)
}

/// An integration's installations, by the integration's name or id.
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration)): Path<(String, String)>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<InstallationJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let integration_id = Some(tenant.integration(&integration).await?.id);
    let found = tenant
        .installations(InstallationFilter {
            integration_id,
            group_ref: filter.group_ref,
        })
        .await?;
    Ok(axum::Json(render(&tenant, found).await?))
}

/// Every installation of the project.
pub(crate) async fn list_all(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<InstallationJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let filter = InstallationFilter {
        integration_id: None,
        group_ref: filter.group_ref,
    };
    let found = tenant.installations(filter).await?;
    Ok(axum::Json(render(&tenant, found).await?))
}

/// One installation.
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration, installation)): Path<(String, String, String)>,
) -> Result<axum::Json<InstallationJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(&integration).await?;
    let found = tenant.installation(&integration.id, &installation).await?;
    Ok(axum::Json(one(&tenant, found).await?))
}

pub(super) async fn one(
    tenant: &Tenant<'_>,
    installation: Installation,
) -> Result<InstallationJson, Problem> {
    let rendered = render(tenant, vec![installation]).await?.into_iter().next();
    rendered.ok_or_else(|| Problem::new(404, "the installation was deleted"))
}

/// Installations with their connections, in two queries however many there are.
/// One whose connection was deleted meanwhile is left out, as it is on its way out.
pub(super) async fn render(
    tenant: &Tenant<'_>,
    installations: Vec<Installation>,
) -> Result<Vec<InstallationJson>, Problem> {
    let mut connections: Vec<Connection> = Vec::new();
    for id in installations
        .iter()
        .map(|installation| &installation.connection_id)
    {
        if !connections.iter().any(|connection| connection.id == *id) {
            connections.push(tenant.connection(id).await?);
        }
    }
    let details = tenant.connection_details(&connections).await?;
    let ids: Vec<&str> = installations.iter().map(|one| one.id.as_str()).collect();
    let unhealthy = tenant.unhealthy(&ids).await?;
    let mut by_id: HashMap<String, _> = details
        .into_iter()
        .map(|d| (d.connection.id.clone(), d))
        .collect();
    Ok(installations
        .into_iter()
        .filter_map(|installation| {
            let details = by_id.get_mut(&installation.connection_id)?.clone();
            let health_status = match unhealthy.contains(&installation.id) {
                true => HealthJson::Unhealthy,
                false => HealthJson::Healthy,
            };
            Some(InstallationJson {
                group: details.group.clone().into(),
                connection: details.into(),
                id: installation.id,
                project_id: installation.project_id,
                integration_id: installation.integration_id,
                health_status,
                last_operation_status: installation.last_operation_status.map(Into::into),
                config: ConfigJson {
                    id: installation.config_id,
                    revision_id: installation.revision_id,
                    create_time: installation.config_create_time,
                    created_by: installation.config_created_by,
                    content: installation.config,
                },
                created_by: installation.created_by,
                create_time: installation.create_time,
                update_time: installation.update_time,
            })
        })
        .collect())
}

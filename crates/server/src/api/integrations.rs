//! `/projects/{p}/integrations` and `integrations:batch`.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Integration;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Caller, FullCaller};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// An integration as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Integration)]
pub(crate) struct IntegrationJson {
    id: String,
    project_id: String,
    name: String,
    provider: String,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
    latest_revision: RevisionJson,
}

/// A revision as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Revision)]
struct RevisionJson {
    id: String,
    integration_id: String,
    spec_version: String,
    create_time: Timestamp,
    content: Value,
}

impl From<Integration> for IntegrationJson {
    fn from(integration: Integration) -> Self {
        let revision = integration.latest_revision;
        Self {
            id: integration.id,
            project_id: integration.project_id,
            name: integration.name,
            provider: integration.provider,
            create_time: integration.create_time,
            update_time: integration.update_time,
            latest_revision: RevisionJson {
                id: revision.id,
                integration_id: revision.integration_id,
                spec_version: revision.spec_version,
                create_time: revision.create_time,
                content: revision.content,
            },
        }
    }
}

/// `PUT /projects/{p}/integrations:batch`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deployment)]
pub(crate) struct Batch {
    source_yaml: Option<String>,
    source_zip_url: Option<String>,
}

/// How to deploy.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct Manner {
    #[serde(default)]
    destructive: bool,
}

/// Every integration of the project.
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<Vec<IntegrationJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let integrations = engine.store.within(&scope).integrations().await?;
    Ok(axum::Json(
        integrations.into_iter().map(Into::into).collect(),
    ))
}

/// One integration, by name or id.
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration)): Path<(String, String)>,
) -> Result<axum::Json<IntegrationJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    Ok(axum::Json(
        engine
            .store
            .within(&scope)
            .integration(&integration)
            .await?
            .into(),
    ))
}

/// Deploys a manifest: its text, or the zip that was uploaded.
pub(crate) async fn deploy(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(manner): Query<Manner>,
    Json(batch): Json<Batch>,
) -> Result<axum::Json<Vec<IntegrationJson>>, Problem> {
    let manifest = match (batch.source_yaml, batch.source_zip_url) {
        (Some(yaml), None) => yaml.into_bytes(),
        (None, Some(url)) => actions::upload::manifest(&engine, &actor, &project, &url).await?,
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::new(
                422,
                "one of `sourceYaml` and `sourceZipUrl` is needed, and not both",
            )
            .remedy("Send the text of the amp.yaml in `sourceYaml`, or name an uploaded zip in `sourceZipUrl`"));
        }
    };
    let deployment = actions::integration::Deployment {
        manifest: &manifest,
        destructive: manner.destructive,
    };
    let deployed = actions::integration::deploy(&engine, &actor, &project, deployment).await?;
    Ok(axum::Json(deployed.into_iter().map(Into::into).collect()))
}

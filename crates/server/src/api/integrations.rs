//! `/projects/{p}/integrations` and `integrations:batch`.

use axum::extract::State;
use engine::{Actor, Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Integration;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{CreatedWithoutBody, NoContent};
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

/// Where a manifest comes from: its text, or the zip that was uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ManifestSource)]
pub(crate) struct Source {
    source_yaml: Option<String>,
    source_zip_url: Option<String>,
}

impl Source {
    /// The bytes of the manifest.
    pub(super) async fn manifest(
        self,
        engine: &Engine,
        actor: &Actor,
        project: &str,
    ) -> Result<Vec<u8>, Problem> {
        match (self.source_yaml, self.source_zip_url) {
            (Some(yaml), None) => Ok(yaml.into_bytes()),
            (None, Some(url)) => Ok(actions::upload::manifest(engine, actor, project, &url).await?),
            (None, None) | (Some(_), Some(_)) => Err(Problem::new(
                422,
                "one of `sourceYaml` and `sourceZipUrl` is needed, and not both",
            )
            .remedy("Send the text of the amp.yaml in `sourceYaml`, or name an uploaded zip in `sourceZipUrl`")),
        }
    }
}

/// How to deploy.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct Manner {
    #[serde(default)]
    pub(super) destructive: bool,
}

/// `POST /projects/{p}/integrations`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewIntegration)]
pub(crate) struct New {
    name: String,
    provider: String,
    latest_revision: NewRevision,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewRevision {
    spec_version: String,
    #[schema(value_type = Object)]
    content: Map<String, Value>,
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

/// Makes an integration from its parts. As the contract has it, the answer has no
/// body.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<CreatedWithoutBody, Problem> {
    let new = actions::integration::NewIntegration {
        name: new.name,
        provider: new.provider,
        spec_version: new.latest_revision.spec_version,
        content: Value::Object(new.latest_revision.content),
    };
    actions::integration::create(&engine, &actor, &project, new).await?;
    Ok(CreatedWithoutBody)
}

/// Deletes an integration, by name or id, and uninstalls it everywhere.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::integration::delete(&engine, &actor, &project, &integration).await?;
    Ok(NoContent)
}

/// Deploys a manifest: its text, or the zip that was uploaded.
pub(crate) async fn deploy(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(manner): Query<Manner>,
    Json(source): Json<Source>,
) -> Result<axum::Json<Vec<IntegrationJson>>, Problem> {
    let manifest = source.manifest(&engine, &actor, &project).await?;
    let deployment = actions::integration::Deployment {
        manifest: &manifest,
        destructive: manner.destructive,
    };
    let deployed = actions::integration::deploy(&engine, &actor, &project, deployment).await?;
    Ok(axum::Json(deployed.into_iter().map(Into::into).collect()))
}

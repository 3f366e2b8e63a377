//! `/projects/{p}/provider-apps`. The client secret goes in and never comes out.

use std::collections::BTreeMap;

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{NewProviderApp, ProviderApp, ProviderAppChange};
use utoipa::ToSchema;

use super::mask::Mask;
use crate::answer::NoContent;
use crate::auth::FullCaller;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// A provider app as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderApp)]
pub(crate) struct ProviderAppJson {
    id: String,
    project_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_ref: Option<String>,
    provider: String,
    client_id: String,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MetadataJson>)]
    metadata: Option<Value>,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

/// What goes beyond the standard of OAuth.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderAppMetadata)]
struct MetadataJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_query_params: Option<BTreeMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_params: Option<BTreeMap<String, String>>,
}

impl From<ProviderApp> for ProviderAppJson {
    fn from(app: ProviderApp) -> Self {
        Self {
            id: app.id,
            project_id: app.project_id,
            external_ref: app.external_ref,
            provider: app.provider,
            client_id: app.client_id,
            scopes: app.scopes,
            metadata: app.metadata,
            create_time: app.create_time,
            update_time: app.update_time,
        }
    }
}

/// `POST /projects/{p}/provider-apps`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewProviderApp)]
pub(crate) struct New {
    external_ref: Option<String>,
    provider: String,
    client_id: String,
    #[schema(value_type = String)]
    client_secret: SecretString,
    scopes: Option<Vec<String>>,
    metadata: Option<MetadataJson>,
}

/// Every provider app of the project.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
) -> Result<axum::Json<Vec<ProviderAppJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let apps = engine.store.within(&scope).provider_apps().await?;
    Ok(axum::Json(apps.into_iter().map(Into::into).collect()))
}

/// Registers a provider app. The contract answers 200 here, not 201.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<axum::Json<ProviderAppJson>, Problem> {
    let new = NewProviderApp {
        external_ref: new.external_ref.filter(|text| !text.is_empty()),
        provider: new.provider,
        client_id: new.client_id,
        client_secret: new.client_secret,
        scopes: new.scopes.unwrap_or_default(),
        metadata: new.metadata.map(|metadata| json!(metadata)),
    };
    let app = actions::provider_app::create(&engine, &actor, &project, new).await?;
    Ok(axum::Json(app.into()))
}

/// `PATCH /projects/{p}/provider-apps/{a}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderAppChange)]
pub(crate) struct Change {
    update_mask: Vec<String>,
    provider_app: Changed,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderAppFields)]
struct Changed {
    external_ref: Option<String>,
    client_id: Option<String>,
    #[schema(value_type = Option<String>)]
    client_secret: Option<SecretString>,
    scopes: Option<Vec<String>>,
    metadata: Option<MetadataJson>,
}

/// Changes what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, app)): Path<(String, String)>,
    Json(change): Json<Change>,
) -> Result<axum::Json<ProviderAppJson>, Problem> {
    let mask = Mask::of(
        change.update_mask,
        &[
            "externalRef",
            "clientId",
            "clientSecret",
            "scopes",
            "metadata",
        ],
    )?;
    let given = change.provider_app;
    let change = ProviderAppChange {
        external_ref: mask.take("externalRef", given.external_ref)?,
        client_id: mask.take("clientId", given.client_id)?,
        client_secret: mask.take("clientSecret", given.client_secret)?,
        scopes: mask.take("scopes", given.scopes)?,
        metadata: mask
            .take("metadata", given.metadata)?
            .map(|metadata| json!(metadata)),
    };
    let changed = actions::provider_app::update(&engine, &actor, &project, &app, change).await?;
    Ok(axum::Json(changed.into()))
}

/// Deletes a provider app.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, app)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::provider_app::delete(&engine, &actor, &project, &app).await?;
    Ok(NoContent)
}

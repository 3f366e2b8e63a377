//! `/projects/{p}/api-keys`. A whole key is in the answer to its creation and
//! nowhere else; everywhere else `key` is its public part, which names it.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use store::{ApiKey, ApiKeyChange, NewApiKey};
use utoipa::{IntoParams, ToSchema};

use super::mask::Mask;
use crate::answer::{Created, NoContent};
use crate::auth::FullCaller;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// An API key as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyJson {
    key: String,
    project_id: String,
    label: String,
    scopes: Vec<String>,
    active: bool,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

impl From<ApiKey> for ApiKeyJson {
    fn from(key: ApiKey) -> Self {
        Self {
            key: key.key,
            project_id: key.project_id,
            label: key.label.unwrap_or_default(),
            scopes: key.scopes,
            active: key.active,
            create_time: key.create_time,
            update_time: key.update_time,
        }
    }
}

/// `POST /projects/{p}/api-keys`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewApiKey)]
pub(crate) struct New {
    label: String,
    #[serde(default)]
    scopes: Vec<String>,
}

/// `GET /projects/{p}/api-keys`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct Filter {
    #[serde(default)]
    active: bool,
}

/// `PATCH /projects/{p}/api-keys/{k}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyChange)]
pub(crate) struct Change {
    update_mask: Vec<String>,
    api_key: Changed,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ApiKeyFields)]
struct Changed {
    label: Option<String>,
    scopes: Option<Vec<String>>,
    active: Option<bool>,
}

/// Every key of the project, or only those that open something.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<ApiKeyJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let keys = engine.store.within(&scope).api_keys().await?;
    let keys = keys.into_iter().filter(|key| key.active || !filter.active);
    Ok(axum::Json(keys.map(Into::into).collect()))
}

/// Makes a key.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<Created<ApiKeyJson>, Problem> {
    let new = NewApiKey {
        label: Some(new.label),
        access: new.scopes,
        whole: None,
    };
    let (key, whole) = actions::api_key::create(&engine, &actor, &project, new).await?;
    let mut json = ApiKeyJson::from(key);
    json.key = whole.expose_secret().to_owned();
    Ok(Created(json))
}

/// One key.
pub(crate) async fn get(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, key)): Path<(String, String)>,
) -> Result<axum::Json<ApiKeyJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let key = engine.store.within(&scope).api_key(&key).await?;
    Ok(axum::Json(key.into()))
}

/// Changes what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, key)): Path<(String, String)>,
    Json(change): Json<Change>,
) -> Result<axum::Json<ApiKeyJson>, Problem> {
    let mask = Mask::of(change.update_mask, &["label", "scopes", "active"])?;
    let change = ApiKeyChange {
        label: mask.take("label", change.api_key.label)?,
        access: mask.take("scopes", change.api_key.scopes)?,
        active: mask.take("active", change.api_key.active)?,
    };
    let changed = actions::api_key::update(&engine, &actor, &project, &key, change).await?;
    Ok(axum::Json(changed.into()))
}

/// Deletes a key.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, key)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::api_key::delete(&engine, &actor, &project, &key).await?;
    Ok(NoContent)
}

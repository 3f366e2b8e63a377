//! `/projects/{p}/jwt-keys`.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::JwtKey;
use utoipa::openapi::schema::{Array, Object};
use utoipa::{IntoParams, ToSchema};

use super::mask::Mask;
use crate::answer::{Created, NoContent};
use crate::auth::FullCaller;
use crate::description::one_of;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// A JWT key as the contract shapes it. Its word for the algorithm of what it
/// creates as `RS256` is `RSA`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JwtKey)]
pub(crate) struct JwtKeyJson {
    id: String,
    project_id: String,
    label: String,
    algorithm: AlgorithmJson,
    public_key_pem: String,
    active: bool,
    create_time: Timestamp,
    update_time: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JwtAlgorithm)]
enum AlgorithmJson {
    #[serde(rename = "RSA")]
    Rsa,
}

/// What tokens name a key by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JwtKeyId)]
pub(crate) struct KeyIdJson {
    kid: String,
}

impl From<JwtKey> for JwtKeyJson {
    fn from(key: JwtKey) -> Self {
        Self {
            id: key.id,
            project_id: key.project_id,
            label: key.label,
            algorithm: AlgorithmJson::Rsa,
            public_key_pem: key.public_key_pem,
            active: key.active,
            create_time: key.create_time,
            update_time: key.update_time,
        }
    }
}

fn algorithm() -> Object {
    one_of(["RS256"])
}

/// `POST /projects/{p}/jwt-keys`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewJwtKey)]
pub(crate) struct New {
    label: String,
    #[schema(schema_with = algorithm)]
    algorithm: String,
    public_key_pem: String,
}

/// `GET /projects/{p}/jwt-keys`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct Filter {
    #[serde(default)]
    active: bool,
}

/// What can be changed.
const CHANGEABLE: [&str; 2] = ["label", "active"];

fn masks() -> Array {
    Array::new(one_of(CHANGEABLE))
}

/// `PATCH /projects/{p}/jwt-keys/{k}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JwtKeyChange)]
pub(crate) struct Change {
    #[schema(schema_with = masks)]
    update_mask: Vec<String>,
    jwt_key: Changed,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = JwtKeyFields)]
struct Changed {
    label: Option<String>,
    active: Option<bool>,
}

/// Every key of the project, or only those that open something.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<JwtKeyJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let keys = engine.store.within(&scope).jwt_keys().await?;
    let keys = keys.into_iter().filter(|key| key.active || !filter.active);
    Ok(axum::Json(keys.map(Into::into).collect()))
}

/// Registers a key; its tokens name it by this `kid`.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<Created<KeyIdJson>, Problem> {
    let New {
        label,
        algorithm,
        public_key_pem,
    } = new;
    let key =
        actions::jwt_key::create(&engine, &actor, &project, label, &algorithm, public_key_pem)
            .await?;
    Ok(Created(KeyIdJson { kid: key.id }))
}

/// One key.
pub(crate) async fn get(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, key)): Path<(String, String)>,
) -> Result<axum::Json<JwtKeyJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let key = engine.store.within(&scope).jwt_key(&key).await?;
    Ok(axum::Json(key.into()))
}

/// Changes what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, key)): Path<(String, String)>,
    Json(change): Json<Change>,
) -> Result<axum::Json<JwtKeyJson>, Problem> {
    let mask = Mask::of(change.update_mask, &CHANGEABLE)?;
    let label = mask.take("label", change.jwt_key.label)?;
    let active = mask.take("active", change.jwt_key.active)?;
    let changed = actions::jwt_key::update(&engine, &actor, &project, &key, label, active).await?;
    Ok(axum::Json(changed.into()))
}

/// Deletes a key.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, key)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::jwt_key::delete(&engine, &actor, &project, &key).await?;
    Ok(NoContent)
}

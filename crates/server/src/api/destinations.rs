//! `/projects/{p}/destinations`.

use std::collections::BTreeMap;

use axum::extract::State;
use engine::actions::destination::DestinationPatch;
use engine::{Engine, actions};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Destination, NewDestination};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

use super::deliveries::{self, Replayed};
use crate::answer::{Created, NoContent};
use crate::auth::FullCaller;
use crate::description::one_of;
use crate::extract::{Json, MaybeJson, Path, Query};
use crate::problem::Problem;

/// A destination as the contract shapes it, and whether it takes messages.
/// `metadata` is an object for every type, since the `amp` CLI reads
/// `metadata.url` unasked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Destination)]
pub(crate) struct DestinationJson {
    id: String,
    name: String,
    r#type: String,
    #[schema(value_type = WebhookMetadata)]
    metadata: Value,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<SecretsJson>,
}

/// What a webhook is described by, for the description: the engine keeps it as it
/// was given.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is there for its shape")]
struct WebhookMetadata {
    url: String,
    headers: Option<BTreeMap<String, String>>,
    /// Whether messages are sent one after the other.
    ordered: Option<bool>,
}

/// The same, in parts, as `updateMask` names them.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is there for its shape")]
struct WebhookMetadataChange {
    url: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    ordered: Option<bool>,
}

fn kind() -> Object {
    one_of(["webhook"])
}

/// What messages are signed with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DestinationSecrets)]
struct SecretsJson {
    webhook_signing_key: String,
}

impl From<Destination> for DestinationJson {
    fn from(destination: Destination) -> Self {
        Self {
            id: destination.id,
            name: destination.name,
            r#type: destination.kind,
            metadata: destination.metadata,
            disabled: destination.disabled,
            failing_since: destination.failing_since,
            create_time: destination.create_time,
            update_time: destination.update_time,
            secrets: None,
        }
    }
}

impl DestinationJson {
    fn with_secret(mut self, key: &SecretString) -> Self {
        self.secrets = Some(SecretsJson {
            webhook_signing_key: key.expose_secret().to_owned(),
        });
        self
    }
}

/// `POST /projects/{p}/destinations`. The `amp` CLI sends a whole destination
/// with empty ids and times, which are passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewDestination)]
pub(crate) struct New {
    name: String,
    #[schema(schema_with = kind)]
    r#type: String,
    #[schema(value_type = WebhookMetadata)]
    metadata: Value,
}

/// `GET /projects/{p}/destinations/{d}`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    #[serde(default)]
    include_secrets: bool,
    #[serde(default)]
    rotate: bool,
}

/// `PATCH /projects/{p}/destinations/{d}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DestinationChange)]
pub(crate) struct Patch {
    update_mask: Vec<String>,
    destination: Fields,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DestinationFields)]
struct Fields {
    name: Option<String>,
    r#type: Option<String>,
    #[schema(value_type = Option<WebhookMetadataChange>)]
    metadata: Option<Value>,
}

/// Every destination of the project.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
) -> Result<axum::Json<Vec<DestinationJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let destinations = engine.store.within(&scope).destinations().await?;
    Ok(axum::Json(
        destinations.into_iter().map(Into::into).collect(),
    ))
}

/// Creates a destination.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<Created<DestinationJson>, Problem> {
    let new = NewDestination {
        name: new.name,
        kind: new.r#type,
        metadata: new.metadata,
    };
    let destination = actions::destination::create(&engine, &actor, &project, new).await?;
    Ok(Created(destination.into()))
}

/// One destination, by name or id; on request with the secret that its messages
/// are signed with, and that made anew.
pub(crate) async fn get(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, destination)): Path<(String, String)>,
    Query(options): Query<Options>,
) -> Result<axum::Json<DestinationJson>, Problem> {
    if options.rotate {
        let path = Path((project, destination));
        return rotate_secret(State(engine), FullCaller(actor), path).await;
    }
    if options.include_secrets {
        let (destination, key) =
            actions::destination::reveal_secret(&engine, &actor, &project, &destination).await?;
        return Ok(axum::Json(
            DestinationJson::from(destination).with_secret(&key),
        ));
    }
    let scope = engine.store.scope(&actor, &project).await?;
    let found = engine
        .store
        .within(&scope)
        .destination(&destination)
        .await?;
    Ok(axum::Json(found.into()))
}

/// Changes what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, destination)): Path<(String, String)>,
    Json(patch): Json<Patch>,
) -> Result<axum::Json<DestinationJson>, Problem> {
    let patch = DestinationPatch {
        update_mask: patch.update_mask,
        name: patch.destination.name,
        kind: patch.destination.r#type,
        metadata: patch.destination.metadata,
    };
    let changed =
        actions::destination::update(&engine, &actor, &project, &destination, patch).await?;
    Ok(axum::Json(changed.into()))
}

/// Deletes a destination and its messages.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, destination)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::destination::delete(&engine, &actor, &project, &destination).await?;
    Ok(NoContent)
}

/// Takes messages again. As what follows, beyond the contract.
pub(crate) async fn enable(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, destination)): Path<(String, String)>,
) -> Result<axum::Json<DestinationJson>, Problem> {
    let enabled = actions::destination::enable(&engine, &actor, &project, &destination).await?;
    Ok(axum::Json(enabled.into()))
}

/// Sends again what was given up, or what a range names.
pub(crate) async fn replay(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, destination)): Path<(String, String)>,
    MaybeJson(range): MaybeJson<deliveries::Range>,
) -> Result<axum::Json<Replayed>, Problem> {
    let range = range.parsed()?;
    let replayed =
        actions::delivery::replay_range(&engine, &actor, &project, &destination, range).await?;
    Ok(axum::Json(Replayed { replayed }))
}

/// Makes a new secret and shows it.
pub(crate) async fn rotate_secret(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, destination)): Path<(String, String)>,
) -> Result<axum::Json<DestinationJson>, Problem> {
    let (destination, key) =
        actions::destination::rotate_secret(&engine, &actor, &project, &destination).await?;
    Ok(axum::Json(
        DestinationJson::from(destination).with_secret(&key),
    ))
}

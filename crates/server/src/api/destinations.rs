//! `/projects/{p}/destinations`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use engine::actions::destination::DestinationPatch;
use engine::{Actor, Engine, actions};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Destination, NewDestination};

use crate::api::deliveries;
use crate::auth::FullCaller;
use crate::extract::{Json, Path, Query, Raw};
use crate::problem::Problem;

/// A destination as the contract shapes it, and whether it takes messages.
/// `metadata` is an object for every type, since the `amp` CLI reads
/// `metadata.url` unasked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DestinationJson {
    id: String,
    name: String,
    r#type: String,
    metadata: Value,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Value>,
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
        self.secrets = Some(json!({ "webhookSigningKey": key.expose_secret() }));
        self
    }
}

/// `POST /projects/{p}/destinations`. The `amp` CLI sends a whole destination
/// with empty ids and times, which are passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct New {
    name: String,
    r#type: String,
    metadata: Value,
}

/// `GET /projects/{p}/destinations/{d}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    #[serde(default)]
    include_secrets: bool,
    #[serde(default)]
    rotate: bool,
}

/// `PATCH /projects/{p}/destinations/{d}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Patch {
    update_mask: Vec<String>,
    destination: Fields,
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: Option<String>,
    r#type: Option<String>,
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
) -> Result<(StatusCode, axum::Json<DestinationJson>), Problem> {
    let new = NewDestination {
        name: new.name,
        kind: new.r#type,
        metadata: new.metadata,
    };
    let destination = actions::destination::create(&engine, &actor, &project, new).await?;
    Ok((StatusCode::CREATED, axum::Json(destination.into())))
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
        return rotate_secret(&engine, &actor, &project, &destination).await;
    }
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let mut json = DestinationJson::from(tenant.destination(&destination).await?);
    if options.include_secrets {
        let key = tenant.destination_signing_key(&json.id).await?;
        json = json.with_secret(&key);
    }
    Ok(axum::Json(json))
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
) -> Result<StatusCode, Problem> {
    actions::destination::delete(&engine, &actor, &project, &destination).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /destinations/{d}:{call}`, beyond the contract.
pub(crate) async fn call(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, called)): Path<(String, String)>,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let (destination, call) = called.rsplit_once(':').unwrap_or((&called, ""));
    match call {
        "rotate-secret" => {
            let json = rotate_secret(&engine, &actor, &project, destination).await?;
            Ok(json.into_response())
        }
        "enable" => {
            let enabled =
                actions::destination::enable(&engine, &actor, &project, destination).await?;
            Ok(axum::Json(DestinationJson::from(enabled)).into_response())
        }
        "replay" => {
            let range = if body.is_empty() {
                deliveries::Range::default()
            } else {
                serde_json::from_slice(&body)
                    .map_err(|error| Problem::new(400, format!("the body is not right: {error}")))?
            };
            let answer =
                deliveries::replay_destination(&engine, &actor, &project, destination, range)
                    .await?;
            Ok(axum::Json(answer).into_response())
        }
        _ => Err(
            Problem::new(404, format!("there is nothing to call at `{called}`"))
                .remedy("What can be called on a destination: :rotate-secret, :enable, :replay"),
        ),
    }
}

/// Makes a new secret and shows it.
async fn rotate_secret(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
) -> Result<axum::Json<DestinationJson>, Problem> {
    let (destination, key) =
        actions::destination::rotate_secret(engine, actor, project, destination).await?;
    Ok(axum::Json(
        DestinationJson::from(destination).with_secret(&key),
    ))
}

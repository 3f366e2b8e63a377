//! `/projects/{p}/destinations`.

use axum::extract::State;
use axum::http::StatusCode;
use engine::{Engine, actions};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Destination, NewDestination};

use crate::auth::FullCaller;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// A destination as the contract shapes it. `metadata` is an object for every
/// type, since the `amp` CLI reads `metadata.url` unasked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DestinationJson {
    id: String,
    name: String,
    r#type: String,
    metadata: Value,
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
            create_time: destination.create_time,
            update_time: destination.update_time,
            secrets: None,
        }
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
/// are signed with.
pub(crate) async fn get(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, destination)): Path<(String, String)>,
    Query(options): Query<Options>,
) -> Result<axum::Json<DestinationJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let mut json = DestinationJson::from(tenant.destination(&destination).await?);
    if options.include_secrets {
        let key = tenant.destination_signing_key(&json.id).await?;
        json.secrets = Some(json!({ "webhookSigningKey": key.expose_secret() }));
    }
    Ok(axum::Json(json))
}

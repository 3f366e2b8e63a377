//! `/projects/{p}/integrations/{i}/objects/{objectName}`: a read, at once.
//!
//! An object's name may contain slashes, as they are or as `%2F`, so it takes the
//! rest of the path.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use engine::actions::read::Trigger;
use engine::{Engine, actions};
use serde::{Deserialize, Serialize};

use crate::auth::FullCaller;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// The body of a request for a read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct New {
    group_ref: String,
    mode: String,
    since_timestamp: Option<String>,
    until_timestamp: Option<String>,
}

/// The operation that it came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StartedJson {
    operation_id: String,
}

pub(super) fn routes() -> Router<Engine> {
    let path = "/projects/{project}/integrations/{integration}/objects/{*object}";
    Router::new().route(path, post(trigger))
}

/// Asks for a read of an object.
async fn trigger(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, object)): Path<(String, String, String)>,
    Json(new): Json<New>,
) -> Result<(StatusCode, axum::Json<StartedJson>), Problem> {
    let trigger = Trigger {
        integration,
        object,
        group_ref: new.group_ref,
        mode: new.mode,
        since: new.since_timestamp,
        until: new.until_timestamp,
    };
    let operation_id = actions::read::trigger(&engine, &actor, &project, trigger).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(StartedJson { operation_id }),
    ))
}

//! `/projects/{p}/integrations/{i}/objects/{objectName}`: a read, at once; and, with
//! `:deliverResults` behind it, messages that wait to be asked for.
//!
//! An object's name may contain slashes, as they are or as `%2F`, so it takes the
//! rest of the path.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use engine::actions::read::Trigger;
use engine::{Engine, actions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::deliver_results;
use crate::auth::FullCaller;
use crate::extract::{Path, Raw};
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
    let path = "/projects/{project}/integrations/{integration}/objects/{*rest}";
    Router::new().route(path, post(act))
}

/// Asks for a read of an object; or, where the path ends so, for its results.
async fn act(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, rest)): Path<(String, String, String)>,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    if let Some(object) = rest.strip_suffix(deliver_results::CALL) {
        let place = (project.as_str(), integration.as_str(), object);
        deliver_results::deliver(&engine, &actor, place, understood(&body)?).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // Nothing of ours is called with a colon within its last part.
    if let Some((_, call)) = rest
        .rsplit('/')
        .next()
        .and_then(|last| last.split_once(':'))
    {
        return Err(Problem::new(
            404,
            format!("there is nothing called `:{call}`"),
        ));
    }
    let new: New = understood(&body)?;
    let trigger = Trigger {
        integration,
        object: rest,
        group_ref: new.group_ref,
        mode: new.mode,
        since: new.since_timestamp,
        until: new.until_timestamp,
    };
    let operation_id = actions::read::trigger(&engine, &actor, &project, trigger).await?;
    let started = axum::Json(StartedJson { operation_id });
    Ok((StatusCode::CREATED, started).into_response())
}

/// A body of the shape that the path asks for.
fn understood<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let axum::Json(understood) = axum::Json::from_bytes(body)?;
    Ok(understood)
}

//! `POST …/objects/{o}:deliverResults`: lets messages go that wait to be asked
//! for, because the object's `delivery.mode` is `onRequest`. A page of the
//! contract is a message here, and holds at most `pageSize` records.

use axum::extract::State;
use axum::http::StatusCode;
use engine::{Engine, actions};
use serde::Deserialize;

use crate::auth::FullCaller;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// What ends the path.
const CALL: &str = ":deliverResults";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    group_ref: String,
    pages: u32,
}

/// Lets the oldest messages go, as many as are asked for.
pub(crate) async fn deliver(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, rest)): Path<(String, String, String)>,
    Json(wanted): Json<Wanted>,
) -> Result<StatusCode, Problem> {
    let Some(object) = rest.strip_suffix(CALL) else {
        return Err(Problem::new(
            404,
            format!("there is nothing at `objects/{rest}`"),
        ));
    };
    actions::delivery::deliver_results(
        &engine,
        &actor,
        &project,
        &integration,
        object,
        &wanted.group_ref,
        wanted.pages,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

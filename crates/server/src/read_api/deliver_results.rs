//! `POST …/objects/{o}:deliverResults`: lets messages go that wait to be asked
//! for, because the object's `delivery.mode` is `onRequest`. A page of the
//! contract is a message here, and holds at most `pageSize` records.

use axum::extract::State;
use engine::{Engine, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::answer::NoContent;
use crate::auth::FullCaller;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// How much of whose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliverResults)]
pub(super) struct Wanted {
    group_ref: String,
    pages: u32,
}

/// Lets the oldest messages of an object go, as many as are asked for.
pub(super) async fn deliver(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, object)): Path<(String, String, String)>,
    Json(wanted): Json<Wanted>,
) -> Result<NoContent, Problem> {
    actions::delivery::deliver_results(
        &engine,
        &actor,
        &project,
        &integration,
        &object,
        &wanted.group_ref,
        wanted.pages,
    )
    .await?;
    Ok(NoContent)
}

//! `POST …/objects/{o}:deliverResults`: lets messages go that wait to be asked
//! for, because the object's `delivery.mode` is `onRequest`. A page of the
//! contract is a message here, and holds at most `pageSize` records.

use engine::{Actor, Engine, actions};
use serde::Deserialize;

use crate::problem::Problem;

/// What ends the path.
pub(super) const CALL: &str = ":deliverResults";

/// How much of whose.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    group_ref: String,
    pages: u32,
}

/// Lets the oldest messages of an object go, as many as are asked for.
pub(super) async fn deliver(
    engine: &Engine,
    actor: &Actor,
    (project, integration, object): (&str, &str, &str),
    wanted: Wanted,
) -> Result<(), Problem> {
    actions::delivery::deliver_results(
        engine,
        actor,
        project,
        integration,
        object,
        &wanted.group_ref,
        wanted.pages,
    )
    .await?;
    Ok(())
}

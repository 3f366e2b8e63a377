//! `…/installations/{id}:pause` and `:unpause`.

use axum::extract::State;
use engine::actions::installation::PauseReads;
use engine::{Actor, Engine, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::answer::NoContent;
use crate::auth::FullCaller;
use crate::extract::{MaybeJson, Path};
use crate::problem::Problem;

/// What a body says, if there is one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = PauseRequest)]
pub(super) struct Which {
    #[serde(default)]
    objects: Option<Vec<String>>,
    #[serde(default)]
    note: Option<String>,
}

/// Stops scheduled reads.
pub(super) async fn pause(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(place): Path<(String, String, String)>,
    MaybeJson(which): MaybeJson<Which>,
) -> Result<NoContent, Problem> {
    set(&engine, &actor, place, which, true).await
}

/// Lets them go on.
pub(super) async fn unpause(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(place): Path<(String, String, String)>,
    MaybeJson(which): MaybeJson<Which>,
) -> Result<NoContent, Problem> {
    set(&engine, &actor, place, which, false).await
}

async fn set(
    engine: &Engine,
    actor: &Actor,
    (project, integration, installation): (String, String, String),
    which: Which,
    paused: bool,
) -> Result<NoContent, Problem> {
    let pause = PauseReads {
        paused,
        objects: which.objects.unwrap_or_default(),
        note: which.note,
    };
    actions::installation::pause(engine, actor, &project, &integration, &installation, pause)
        .await?;
    Ok(NoContent)
}

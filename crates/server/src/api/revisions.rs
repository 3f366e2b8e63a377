//! `/projects/{p}/integrations/{i}/revisions`, and one of them with `:hydrate`.

use axum::extract::State;
use axum::http::StatusCode;
use engine::actions::integration::Deployment;
use engine::actions::metadata::Hydration;
use engine::metadata::HydratedRevision;
use engine::{Engine, actions};
use serde::Deserialize;

use super::integrations::{Manner, Source};
use crate::auth::{Caller, FullCaller};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// What ends the path.
const HYDRATE: &str = ":hydrate";

/// `?connectionId=`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Through {
    connection_id: String,
}

/// A revision with every field that its objects have in a customer's account.
pub(crate) async fn hydrate(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration, target)): Path<(String, String, String)>,
    Query(through): Query<Through>,
) -> Result<axum::Json<HydratedRevision>, Problem> {
    // What follows the colon is no segment of its own.
    let Some(revision) = target.strip_suffix(HYDRATE) else {
        return Err(
            Problem::new(404, format!("there is nothing at `revisions/{target}`"))
                .remedy(format!("Add `{HYDRATE}` to the revision's id")),
        );
    };
    let hydration = Hydration {
        integration: &integration,
        revision,
        connection: &through.connection_id,
    };
    let hydrated = actions::metadata::hydrate(&engine, &actor, &project, hydration).await?;
    Ok(axum::Json(hydrated))
}

/// Gives an integration the revision that a manifest has for it. As the contract
/// has it, the answer has no body.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration)): Path<(String, String)>,
    Query(manner): Query<Manner>,
    Json(source): Json<Source>,
) -> Result<StatusCode, Problem> {
    let manifest = source.manifest(&engine, &actor, &project).await?;
    let deployment = Deployment {
        manifest: &manifest,
        destructive: manner.destructive,
    };
    actions::integration::add_revision(&engine, &actor, &project, &integration, deployment).await?;
    Ok(StatusCode::CREATED)
}

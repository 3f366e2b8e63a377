//! `/projects/{p}/integrations/{i}/revisions`, and one of them with `:hydrate`.

use axum::extract::State;
use engine::actions::integration::Deployment;
use engine::actions::metadata::Hydration;
use engine::{Engine, actions};
use serde::Deserialize;
use utoipa::IntoParams;

use super::hydrated::HydratedRevisionJson;
use super::integrations::{Manner, Source};
use crate::answer::CreatedWithoutBody;
use crate::auth::{Caller, FullCaller};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// `?connectionId=`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Through {
    connection_id: String,
}

/// A revision with every field that its objects have in a customer's account.
pub(crate) async fn hydrate(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration, revision)): Path<(String, String, String)>,
    Query(through): Query<Through>,
) -> Result<axum::Json<HydratedRevisionJson>, Problem> {
    let hydration = Hydration {
        integration: &integration,
        revision: &revision,
        connection: &through.connection_id,
    };
    let hydrated = actions::metadata::hydrate(&engine, &actor, &project, hydration).await?;
    Ok(axum::Json(HydratedRevisionJson(hydrated)))
}

/// Gives an integration the revision that a manifest has for it. As the contract
/// has it, the answer has no body.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration)): Path<(String, String)>,
    Query(manner): Query<Manner>,
    Json(source): Json<Source>,
) -> Result<CreatedWithoutBody, Problem> {
    let manifest = source.manifest(&engine, &actor, &project).await?;
    let deployment = Deployment {
        manifest: &manifest,
        destructive: manner.destructive,
    };
    actions::integration::add_revision(&engine, &actor, &project, &integration, deployment).await?;
    Ok(CreatedWithoutBody)
}

//! `/projects/{p}/integrations/{i}/objects/{objectName}/config-content`.

use axum::extract::State;
use engine::actions::installation::{ObjectPatch, Step, Whose};
use engine::{Engine, actions};
use serde::Deserialize;

use super::installations::{self, InstallationJson, Sampling};
use super::object_name;
use crate::auth::FullCaller;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// Changes to one object's config.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Patch {
    group_ref: Option<String>,
    installation_id: Option<String>,
    action: String,
    changes: Vec<Step>,
}

/// Patches the config of one object of one installation. The name of the object
/// may hold slashes, encoded or not.
pub(crate) async fn patch(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, rest)): Path<(String, String, String)>,
    Query(sampling): Query<Sampling>,
    Json(patch): Json<Patch>,
) -> Result<axum::Json<InstallationJson>, Problem> {
    let object = object_name(&rest, "/config-content")?;
    let named = |name: Option<String>| name.filter(|name| !name.is_empty());
    let whose = match (named(patch.group_ref), named(patch.installation_id)) {
        (Some(group), None) => Whose::Group(group),
        (None, Some(id)) => Whose::Installation(id),
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::new(
                400,
                "one of `groupRef` and `installationId` is needed, and not both",
            )
            .remedy("Say whose config is to be changed"));
        }
    };
    if !["read", "write", "subscribe"].contains(&patch.action.as_str()) {
        return Err(
            Problem::new(400, format!("there is no action `{}`", patch.action))
                .remedy("Use read, write or subscribe"),
        );
    }
    let patch = ObjectPatch {
        whose,
        action: patch.action,
        object: object.to_owned(),
        changes: patch.changes,
        skip_sampling: sampling.skip_sampling,
    };
    let changed =
        actions::installation::patch_object(&engine, &actor, &project, &integration, patch).await?;
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    Ok(axum::Json(installations::one(&tenant, changed).await?))
}

//! `/projects/{p}/integrations/{i}/objects/{objectName}/config-content`.

use axum::extract::State;
use engine::actions::installation::{ObjectPatch, Step, Whose};
use engine::{Engine, actions};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::installations::{self, InstallationJson, Sampling};
use crate::auth::FullCaller;
use crate::description::one_of;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The actions that a config has objects of.
const ACTIONS: [&str; 3] = ["read", "write", "subscribe"];

fn action() -> Object {
    one_of(ACTIONS)
}

/// Changes to one object's config.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ObjectConfigChange)]
pub(crate) struct Patch {
    group_ref: Option<String>,
    installation_id: Option<String>,
    #[schema(schema_with = action)]
    action: String,
    #[schema(value_type = Vec<PatchStep>)]
    changes: Vec<Step>,
}

/// A step of `changes`, for the description: the engine has its own, which knows
/// nothing of descriptions.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is there for its shape")]
struct PatchStep {
    op: PatchOp,
    path: String,
    value: Option<Value>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
enum PatchOp {
    Add,
    Remove,
    Replace,
}

/// Patches the config of one object of one installation. The name of the object
/// may hold slashes, encoded or not.
pub(crate) async fn patch(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, object)): Path<(String, String, String)>,
    Query(sampling): Query<Sampling>,
    Json(patch): Json<Patch>,
) -> Result<axum::Json<InstallationJson>, Problem> {
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
    if !ACTIONS.contains(&patch.action.as_str()) {
        return Err(
            Problem::new(400, format!("there is no action `{}`", patch.action))
                .remedy("Use read, write or subscribe"),
        );
    }
    let patch = ObjectPatch {
        whose,
        action: patch.action,
        object,
        changes: patch.changes,
        skip_sampling: sampling.skip_sampling,
    };
    let changed =
        actions::installation::patch_object(&engine, &actor, &project, &integration, patch).await?;
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    Ok(axum::Json(installations::one(&tenant, changed).await?))
}

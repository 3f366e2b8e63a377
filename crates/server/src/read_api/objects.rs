//! `/projects/{p}/integrations/{i}/objects/{objectName}`: a read, at once. An
//! object's name may contain slashes, as they are or as `%2F`.

use axum::extract::State;
use engine::actions::read::Trigger;
use engine::{Engine, actions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::answer::Created;
use crate::auth::FullCaller;
use crate::description::one_of;
use crate::extract::{Json, Path};
use crate::problem::Problem;

fn mode() -> Object {
    one_of(["async"])
}

/// The body of a request for a read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerRead)]
pub(super) struct New {
    group_ref: String,
    #[schema(schema_with = mode)]
    mode: String,
    since_timestamp: Option<String>,
    until_timestamp: Option<String>,
}

/// The operation that it came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReadStarted)]
pub(super) struct StartedJson {
    operation_id: String,
}

/// Asks for a read of an object.
pub(super) async fn read(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, object)): Path<(String, String, String)>,
    Json(new): Json<New>,
) -> Result<Created<StartedJson>, Problem> {
    let trigger = Trigger {
        integration,
        object,
        group_ref: new.group_ref,
        mode: new.mode,
        since: new.since_timestamp,
        until: new.until_timestamp,
    };
    let operation_id = actions::read::trigger(&engine, &actor, &project, trigger).await?;
    Ok(Created(StartedJson { operation_id }))
}

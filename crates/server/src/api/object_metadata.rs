//! `/projects/{p}/integrations/{i}/objects/{objectName}/metadata` and
//! `/projects/{p}/providers/{provider}/objects/{objectName}/metadata`.
//!
//! The name of the object may hold slashes, encoded or not.

use axum::extract::State;
use engine::metadata::ObjectMetadata;
use engine::{Engine, actions};
use serde::Deserialize;

use super::object_name;
use crate::auth::Caller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// What ends the path.
const METADATA: &str = "/metadata";

/// Whose, and what of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    group_ref: String,
    #[serde(default)]
    exclude_read_only: bool,
}

/// In the account that a group has installed the integration for.
pub(crate) async fn of_installation(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, integration, rest)): Path<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<ObjectMetadata>, Problem> {
    let place = (integration.as_str(), object_name(&rest, METADATA)?);
    let group = wanted.group_ref.as_str();
    let found = actions::metadata::of_installation(&engine, &actor, &project, place, group).await?;
    Ok(axum::Json(wanted.of(found)))
}

/// In the account that a group has connected.
pub(crate) async fn of_connection(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, provider, rest)): Path<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<ObjectMetadata>, Problem> {
    let place = (provider.as_str(), object_name(&rest, METADATA)?);
    let group = wanted.group_ref.as_str();
    let found = actions::metadata::of_connection(&engine, &actor, &project, place, group).await?;
    Ok(axum::Json(wanted.of(found)))
}

impl Wanted {
    fn of(&self, mut metadata: ObjectMetadata) -> ObjectMetadata {
        if self.exclude_read_only {
            let fields = &mut metadata.fields;
            fields.retain(|_, field| field.read_only != Some(true));
        }
        metadata
    }
}

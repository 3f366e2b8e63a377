//! `/projects/{p}/integrations/{i}/objects/{objectName}/metadata` and
//! `/projects/{p}/providers/{provider}/objects/{objectName}/metadata`.
//!
//! The name of the object may hold slashes, encoded or not.

use axum::extract::State;
use engine::metadata::ObjectMetadata;
use engine::{Engine, actions};
use serde::Deserialize;
use utoipa::IntoParams;

use super::hydrated::ObjectMetadataJson;
use crate::auth::Caller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// Whose, and what of it.
#[derive(Debug, Deserialize, IntoParams)]
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
    Path((project, integration, object)): Path<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<ObjectMetadataJson>, Problem> {
    let place = (integration.as_str(), object.as_str());
    let group = wanted.group_ref.as_str();
    let found = actions::metadata::of_installation(&engine, &actor, &project, place, group).await?;
    Ok(axum::Json(ObjectMetadataJson(wanted.of(found))))
}

/// In the account that a group has connected.
pub(crate) async fn of_connection(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, provider, object)): Path<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<ObjectMetadataJson>, Problem> {
    let place = (provider.as_str(), object.as_str());
    let group = wanted.group_ref.as_str();
    let found = actions::metadata::of_connection(&engine, &actor, &project, place, group).await?;
    Ok(axum::Json(ObjectMetadataJson(wanted.of(found))))
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

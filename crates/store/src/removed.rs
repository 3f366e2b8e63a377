//! What becomes of the reads of objects that a deploy takes out of the manifest.
//!
//! Their last definition is kept on the sync, and they go on by it; a destructive
//! deploy keeps none, and they stop. Once the manifest has an object, nothing is
//! kept: the manifest holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::Value;

use crate::connect::Tx;
use crate::entities::{installation, sync};
use crate::error::Result;
use crate::reconcile;
use crate::revision::NewRevision;
use crate::work::Reads;

/// Settles it for the integration that gets a new revision. Its reads have been
/// recalled.
pub(crate) async fn settle(
    tx: &mut Tx<'_>,
    integration_id: &str,
    before: &Value,
    new: &NewRevision,
    destructive: bool,
    now: Timestamp,
) -> Result<()> {
    let after = definitions(&new.content);
    let syncs = of(integration_id)
        .select_only()
        .column(sync::Column::Id)
        .column(sync::Column::ObjectName);
    if destructive {
        let mut stopped = syncs;
        if !after.is_empty() {
            stopped = stopped.filter(sync::Column::ObjectName.is_not_in(after.keys().copied()));
        }
        let stopped: Vec<(String, String)> = stopped.into_tuple().all(tx.db()).await?;
        let stopped: Vec<String> = stopped.into_iter().map(|(id, _)| id).collect();
        let why = "The object was removed from the integration's manifest";
        for ids in stopped.chunks(crate::statement::ROWS_PER_STATEMENT) {
            reconcile::end_runs(tx, Reads::Of(ids), why, now).await?;
        }
        keep(tx, integration_id, None, None).await?;
        return Ok(());
    }
    for name in after.keys() {
        keep(tx, integration_id, Some(name), None).await?;
    }
    for (name, definition) in definitions(before) {
        if !after.contains_key(name) {
            keep(tx, integration_id, Some(name), Some(definition)).await?;
        }
    }
    Ok(())
}

/// The syncs of an integration.
fn of(integration_id: &str) -> sea_orm::Select<sync::Entity> {
    let installations = installation::Entity::find()
        .select_only()
        .column(installation::Column::Id)
        .filter(installation::Column::IntegrationId.eq(integration_id));
    sync::Entity::find()
        .filter(sync::Column::InstallationId.in_subquery(installations.into_query()))
}

/// Keeps a definition, or none, on the syncs of one object, or of all.
async fn keep(
    tx: &Tx<'_>,
    integration_id: &str,
    object_name: Option<&str>,
    definition: Option<&Value>,
) -> Result<()> {
    tx.execute(
        "UPDATE sync SET definition = $3 WHERE installation_id IN \
         (SELECT id FROM installation WHERE integration_id = $1) \
         AND ($2 IS NULL OR object_name = $2) \
         AND (definition IS NOT NULL OR $3 IS NOT NULL)",
        [
            integration_id.into(),
            object_name.into(),
            definition.map(ToString::to_string).into(),
        ],
    )
    .await?;
    Ok(())
}

/// The definitions of a revision's read objects, by the provider's names.
fn definitions(content: &Value) -> BTreeMap<&str, &Value> {
    let objects = content.pointer("/read/objects").and_then(Value::as_array);
    objects
        .into_iter()
        .flatten()
        .filter_map(|object| Some((object.get("objectName")?.as_str()?, object)))
        .collect()
}

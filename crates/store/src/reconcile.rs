//! Bringing an installation's reads in line with what is wanted: the one
//! transaction by which its config changes, and by which a deploy reaches it.
//!
//! A change is planned outside of any transaction, from a revision and a config.
//! It is written only if both are still what they were, and refused as `Outdated`
//! otherwise, so that two changes at once never mix.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sea_orm::{Condition, ConnectionTrait};
use serde_json::Value;

use crate::Store;
use crate::audit::note;
use crate::columns::{Span, ms};
use crate::connect::Tx;
use crate::connection::Connection;
use crate::entities::{connection, installation, integration, revision, sync};
use crate::error::{Result, StoreError};
use crate::ids;
use crate::installation::{Installation, NewSync, add_sync, still_latest};
use crate::integration::Integration;
use crate::notification::{self, Happening, ReadEnded};
use crate::operation::{OperationStatus, ReadType};
use crate::scope::{Scope, Tenant};
use crate::statement::list;
use crate::sync::Sync;
use crate::work::{self, Lease, Reads};

/// How an installation's reads are to change.
#[derive(Debug, Clone)]
pub struct Change {
    /// The revision that this was planned by, which must be the latest one.
    pub revision_id: String,
    /// The config that this was planned from.
    pub config_id: String,
    /// A new config.
    pub config: Option<NewConfig>,
    /// Objects to be read from now on.
    pub add: Vec<NewSync>,
    /// Objects, by the provider's names, of which nothing is to be left.
    pub remove: Vec<String>,
}

/// A config to replace another.
#[derive(Debug, Clone)]
pub struct NewConfig {
    /// What is chosen, the contract's config content.
    pub content: Value,
    /// Who chose it.
    pub created_by: String,
    /// The connection to work through. Where it is another one, everything is
    /// read anew.
    pub connection_id: String,
}

/// An integration with a new revision.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The scope of its project.
    pub scope: Scope,
    /// The integration, its latest revision included.
    pub integration: Integration,
}

/// An installation that a deploy has not reached yet.
#[derive(Debug, Clone)]
pub struct Behind {
    /// The installation.
    pub installation: Installation,
    /// Its connection.
    pub connection: Connection,
    /// What it reads.
    pub syncs: Vec<Sync>,
}

impl Tenant<'_> {
    /// Changes an installation's config and reads at once. Reads under way are
    /// taken back and go on by the new config.
    pub async fn change_installation(
        &self,
        installation_id: &str,
        change: Change,
        now: Timestamp,
    ) -> Result<Installation> {
        let mut tx = self.store.write().await?;
        work::recall_reads(&mut tx, Reads::OfInstallation(installation_id), now).await?;
        let row = self
            .find_installations()
            .filter(installation::Column::Id.eq(installation_id))
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("installation", installation_id))?;
        let row = apply(&mut tx, row, change, now).await?;
        note(&tx, self.scope, "installation.update", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }
}

impl Store {
    /// The integration under this lease. `NotFound` when it is gone.
    pub async fn deployed(&self, lease: &Lease) -> Result<Deployed> {
        let gone = || StoreError::not_found("integration", &lease.subject_id);
        let row = integration::Entity::find_by_id(&lease.subject_id);
        let row = row.one(self.read()).await?.ok_or_else(gone)?;
        let latest = revision::Entity::find_by_id(&row.latest_revision_id);
        let latest = latest.one(self.read()).await?.ok_or_else(gone)?;
        Ok(Deployed {
            scope: Scope::of_project(row.project_id.clone()),
            integration: Integration::of(row, latest.into()),
        })
    }

    /// Up to `n` installations that the integration's latest revision has not
    /// reached yet.
    pub async fn behind(&self, integration: &Integration, n: u64) -> Result<Vec<Behind>> {
        let latest = &integration.latest_revision.id;
        let reached = installation::Column::ReconciledRevisionId;
        let rows = installation::Entity::find()
            .filter(installation::Column::IntegrationId.eq(&integration.id))
            .filter(
                Condition::any()
                    .add(reached.is_null())
                    .add(reached.ne(latest)),
            )
            .order_by_asc(installation::Column::Id)
            .limit(n)
            .all(self.read())
            .await?;
        let connections = connection::Entity::find()
            .filter(connection::Column::Id.is_in(rows.iter().map(|row| &row.connection_id)))
            .all(self.read())
            .await?;
        let connections: HashMap<String, Connection> = connections
            .into_iter()
            .map(|row| (row.id.clone(), row.into()))
            .collect();
        let syncs = sync::Entity::find()
            .filter(sync::Column::InstallationId.is_in(rows.iter().map(|row| &row.id)))
            .all(self.read())
            .await?;
        let mut by_installation: HashMap<String, Vec<Sync>> = HashMap::new();
        for row in syncs {
            let theirs = by_installation.entry(row.installation_id.clone());
            theirs.or_default().push(row.into());
        }
        // One whose connection is gone is on its way out itself.
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                Some(Behind {
                    connection: connections.get(&row.connection_id)?.clone(),
                    syncs: by_installation.remove(&row.id).unwrap_or_default(),
                    installation: row.into(),
                })
            })
            .collect())
    }

    /// Brings one installation in line with a deploy. Fenced.
    pub async fn reconcile(
        &self,
        lease: &Lease,
        installation_id: &str,
        change: Change,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        work::fence_progress(&tx, lease).await?;
        work::recall_reads(&mut tx, Reads::OfInstallation(installation_id), now).await?;
        let row = installation::Entity::find_by_id(installation_id)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("installation", installation_id))?;
        apply(&mut tx, row, change, now).await?;
        tx.commit().await
    }

    /// Notes that a revision has reached these installations, which it changes
    /// nothing for. Fenced.
    pub async fn reached(
        &self,
        lease: &Lease,
        installation_ids: &[&str],
        revision_id: &str,
    ) -> Result<()> {
        if installation_ids.is_empty() {
            return Ok(());
        }
        let tx = self.write().await?;
        work::fence_progress(&tx, lease).await?;
        let lock = format!(
            "WITH mine AS MATERIALIZED (SELECT id AS mine_id FROM installation \
             WHERE id IN ({}) ORDER BY id{}) UPDATE installation \
             SET reconciled_revision_id = $1 FROM mine WHERE id = mine_id",
            list(2, installation_ids.len()),
            tx.backend().for_update()
        );
        let mut values: Vec<sea_orm::Value> = vec![revision_id.into()];
        values.extend(installation_ids.iter().map(|id| (*id).into()));
        tx.db()
            .execute_raw(tx.backend().sql_many(&lock, values))
            .await?;
        tx.commit().await
    }
}

/// Writes a change. The installation's reads have been recalled.
async fn apply(
    tx: &mut Tx<'_>,
    row: installation::Model,
    change: Change,
    now: Timestamp,
) -> Result<installation::Model> {
    still_latest(tx, &row.integration_id, &change.revision_id).await?;
    // The first write of the row: whoever else changes it waits, or has done so.
    let same = tx
        .execute(
            "UPDATE installation SET reconciled_revision_id = $3 WHERE id = $1 AND config_id = $2",
            [
                row.id.as_str().into(),
                change.config_id.as_str().into(),
                change.revision_id.as_str().into(),
            ],
        )
        .await?;
    if same == 0 {
        return Err(StoreError::Outdated);
    }
    if !change.remove.is_empty() {
        let removed = sync::Entity::find()
            .filter(sync::Column::InstallationId.eq(&row.id))
            .filter(sync::Column::ObjectName.is_in(&change.remove))
            .all(tx.db())
            .await?;
        let ids: Vec<String> = removed.into_iter().map(|row| row.id).collect();
        let why = "The installation does not read this object any more";
        end_runs(tx, Reads::Of(&ids), why, now).await?;
        work::remove_reads(tx, Reads::Of(&ids)).await?;
        sync::Entity::delete_many()
            .filter(sync::Column::Id.is_in(ids))
            .exec(tx.db())
            .await?;
    }
    if let Some(config) = &change.config {
        forget_ticks(tx, Reads::OfInstallation(&row.id), now).await?;
        if config.connection_id != row.connection_id {
            let why = "The installation works through another connection now";
            begin_anew(tx, Reads::OfInstallation(&row.id), why, now).await?;
        }
        tx.execute(
            "UPDATE installation SET connection_id = $2, config_id = $3, config = $4, \
             config_create_time = $5, config_created_by = $6, revision_id = $7, \
             update_time = $5 WHERE id = $1",
            [
                row.id.as_str().into(),
                config.connection_id.as_str().into(),
                ids::new().into(),
                config.content.to_string().into(),
                ms(now).into(),
                config.created_by.as_str().into(),
                change.revision_id.as_str().into(),
            ],
        )
        .await?;
        let happening = Happening::InstallationUpdated {
            id: &row.id,
            last_config: &row.config.0,
        };
        notification::tell(tx, happening, now).await?;
    }
    let row = installation::Entity::find_by_id(&row.id)
        .one(tx.db())
        .await?
        .ok_or_else(|| StoreError::not_found("installation", &row.id))?;
    for new in change.add {
        add_sync(tx, &row, new, now).await?;
    }
    latest_status(tx, &row.id).await?;
    installation::Entity::find_by_id(&row.id)
        .one(tx.db())
        .await?
        .ok_or_else(|| StoreError::not_found("installation", &row.id))
}

/// Says of an installation how its latest operation goes.
async fn latest_status(tx: &Tx<'_>, installation_id: &str) -> Result<()> {
    tx.execute(
        "UPDATE installation SET last_operation_status = (SELECT status FROM operation \
         WHERE installation_id = $1 AND action_type <> 'proxy' ORDER BY id DESC LIMIT 1) WHERE id = $1",
        [installation_id.into()],
    )
    .await?;
    Ok(())
}

/// Forgets ticks to come, which followed from what was defined until now: each is
/// planned anew when its read, which has been recalled, is looked at. Ticks that
/// have passed still count, and so does the one by which a scheduled run or a
/// backfill under way should have ended: when that comes, it is told.
pub(crate) async fn forget_ticks(tx: &Tx<'_>, reads: Reads<'_>, now: Timestamp) -> Result<()> {
    let (condition, mut values) = reads.condition();
    values.push(ms(now).into());
    let sql = format!(
        "UPDATE sync SET due_at = NULL WHERE due_at > ${} AND sync.id {condition} \
         AND (operation_id IS NULL OR read_type = 'triggered')",
        values.len()
    );
    let statement = tx.backend().sql_many(&sql, values);
    tx.db().execute_raw(statement).await?;
    Ok(())
}

/// Ends runs that came to nothing through no fault of theirs, and reads that
/// somebody asked for and that wait for their turn. Their work has been recalled;
/// what they delivered stays delivered.
pub(crate) async fn end_runs(
    tx: &mut Tx<'_>,
    reads: Reads<'_>,
    why: &str,
    now: Timestamp,
) -> Result<()> {
    tell_of_triggered(tx, reads, why, now).await?;
    let (condition, values) = reads.condition();
    let n = values.len();
    let mut ended = values.clone();
    ended.extend([why.into(), ms(now).into()]);
    let operations = format!(
        "UPDATE operation SET status = 'failure', result = ${}, update_time = ${} \
         WHERE status = 'in_progress' \
         AND (id IN (SELECT operation_id FROM sync WHERE sync.id {condition}) \
         OR id IN (SELECT operation_id FROM triggered_read WHERE sync_id {condition}))",
        n + 1,
        n + 2
    );
    let waiting = format!("DELETE FROM triggered_read WHERE sync_id {condition}");
    let syncs = format!(
        "UPDATE sync SET operation_id = NULL, read_type = NULL, position = NULL, since = NULL, \
         range = NULL, failed = FALSE, records_processed = 0, records_estimated_total = NULL \
         WHERE sync.id {condition}"
    );
    let latest = format!(
        "UPDATE installation SET last_operation_status = (SELECT status FROM operation \
         WHERE operation.installation_id = installation.id AND operation.action_type <> 'proxy' ORDER BY operation.id DESC LIMIT 1) \
         WHERE id IN (SELECT installation_id FROM sync WHERE sync.id {condition})"
    );
    for (sql, values) in [
        (operations, ended),
        (waiting, values.clone()),
        (syncs, values.clone()),
        (latest, values),
    ] {
        tx.db()
            .execute_raw(tx.backend().sql_many(&sql, values))
            .await?;
    }
    Ok(())
}

/// Tells of reads that somebody asked for and that are about to be ended, by the
/// provider's name of the object: what it was called may be gone with the change.
async fn tell_of_triggered(
    tx: &mut Tx<'_>,
    reads: Reads<'_>,
    why: &str,
    now: Timestamp,
) -> Result<()> {
    let (condition, values) = reads.condition();
    let triggered = format!(
        "SELECT installation_id, object_name, range FROM sync \
         WHERE read_type = 'triggered' AND operation_id IS NOT NULL AND sync.id {condition} \
         UNION ALL SELECT sync.installation_id, sync.object_name, triggered_read.range \
         FROM triggered_read JOIN sync ON sync.id = triggered_read.sync_id \
         WHERE sync.id {condition}"
    );
    let triggered = tx.backend().sql_many(&triggered, values);
    for row in tx.db().query_all_raw(triggered).await? {
        let (installation, object): (String, String) = (
            row.try_get("", "installation_id")?,
            row.try_get("", "object_name")?,
        );
        let range: Option<Span> = row.try_get("", "range")?;
        let range = range.map(|span| span.0).unwrap_or_default();
        let ended = ReadEnded {
            installation_id: &installation,
            object_name: &object,
            read_type: ReadType::Triggered,
            status: OperationStatus::Failure,
            from: range.since,
            until: range.until,
            error: Some(why),
        };
        notification::tell(tx, Happening::ReadEnded(ended), now).await?;
    }
    Ok(())
}

/// Forgets all that was read, which belongs to another account, and asks for the
/// backfill once more. The work has been recalled.
pub(crate) async fn begin_anew(
    tx: &mut Tx<'_>,
    reads: Reads<'_>,
    why: &str,
    now: Timestamp,
) -> Result<()> {
    end_runs(tx, reads, why, now).await?;
    let (condition, values) = reads.condition();
    for sql in [
        format!("DELETE FROM seen_key WHERE sync_id {condition}"),
        format!(
            "UPDATE sync SET watermark = NULL, backfill_due = TRUE \
             WHERE sync.id {condition}"
        ),
    ] {
        let statement = tx.backend().sql_many(&sql, values.clone());
        tx.db().execute_raw(statement).await?;
    }
    Ok(())
}

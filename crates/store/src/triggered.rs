//! Reads that somebody asked for: a queue for each object of an installation.
//!
//! An operation exists as soon as it is asked for, and waits here until no run of
//! its object is under way: reads of one object never overlap. The first come is
//! begun first, and before a scheduled read that is due. Whoever adds to the
//! queue and whoever ends a run lock the same row of work, so that either the one
//! finds no run, or the other finds somebody waiting.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Store;
use crate::columns::Span;
use crate::connect::Tx;
use crate::entities::{insert, installation, sync};
use crate::error::{Result, StoreError};
use crate::operation::{self, ReadType};
use crate::scope::Tenant;
use crate::work::{self, INTERACTIVE, Kind, Lease, SCHEDULED};

/// Reads of one object that may wait. Each is a whole read, so more would wait
/// for hours.
const MOST_WAITING: i64 = 100;

/// A read that somebody asks for.
#[derive(Debug, Clone)]
pub struct NewTriggeredRead {
    /// The installation.
    pub installation_id: String,
    /// The provider's name of the object.
    pub object_name: String,
    /// What of it.
    pub range: ReadRange,
}

/// A range of records' own times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReadRange {
    /// Records of this time or later; `None` is from the beginning.
    pub since: Option<Timestamp>,
    /// Records before this time; `None` is to the end.
    pub until: Option<Timestamp>,
}

impl From<ReadRange> for Value {
    fn from(range: ReadRange) -> Self {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        json!({ "since": text(range.since), "until": text(range.until) })
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Triggered {
    /// It is under way, or waits for its turn.
    Queued {
        /// The operation's identifier.
        operation_id: String,
    },
    /// Too many wait already.
    Full,
}

impl Tenant<'_> {
    /// Adds a read to the queue of its object, and makes it due. `NotFound` when
    /// the installation does not read the object.
    pub async fn trigger_read(&self, new: NewTriggeredRead, now: Timestamp) -> Result<Triggered> {
        let installation = installation::Entity::find_by_id(&new.installation_id)
            .filter(installation::Column::ProjectId.eq(self.scope.project_id()))
            .one(self.store.read())
            .await?
            .filter(|row| {
                let group = self.scope.group_ref();
                group.is_none_or(|group| group == row.group_ref)
            })
            .ok_or_else(|| StoreError::not_found("installation", &new.installation_id))?;
        let find = || {
            sync::Entity::find()
                .filter(sync::Column::InstallationId.eq(&installation.id))
                .filter(sync::Column::ObjectName.eq(&new.object_name))
        };
        let missing = || StoreError::not_found("object", &new.object_name);
        let mut tx = self.store.write().await?;
        let found = find().one(tx.db()).await?.ok_or_else(missing)?;
        work::lock(&tx, Kind::READ, &found.id).await?;
        // As it is behind the lock: the run seen before it may be over, and the
        // object may be gone.
        let found = find().one(tx.db()).await?.ok_or_else(missing)?;
        if waiting(&tx, &found.id).await? >= MOST_WAITING {
            return Ok(Triggered::Full);
        }
        let row = operation::read_of(&installation, &new.object_name, ReadType::Triggered, now);
        let operation_id = row.id.clone();
        insert(tx.db(), row).await?;
        tx.execute(
            "INSERT INTO triggered_read (operation_id, sync_id, range) VALUES ($1, $2, $3)",
            [
                operation_id.as_str().into(),
                found.id.as_str().into(),
                Span(new.range).into(),
            ],
        )
        .await?;
        tx.execute(
            "UPDATE installation SET last_operation_status = 'in_progress' WHERE id = $1",
            [installation.id.as_str().into()],
        )
        .await?;
        if found.operation_id.is_none() {
            work::poke_interactive(&mut tx, Kind::READ, &found.id, now).await?;
        }
        tx.commit().await?;
        Ok(Triggered::Queued { operation_id })
    }
}

impl Store {
    /// Begins the run that has waited longest, if one waits; whether it did.
    /// Fenced.
    pub async fn begin_triggered(&self, lease: &Lease) -> Result<bool> {
        let oldest = self.backend().sql(
            "SELECT operation_id, range FROM triggered_read \
             WHERE sync_id = $1 ORDER BY operation_id LIMIT 1",
            [lease.subject_id.as_str().into()],
        );
        // Mostly nobody waits, and then there is nothing to write.
        if self.read().query_one_raw(oldest.clone()).await?.is_none() {
            return Ok(false);
        }
        let tx = self.write().await?;
        work::fence(&tx, lease).await?;
        let Some(row) = tx.db().query_one_raw(oldest).await? else {
            return Ok(false);
        };
        let operation_id: String = row.try_get("", "operation_id")?;
        let range: Span = row.try_get("", "range")?;
        tx.execute(
            "UPDATE sync SET operation_id = $2, read_type = $3, position = NULL, since = NULL, \
             range = $4, records_processed = 0, records_estimated_total = NULL WHERE id = $1",
            [
                lease.subject_id.as_str().into(),
                operation_id.as_str().into(),
                ReadType::Triggered.as_str().into(),
                range.into(),
            ],
        )
        .await?;
        tx.execute(
            "DELETE FROM triggered_read WHERE operation_id = $1",
            [operation_id.as_str().into()],
        )
        .await?;
        work::change_lane(&tx, lease, ReadType::Triggered.lane()).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// At the end of a run: whether another waits, and the lane that follows from it.
pub(crate) async fn is_next(tx: &Tx<'_>, lease: &Lease) -> Result<bool> {
    let waits = waiting(tx, &lease.subject_id).await? > 0;
    let lane = if waits { INTERACTIVE } else { SCHEDULED };
    work::change_lane(tx, lease, lane).await?;
    Ok(waits)
}

async fn waiting(tx: &Tx<'_>, sync_id: &str) -> Result<i64> {
    let statement = tx.backend().sql(
        "SELECT COUNT(*) AS waiting FROM triggered_read WHERE sync_id = $1",
        [sync_id.into()],
    );
    let row = tx.db().query_one_raw(statement).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get("", "waiting"))?)
}

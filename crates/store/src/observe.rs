//! Numbers for whoever watches the server, over all projects and nodes.
//!
//! Read at every scrape, so each statement is answered from an index and none
//! grows with what has been done already.

use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use crate::Store;
use crate::columns::{At, ms};
use crate::error::Result;
use crate::statement::time;

/// How many syncs are told one by one; the stalest come first.
const MOST_SYNCS: i64 = 1_000;

/// What there is to see at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Messages not yet taken.
    pub pending: i64,
    /// When the oldest of them was put in.
    pub oldest_pending_at: Option<Timestamp>,
    /// Messages given up.
    pub dead: i64,
    /// Work that is due or under way, by kind and lane.
    pub work: Vec<WorkObservation>,
    /// Connections by status.
    pub connections: Vec<(String, i64)>,
    /// Installations.
    pub installations: i64,
    /// The stalest of the syncs that have a schedule.
    pub syncs: Vec<SyncObservation>,
}

/// Work of one kind in one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkObservation {
    /// The kind.
    pub kind: String,
    /// The lane.
    pub lane: i32,
    /// Rows that nobody has taken although they are due.
    pub due: i64,
    /// Rows under a lease.
    pub leased: i64,
    /// Since when the longest waiting one has been due.
    pub oldest_due_at: Option<Timestamp>,
}

/// One scheduled sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncObservation {
    /// The project's name.
    pub project: String,
    /// The installation.
    pub installation_id: String,
    /// The provider's name of the object.
    pub object_name: String,
    /// Up to when everything has been brought.
    pub fresh_at: Timestamp,
}

impl Store {
    /// Looks at everything that is worth watching.
    pub async fn observe(&self, now: Timestamp) -> Result<Observation> {
        let (pending, oldest_pending_at) = self.count_messages("pending").await?;
        let (dead, _) = self.count_messages("dead").await?;
        Ok(Observation {
            pending,
            oldest_pending_at,
            dead,
            work: self.observe_work(now).await?,
            connections: self.observe_connections().await?,
            installations: self.count_installations().await?,
            syncs: self.observe_syncs().await?,
        })
    }

    async fn count_messages(&self, status: &'static str) -> Result<(i64, Option<Timestamp>)> {
        // The status is written out, so that the partial index serves.
        let select = self.backend().sql(
            &format!(
                "SELECT COUNT(*) AS messages, MIN(create_time) AS oldest FROM outbox \
                 WHERE status = '{status}'"
            ),
            [],
        );
        match self.read().query_one_raw(select).await? {
            Some(row) => {
                let oldest: Option<At> = row.try_get("", "oldest")?;
                Ok((row.try_get("", "messages")?, At::opt(oldest)))
            }
            None => Ok((0, None)),
        }
    }

    async fn observe_work(&self, now: Timestamp) -> Result<Vec<WorkObservation>> {
        let select = self.backend().sql(
            "SELECT kind, lane, \
             CAST(SUM(CASE WHEN owner IS NULL OR lease_until <= $1 THEN 1 ELSE 0 END) AS BIGINT) AS due, \
             CAST(SUM(CASE WHEN owner IS NULL OR lease_until <= $1 THEN 0 ELSE 1 END) AS BIGINT) AS leased, \
             MIN(CASE WHEN owner IS NULL OR lease_until <= $1 THEN next_at END) AS oldest \
             FROM work WHERE lane IN (0, 1, 2) AND next_at <= $1 AND waits_for IS NULL GROUP BY kind, lane",
            [ms(now).into()],
        );
        let rows = self.read().query_all_raw(select).await?;
        rows.iter()
            .map(|row| {
                let oldest: Option<At> = row.try_get("", "oldest")?;
                Ok(WorkObservation {
                    kind: row.try_get("", "kind")?,
                    lane: row.try_get("", "lane")?,
                    due: row.try_get("", "due")?,
                    leased: row.try_get("", "leased")?,
                    oldest_due_at: At::opt(oldest),
                })
            })
            .collect()
    }

    async fn observe_connections(&self) -> Result<Vec<(String, i64)>> {
        let select = self.backend().sql(
            "SELECT status, COUNT(*) AS connections FROM connection GROUP BY status",
            [],
        );
        let rows = self.read().query_all_raw(select).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "status")?, row.try_get("", "connections")?)))
            .collect()
    }

    async fn count_installations(&self) -> Result<i64> {
        let select = self
            .backend()
            .sql("SELECT COUNT(*) AS installations FROM installation", []);
        let row = self.read().query_one_raw(select).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get("", "installations"))?)
    }

    async fn observe_syncs(&self) -> Result<Vec<SyncObservation>> {
        let select = self.backend().sql(
            "SELECT sync.object_name, sync.fresh_at, sync.installation_id, project.name \
             FROM sync JOIN installation ON installation.id = sync.installation_id \
             JOIN project ON project.id = installation.project_id \
             WHERE sync.fresh_at IS NOT NULL AND sync.due_at IS NOT NULL \
             ORDER BY sync.fresh_at LIMIT $1",
            [MOST_SYNCS.into()],
        );
        let rows = self.read().query_all_raw(select).await?;
        rows.iter()
            .map(|row| {
                Ok(SyncObservation {
                    project: row.try_get("", "name")?,
                    installation_id: row.try_get("", "installation_id")?,
                    object_name: row.try_get("", "object_name")?,
                    fresh_at: time(row, "fresh_at")?,
                })
            })
            .collect()
    }
}

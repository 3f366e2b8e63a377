//! Deleting what has been kept for long enough.
//!
//! One row of work of kind `prune`, for the whole store, says who does it. Each
//! batch is a short transaction of its own behind the fence, and what is still
//! there is all that is known of how far it went: killed anywhere, it goes on.

use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait as _;

use crate::columns::ms;
use crate::connect::Tx;
use crate::error::Result;
use crate::work::{self, Kind, Lease, SCHEDULED};
use crate::{Backend, Store};

/// The subject of the one row of work.
pub const PRUNE_SUBJECT: &str = "store";

/// Most rows of one batch.
const BATCH: i64 = 500;
/// Pages of an SQLite file that one batch gives back: 4 MB.
const BATCH_PAGES: i64 = 1_000;
/// Links and uploads that have run out are kept a little, so that whoever comes
/// late is told so.
const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Ended operations with their logs, and delivered messages.
    pub settled: SignedDuration,
    /// Messages given up: somebody may yet replay them.
    pub dead: SignedDuration,
}

impl Retention {
    /// `days` for what is settled, thrice as long for dead letters.
    #[must_use]
    pub fn of_days(days: u32) -> Self {
        let days = i64::from(days);
        Self {
            settled: SignedDuration::from_hours(24 * days),
            dead: SignedDuration::from_hours(3 * 24 * days),
        }
    }
}

/// What is deleted; each is a batch of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pruned {
    DeliveredMessages,
    DeadMessages,
    Logs,
    Operations,
    OAuthStates,
    Uploads,
    InstallLinks,
}

const ALL: [Pruned; 7] = [
    Pruned::DeliveredMessages,
    Pruned::DeadMessages,
    Pruned::Logs,
    Pruned::Operations,
    Pruned::OAuthStates,
    Pruned::Uploads,
    Pruned::InstallLinks,
];

impl Pruned {
    /// The statement: `$1` is the time before which things go, `$2` how many;
    /// `{skip}` passes over locked rows.
    fn sql(self) -> &'static str {
        match self {
            Self::DeliveredMessages => {
                "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox \
                 WHERE status IN ('delivered', 'dead') AND status = 'delivered' \
                 AND update_time <= $1 LIMIT $2{skip})"
            }
            Self::DeadMessages => {
                "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox \
                 WHERE status IN ('delivered', 'dead') AND status = 'dead' \
                 AND update_time <= $1 LIMIT $2{skip})"
            }
            // Before their operations, which may have very many.
            Self::Logs => {
                "DELETE FROM operation_log WHERE id IN (SELECT l.id FROM operation o \
                 JOIN operation_log l ON l.operation_id = o.id \
                 WHERE o.status <> 'in_progress' AND COALESCE(o.update_time, o.create_time) <= $1 \
                 LIMIT $2)"
            }
            Self::Operations => {
                "DELETE FROM operation WHERE id IN (SELECT o.id FROM operation o \
                 WHERE o.status <> 'in_progress' AND COALESCE(o.update_time, o.create_time) <= $1 \
                 AND NOT EXISTS (SELECT 1 FROM operation_log l WHERE l.operation_id = o.id) \
                 LIMIT $2{skip})"
            }
            Self::OAuthStates => {
                "DELETE FROM oauth_state WHERE digest IN (SELECT digest FROM oauth_state \
                 WHERE expires_at <= $1 LIMIT $2)"
            }
            Self::Uploads => {
                "DELETE FROM manifest_upload WHERE id IN (SELECT id FROM manifest_upload \
                 WHERE expires_at <= $1 LIMIT $2)"
            }
            Self::InstallLinks => {
                "DELETE FROM install_link WHERE id IN (SELECT id FROM install_link \
                 WHERE expires_at <= $1 LIMIT $2{skip})"
            }
        }
    }

    /// How long after its end a thing is kept.
    fn kept(self, retention: Retention) -> SignedDuration {
        match self {
            Self::DeliveredMessages | Self::Logs | Self::Operations => retention.settled,
            Self::DeadMessages => retention.dead,
            Self::OAuthStates | Self::Uploads | Self::InstallLinks => GRACE,
        }
    }
}

/// Sees that there is the row of work, due at once where it is new.
pub(crate) async fn plan(tx: &Tx<'_>, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO work (kind, subject_id, lane, next_at, epoch, attempts, run_again) \
         VALUES ($1, $2, $3, $4, 0, 0, FALSE) ON CONFLICT (kind, subject_id) DO NOTHING",
        [
            Kind::PRUNE.as_str().into(),
            PRUNE_SUBJECT.into(),
            SCHEDULED.into(),
            ms(now).into(),
        ],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Deletes one batch of what is too old, and says how many rows that were;
    /// none when nothing is. Fenced.
    pub async fn prune(&self, lease: &Lease, retention: Retention, now: Timestamp) -> Result<u64> {
        for pruned in ALL {
            let tx = self.write().await?;
            work::fence(&tx, lease).await?;
            let before =
                ms(now).saturating_sub(pruned.kept(retention).as_secs().saturating_mul(1_000));
            // What somebody else has locked goes another time: nobody who deletes
            // in an order of their own waits for us, or we for them.
            let sql = pruned.sql().replace("{skip}", tx.backend().skip_locked());
            let gone = tx.execute(&sql, [before.into(), BATCH.into()]).await?;
            tx.commit().await?;
            if gone > 0 {
                return Ok(gone);
            }
        }
        Ok(0)
    }

    /// Gives some of an SQLite file's unused pages back to the disk, while more
    /// than a quarter of the file is unused; what is left is written over
    /// first. Says whether there is more to give. PostgreSQL sees to this itself.
    pub async fn give_back_pages(&self) -> Result<bool> {
        if self.backend() == Backend::Postgres {
            return Ok(false);
        }
        let select = self.backend().sql(
            "SELECT (SELECT freelist_count FROM pragma_freelist_count) AS unused, \
             (SELECT page_count FROM pragma_page_count) AS pages, \
             (SELECT auto_vacuum FROM pragma_auto_vacuum) AS mode",
            [],
        );
        let Some(row) = self.read().query_one_raw(select).await? else {
            return Ok(false);
        };
        let unused: i64 = row.try_get("", "unused")?;
        let pages: i64 = row.try_get("", "pages")?;
        let mode: i64 = row.try_get("", "mode")?;
        // 2 is incremental; a file made by an older version has 0.
        if mode != 2 || unused <= BATCH_PAGES || unused * 4 <= pages {
            return Ok(false);
        }
        let tx = self.write().await?;
        let give_back = format!("PRAGMA incremental_vacuum({BATCH_PAGES})");
        tx.db().execute_unprepared(&give_back).await?;
        tx.commit().await?;
        Ok(true)
    }
}

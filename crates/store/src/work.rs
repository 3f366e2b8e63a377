//! Sharing work out between nodes: leases with a fence.
//!
//! A row is due, leased, or asleep. A claim raises the epoch; every commit of
//! results checks the epoch first, so a node that froze and came back after its
//! lease had passed on changes nothing. A lapsed lease can be claimed by
//! anyone. Attempts count at the claim, so a crash loop ends somewhere; a
//! committed page resets them.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, Value};

use crate::Store;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::statement::{ROWS_PER_STATEMENT, list, rows};
use crate::wake::WakeKind;

/// How long a lease lasts unless it is renewed.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// The same in milliseconds.
const LEASE_MS: i64 = LEASE.as_secs() * 1_000;

/// How often leases should be renewed.
pub const RENEW_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Lane of work that somebody waits for.
pub const INTERACTIVE: i32 = 0;
/// Lane of work on a schedule.
pub const SCHEDULED: i32 = 1;
/// Lane of work that may take long.
pub const BACKFILL: i32 = 2;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(&'static str);

impl Kind {
    /// Reading some pages of one object; the subject is a sync.
    pub const READ: Self = Self("read");

    /// The name in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// The right to work on one subject until the lease lapses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The kind of work.
    pub kind: Kind,
    /// What the work is about.
    pub subject_id: String,
    /// The lane it came from; lower ones go first.
    pub lane: i32,
    /// The fencing number.
    pub epoch: i64,
    /// Claims since the last progress, this one included.
    pub attempts: i32,
}

/// Only what was asked for can come back.
fn unknown_kind() -> StoreError {
    StoreError::Corrupt {
        table: "work",
        detail: "an unknown kind".to_owned(),
    }
}

/// Adds the work of a new subject.
pub(crate) async fn add(
    tx: &Tx<'_>,
    kind: Kind,
    subject_id: &str,
    lane: i32,
    next_at: Option<Timestamp>,
) -> Result<()> {
    tx.execute(
        "INSERT INTO work (kind, subject_id, lane, next_at, epoch, attempts, run_again) \
         VALUES ($1, $2, $3, $4, 0, 0, FALSE)",
        [
            kind.0.into(),
            subject_id.into(),
            lane.into(),
            next_at.map(ms).into(),
        ],
    )
    .await?;
    Ok(())
}

/// The first statement of every transaction that commits results: fails when
/// the lease has passed on, and keeps it from passing on until the end.
pub(crate) async fn fence(tx: &Tx<'_>, lease: &Lease) -> Result<()> {
    let backend = tx.backend();
    let sql = format!(
        "SELECT epoch FROM work WHERE kind = $1 AND subject_id = $2 AND epoch = $3 \
         AND owner IS NOT NULL{}",
        backend.for_update()
    );
    let statement = backend.sql(
        &sql,
        [
            lease.kind.0.into(),
            lease.subject_id.as_str().into(),
            lease.epoch.into(),
        ],
    );
    match tx.db().query_one_raw(statement).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::LeaseLost),
    }
}

/// The fence of a transaction that makes progress, which also sets the count of
/// attempts back.
pub(crate) async fn fence_progress(tx: &Tx<'_>, lease: &Lease) -> Result<()> {
    let held = tx
        .execute(
            "UPDATE work SET attempts = 0 WHERE kind = $1 AND subject_id = $2 AND epoch = $3 \
             AND owner IS NOT NULL",
            [
                lease.kind.0.into(),
                lease.subject_id.as_str().into(),
                lease.epoch.into(),
            ],
        )
        .await?;
    match held {
        0 => Err(StoreError::LeaseLost),
        _ => Ok(()),
    }
}

/// Makes the reads of an integration due, whether they are under way or not.
pub(crate) async fn poke_reads_of(tx: &Tx<'_>, integration_id: &str, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE work SET run_again = (owner IS NOT NULL), \
         next_at = CASE WHEN next_at <= $3 THEN next_at ELSE $3 END \
         WHERE kind = $1 AND subject_id IN (SELECT sync.id FROM sync \
         JOIN installation ON installation.id = sync.installation_id \
         WHERE installation.integration_id = $2)",
        [Kind::READ.0.into(), integration_id.into(), ms(now).into()],
    )
    .await?;
    Ok(())
}

/// Makes the reads through a connection due, whether they are under way or not.
pub(crate) async fn poke_reads_through(
    tx: &Tx<'_>,
    connection_id: &str,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE work SET run_again = (owner IS NOT NULL), \
         next_at = CASE WHEN next_at <= $3 THEN next_at ELSE $3 END \
         WHERE kind = $1 AND subject_id IN (SELECT sync.id FROM sync \
         JOIN installation ON installation.id = sync.installation_id \
         WHERE installation.connection_id = $2)",
        [Kind::READ.0.into(), connection_id.into(), ms(now).into()],
    )
    .await?;
    Ok(())
}

/// Puts work into another lane, for its next claims.
pub(crate) async fn change_lane(tx: &Tx<'_>, lease: &Lease, lane: i32) -> Result<()> {
    tx.execute(
        "UPDATE work SET lane = $3 WHERE kind = $1 AND subject_id = $2",
        [
            lease.kind.0.into(),
            lease.subject_id.as_str().into(),
            lane.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Frees the row; it checks the fence itself.
pub(crate) async fn release(
    tx: &mut Tx<'_>,
    lease: &Lease,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let statement = tx.backend().sql(
        "UPDATE work SET owner = NULL, lease_until = NULL, run_again = FALSE, \
         next_at = CASE WHEN run_again THEN $4 ELSE $5 END \
         WHERE kind = $1 AND subject_id = $2 AND epoch = $3 AND owner IS NOT NULL \
         RETURNING next_at",
        [
            lease.kind.0.into(),
            lease.subject_id.as_str().into(),
            lease.epoch.into(),
            ms(now).into(),
            next_at.map(ms).into(),
        ],
    );
    let row = tx.db().query_one_raw(statement).await?;
    let next_at: Option<i64> = row.ok_or(StoreError::LeaseLost)?.try_get("", "next_at")?;
    if next_at.is_some_and(|next_at| next_at <= ms(now)) {
        tx.wake(WakeKind::Work).await?;
    }
    Ok(())
}

impl Store {
    /// Up to `n` rows that are due and free, lower lanes and longest due first.
    pub async fn claim(
        &self,
        kinds: &[Kind],
        owner: &str,
        n: u32,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        let mut claimed = Vec::new();
        let tx = self.write().await?;
        for lane in [INTERACTIVE, SCHEDULED, BACKFILL] {
            let room = i64::from(n) - i64::try_from(claimed.len()).unwrap_or(i64::MAX);
            if room <= 0 {
                break;
            }
            let mut values: Vec<Value> = vec![
                lane.into(),
                ms(now).into(),
                room.into(),
                owner.into(),
                ms(now).saturating_add(LEASE_MS).into(),
            ];
            let sql = format!(
                "WITH due AS MATERIALIZED (\
                 SELECT kind AS due_kind, subject_id AS due_subject FROM work \
                 WHERE lane = $1 AND next_at <= $2 AND (owner IS NULL OR lease_until <= $2) \
                 AND kind IN ({}) ORDER BY next_at LIMIT $3{}) \
                 UPDATE work SET owner = $4, lease_until = $5, epoch = epoch + 1, \
                 attempts = attempts + 1, run_again = FALSE FROM due \
                 WHERE kind = due_kind AND subject_id = due_subject \
                 RETURNING kind, subject_id, lane, epoch, attempts",
                list(values.len() + 1, kinds.len()),
                self.backend().skip_locked()
            );
            values.extend(kinds.iter().map(|kind| kind.0.into()));
            let statement = self.backend().sql_many(&sql, values);
            for row in tx.db().query_all_raw(statement).await? {
                let name: String = row.try_get("", "kind")?;
                let kind = kinds.iter().find(|kind| kind.0 == name);
                claimed.push(Lease {
                    kind: *kind.ok_or_else(unknown_kind)?,
                    subject_id: row.try_get("", "subject_id")?,
                    lane: row.try_get("", "lane")?,
                    epoch: row.try_get("", "epoch")?,
                    attempts: row.try_get("", "attempts")?,
                });
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Renews all leases in one statement and returns those still held. What is
    /// missing has passed on.
    pub async fn renew(&self, owner: &str, held: &[Lease], now: Timestamp) -> Result<Vec<Lease>> {
        let mut kept = HashSet::new();
        for held in held.chunks(ROWS_PER_STATEMENT) {
            let sql = format!(
                "UPDATE work SET lease_until = $1 WHERE owner = $2 \
                 AND (kind, subject_id, epoch) IN (VALUES {}) RETURNING kind, subject_id, epoch",
                rows(3, 3, held.len())
            );
            let mut values: Vec<Value> =
                vec![ms(now).saturating_add(LEASE_MS).into(), owner.into()];
            for lease in held {
                values.push(lease.kind.0.into());
                values.push(lease.subject_id.as_str().into());
                values.push(lease.epoch.into());
            }
            let tx = self.write().await?;
            let statement = self.backend().sql_many(&sql, values);
            for row in tx.db().query_all_raw(statement).await? {
                let kind: String = row.try_get("", "kind")?;
                let subject_id: String = row.try_get("", "subject_id")?;
                let epoch: i64 = row.try_get("", "epoch")?;
                kept.insert((kind, subject_id, epoch));
            }
            tx.commit().await?;
        }
        Ok(held
            .iter()
            .filter(|lease| {
                let kind = lease.kind.0.to_owned();
                kept.contains(&(kind, lease.subject_id.clone(), lease.epoch))
            })
            .cloned()
            .collect())
    }

    /// Frees the row for its next run; `None` sleeps until it is poked. A row
    /// that was poked meanwhile is due now.
    pub async fn finish(
        &self,
        lease: &Lease,
        next_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        release(&mut tx, lease, next_at, now).await?;
        tx.commit().await
    }

    /// As [`Store::finish`], and the claim does not count as an attempt: nothing
    /// was tried.
    pub async fn postpone(&self, lease: &Lease, until: Timestamp, now: Timestamp) -> Result<()> {
        let mut tx = self.write().await?;
        fence(&tx, lease).await?;
        tx.execute(
            "UPDATE work SET attempts = attempts - 1 \
             WHERE kind = $1 AND subject_id = $2 AND attempts > 0",
            [lease.kind.0.into(), lease.subject_id.as_str().into()],
        )
        .await?;
        release(&mut tx, lease, Some(until), now).await?;
        tx.commit().await
    }

    /// Makes the subject's work due now; while it runs, it will run again.
    pub async fn poke(&self, kind: Kind, subject_id: &str, now: Timestamp) -> Result<()> {
        let mut tx = self.write().await?;
        // While somebody has it, even if the lease has lapsed: they may still
        // finish, and the poke came too late for what they do.
        let poked = tx
            .execute(
                "UPDATE work SET run_again = (owner IS NOT NULL), \
                 next_at = CASE WHEN next_at <= $3 THEN next_at ELSE $3 END \
                 WHERE kind = $1 AND subject_id = $2",
                [kind.0.into(), subject_id.into(), ms(now).into()],
            )
            .await?;
        if poked > 0 {
            tx.wake(WakeKind::Work).await?;
        }
        tx.commit().await
    }
}

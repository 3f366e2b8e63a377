//! Sharing work out between nodes: leases with a fence.
//!
//! A row is due, leased, or asleep. A claim raises the epoch; every commit of
//! results checks the epoch first, so a node that froze and came back after its
//! lease had passed on changes nothing. A lapsed lease can be claimed by
//! anyone. Attempts count at the claim, so a crash loop ends somewhere; a
//! committed page resets them.
//!
//! Who locks rows of several kinds, or several rows of one, does so in the order
//! of their keys, and before anything else that is not its own: commits of pages
//! hold their row from the beginning, so any other order could come to a deadlock.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, Value};

use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::statement::{ROWS_PER_STATEMENT, list, rows};
use crate::wake::WakeKind;
use crate::{Backend, Store};

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
    /// Bringing the installations of an integration in line with its latest
    /// revision; the subject is the integration. Its name sorts before the reads
    /// that it adds and takes away.
    pub const INTEGRATION: Self = Self("integration");

    /// The table of the subjects of those kinds that may be left behind when
    /// their subject is deleted with what it belongs to.
    fn subjects(self) -> Option<&'static str> {
        [
            (Self::READ, "sync"),
            (Self::INTEGRATION, "integration"),
            (Self::WRITE, "write_job"),
        ]
        .into_iter()
        .find_map(|(kind, table)| (kind == self).then_some(table))
    }
    /// Deleting what has been kept for long enough; there is one subject.
    pub const PRUNE: Self = Self("prune");
    /// Writing the records of one request; the subject is its operation. Nobody
    /// who holds one of these rows goes on to lock another kind's.
    pub const WRITE: Self = Self("write");

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
    /// Calls promised to this work, after it waited for its request budget.
    pub passes: u32,
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

/// Some reads, by what they have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reads<'a> {
    /// Of these integrations, few enough for one statement.
    OfIntegrations(&'a [String]),
    /// Of one installation.
    OfInstallation(&'a str),
    /// Through a connection.
    Through(&'a str),
    /// Of these syncs, few enough for one statement.
    Of(&'a [String]),
}

impl Reads<'_> {
    /// The condition on a sync's identifier; its values come first in a statement.
    pub(crate) fn condition(self) -> (String, Vec<Value>) {
        let (of, ids): (_, Vec<&str>) = match self {
            Self::OfIntegrations(ids) => (
                "installation.integration_id",
                ids.iter().map(String::as_str).collect(),
            ),
            Self::OfInstallation(id) => ("installation.id", vec![id]),
            Self::Through(id) => ("installation.connection_id", vec![id]),
            Self::Of(ids) => ("sync.id", ids.iter().map(String::as_str).collect()),
        };
        let values = ids.iter().map(|id| (*id).into()).collect();
        // No list is empty in SQL.
        let ids = if ids.is_empty() {
            "NULL".to_owned()
        } else {
            list(1, ids.len())
        };
        let sql = format!(
            "IN (SELECT sync.id FROM sync JOIN installation \
             ON installation.id = sync.installation_id WHERE {of} IN ({ids}))"
        );
        (sql, values)
    }

    /// Changes their rows, which are locked in the order of their keys. `{now}`
    /// in `set` is the time.
    async fn update(self, tx: &mut Tx<'_>, set: &str, now: Timestamp) -> Result<()> {
        let (condition, mut values) = self.condition();
        values.extend([Kind::READ.0.into(), ms(now).into()]);
        let (kind, at) = (values.len() - 1, values.len());
        let sql = format!(
            "WITH mine AS MATERIALIZED (SELECT subject_id AS mine_id FROM work \
             WHERE kind = ${kind} AND subject_id {condition} ORDER BY subject_id{}) \
             UPDATE work SET {} FROM mine WHERE kind = ${kind} AND subject_id = mine_id",
            tx.backend().for_update(),
            set.replace("{now}", &format!("${at}")),
        );
        let statement = tx.backend().sql_many(&sql, values);
        tx.db().execute_raw(statement).await?;
        tx.wake(WakeKind::Work).await
    }
}

/// Makes reads due, whether they are under way or not.
pub(crate) async fn poke_reads(tx: &mut Tx<'_>, reads: Reads<'_>, now: Timestamp) -> Result<()> {
    let set = "run_again = (owner IS NOT NULL), \
               next_at = CASE WHEN next_at <= {now} THEN next_at ELSE {now} END";
    reads.update(tx, set, now).await
}

/// Takes reads out of the line for a request budget: the credential is another
/// one, and so may be the budget. They are due as they were.
pub(crate) async fn leave_line(tx: &mut Tx<'_>, reads: Reads<'_>, now: Timestamp) -> Result<()> {
    let set = "waits_for = NULL, waits_lane = NULL, waits_since = NULL, passes = 0, \
               next_at = CASE WHEN next_at <= {now} THEN next_at ELSE {now} END";
    reads.update(tx, set, now).await
}

/// Takes reads back from whoever has them, and makes them due: nothing that was
/// begun by what held until now can be committed any more. Each is looked at
/// again, and then goes on from its position, begins, or rests.
pub(crate) async fn recall_reads(tx: &mut Tx<'_>, reads: Reads<'_>, now: Timestamp) -> Result<()> {
    let set = "owner = NULL, lease_until = NULL, run_again = FALSE, attempts = 0, \
               epoch = CASE WHEN owner IS NULL THEN epoch ELSE epoch + 1 END, \
               next_at = CASE WHEN next_at <= {now} THEN next_at ELSE {now} END";
    reads.update(tx, set, now).await
}

/// Makes the work of a subject due, whether it is under way or not, and adds it
/// where there was none.
pub(crate) async fn request(
    tx: &mut Tx<'_>,
    kind: Kind,
    subject_id: &str,
    lane: i32,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO work (kind, subject_id, lane, next_at, epoch, attempts, run_again) \
         VALUES ($1, $2, $3, $4, 0, 0, FALSE) ON CONFLICT (kind, subject_id) DO UPDATE \
         SET run_again = (work.owner IS NOT NULL), \
         next_at = CASE WHEN work.next_at <= $4 THEN work.next_at ELSE $4 END",
        [
            kind.0.into(),
            subject_id.into(),
            lane.into(),
            ms(now).into(),
        ],
    )
    .await?;
    tx.wake(WakeKind::Work).await
}

/// Takes the work of reads away; whoever has it commits nothing any more. The
/// rows have been locked by a recall.
pub(crate) async fn remove_reads(tx: &Tx<'_>, reads: Reads<'_>) -> Result<()> {
    let (condition, mut values) = reads.condition();
    values.push(Kind::READ.0.into());
    let sql = format!(
        "DELETE FROM work WHERE kind = ${} AND subject_id {condition}",
        values.len()
    );
    tx.db()
        .execute_raw(tx.backend().sql_many(&sql, values))
        .await?;
    Ok(())
}

/// Takes the work of an installation's writes away; whoever has it commits nothing
/// any more.
pub(crate) async fn remove_writes(tx: &Tx<'_>, installation_id: &str) -> Result<()> {
    let sql = format!(
        "WITH mine AS MATERIALIZED (SELECT subject_id AS mine_id FROM work WHERE kind = $1 \
         AND subject_id IN (SELECT id FROM write_job WHERE installation_id = $2) \
         ORDER BY subject_id{}) \
         DELETE FROM work WHERE kind = $1 AND subject_id IN (SELECT mine_id FROM mine)",
        tx.backend().for_update()
    );
    tx.execute(&sql, [Kind::WRITE.0.into(), installation_id.into()])
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

/// Locks the row of a subject, so that nobody begins, commits or ends meanwhile.
pub(crate) async fn lock(tx: &Tx<'_>, kind: Kind, subject_id: &str) -> Result<()> {
    let backend = tx.backend();
    let sql = format!(
        "SELECT epoch FROM work WHERE kind = $1 AND subject_id = $2{}",
        backend.for_update()
    );
    let statement = backend.sql(&sql, [kind.0.into(), subject_id.into()]);
    tx.db().query_one_raw(statement).await?;
    Ok(())
}

/// Makes the subject's work due now, ahead of the other lanes; while it runs, it
/// will run again.
pub(crate) async fn poke_interactive(
    tx: &mut Tx<'_>,
    kind: Kind,
    subject_id: &str,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE work SET lane = $4, run_again = (owner IS NOT NULL), \
         next_at = CASE WHEN next_at <= $3 THEN next_at ELSE $3 END \
         WHERE kind = $1 AND subject_id = $2",
        [
            kind.0.into(),
            subject_id.into(),
            ms(now).into(),
            INTERACTIVE.into(),
        ],
    )
    .await?;
    tx.wake(WakeKind::Work).await
}

/// Makes the subject's work due by then, if nobody has it.
pub(crate) async fn due_by(
    tx: &mut Tx<'_>,
    kind: Kind,
    subject_id: &str,
    due: Timestamp,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE work SET next_at = CASE WHEN next_at <= $3 THEN next_at ELSE $3 END \
         WHERE kind = $1 AND subject_id = $2",
        [kind.0.into(), subject_id.into(), ms(due).into()],
    )
    .await?;
    if due <= now {
        tx.wake(WakeKind::Work).await?;
    }
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
        "UPDATE work SET owner = NULL, lease_until = NULL, run_again = FALSE, passes = 0, \
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

/// Frees the row until then, behind the fence, takes the claim back as an
/// attempt, and commits.
pub(crate) async fn put_off(
    mut tx: Tx<'_>,
    lease: &Lease,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE work SET attempts = attempts - 1 \
         WHERE kind = $1 AND subject_id = $2 AND attempts > 0",
        [lease.kind.0.into(), lease.subject_id.as_str().into()],
    )
    .await?;
    release(&mut tx, lease, Some(until), now).await?;
    tx.commit().await
}

impl Store {
    /// Up to `n` rows that are due and free, lower lanes and longest due first;
    /// none while the database takes no writes. Whoever waits for a request budget
    /// is called up before, as far as there is room in it; and whoever was promised
    /// calls goes before all others, since promises lapse.
    pub async fn claim(
        &self,
        kinds: &[Kind],
        owner: &str,
        n: u32,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        if !self.takes_work(now).await {
            return Ok(Vec::new());
        }
        self.watch(self.claim_due(kinds, owner, n, now).await, now)
    }

    async fn claim_due(
        &self,
        kinds: &[Kind],
        owner: &str,
        n: u32,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        self.call_up_waiting(now).await?;
        self.write_tally_sometimes(now).await?;
        let mut claimed = Vec::new();
        let mut tx = self.write().await?;
        for (lane, which) in [
            (INTERACTIVE, "lane >= $1 AND passes > 0"),
            (INTERACTIVE, "lane = $1"),
            (SCHEDULED, "lane = $1"),
            (BACKFILL, "lane = $1"),
        ] {
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
                 WHERE {which} AND next_at <= $2 AND waits_for IS NULL \
                 AND (owner IS NULL OR lease_until <= $2) \
                 AND kind IN ({}) ORDER BY next_at LIMIT $3{}) \
                 UPDATE work SET owner = $4, lease_until = $5, epoch = epoch + 1, \
                 attempts = attempts + 1, run_again = FALSE FROM due \
                 WHERE kind = due_kind AND subject_id = due_subject \
                 RETURNING kind, subject_id, lane, epoch, attempts, passes",
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
                    passes: u32::try_from(row.try_get::<i32>("", "passes")?).unwrap_or(0),
                });
            }
        }
        // There may be more: whoever is idle shall come for it, or the first one
        // to look would have it all.
        if claimed.len() >= usize::try_from(n).unwrap_or(usize::MAX)
            && self.backend() == Backend::Postgres
        {
            tx.wake(WakeKind::Work).await?;
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
                "WITH held AS MATERIALIZED (\
                 SELECT kind AS held_kind, subject_id AS held_subject FROM work \
                 WHERE owner = $2 AND (kind, subject_id, epoch) IN (VALUES {}) \
                 ORDER BY kind, subject_id{}) \
                 UPDATE work SET lease_until = $1 FROM held \
                 WHERE kind = held_kind AND subject_id = held_subject \
                 RETURNING kind, subject_id, epoch",
                rows(3, 3, held.len()),
                self.backend().for_update()
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

    /// Gives back leases whose work was cut off: the rows are due as before, for
    /// anyone and at once, and the claims do not count as attempts. What has
    /// passed on is left alone.
    pub async fn release_leases(&self, owner: &str, held: &[Lease]) -> Result<()> {
        for held in held.chunks(ROWS_PER_STATEMENT) {
            let sql = format!(
                "WITH held AS MATERIALIZED (\
                 SELECT kind AS held_kind, subject_id AS held_subject FROM work \
                 WHERE owner = $1 AND (kind, subject_id, epoch) IN (VALUES {}) \
                 ORDER BY kind, subject_id{}) \
                 UPDATE work SET owner = NULL, lease_until = NULL, \
                 attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END FROM held \
                 WHERE kind = held_kind AND subject_id = held_subject",
                rows(2, 3, held.len()),
                self.backend().for_update()
            );
            let mut values: Vec<Value> = vec![owner.into()];
            for lease in held {
                values.push(lease.kind.0.into());
                values.push(lease.subject_id.as_str().into());
                values.push(lease.epoch.into());
            }
            let mut tx = self.write().await?;
            let statement = self.backend().sql_many(&sql, values);
            if tx.db().execute_raw(statement).await?.rows_affected() > 0 {
                tx.wake(WakeKind::Work).await?;
            }
            tx.commit().await?;
        }
        Ok(())
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

    /// As [`Store::finish`] without a time, for work that waits for somebody: no
    /// attempt was made.
    pub async fn rest(&self, lease: &Lease, now: Timestamp) -> Result<()> {
        let mut tx = self.write().await?;
        fence_progress(&tx, lease).await?;
        release(&mut tx, lease, None, now).await?;
        tx.commit().await
    }

    /// Takes the work of a subject away that is gone; says whether it was gone.
    pub async fn forget(&self, lease: &Lease) -> Result<bool> {
        let tx = self.write().await?;
        let Some(table) = lease.kind.subjects() else {
            return Ok(false);
        };
        let sql = format!(
            "DELETE FROM work WHERE kind = $1 AND subject_id = $2 \
             AND NOT EXISTS (SELECT 1 FROM {table} WHERE id = $2)"
        );
        tx.execute(
            &sql,
            [lease.kind.0.into(), lease.subject_id.as_str().into()],
        )
        .await?;
        let left = tx.backend().sql(
            "SELECT 1 AS there FROM work WHERE kind = $1 AND subject_id = $2",
            [lease.kind.0.into(), lease.subject_id.as_str().into()],
        );
        let gone = tx.db().query_one_raw(left).await?.is_none();
        tx.commit().await?;
        Ok(gone)
    }

    /// As [`Store::finish`], and the claim does not count as an attempt: nothing
    /// was tried.
    pub async fn postpone(&self, lease: &Lease, until: Timestamp, now: Timestamp) -> Result<()> {
        let tx = self.write().await?;
        fence(&tx, lease).await?;
        put_off(tx, lease, until, now).await
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

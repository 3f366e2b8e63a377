//! What came of records, and the end of a write when it is known of each.

use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use super::{LostRecord, WriteJob, line};
use crate::Store;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::notification::{self, Happening, WriteEnded};
use crate::operation::OperationStatus;
use crate::operation_log;
use crate::work::{self, Kind, Lease};

/// What came of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The record's identifier.
    pub record: String,
    /// Its place in the request, from 0.
    pub position: i32,
    /// What came of it.
    pub to: Settled,
}

/// What came of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is written.
    Made {
        /// What it is called there.
        record_id: String,
        /// The record, JSON, where the answer may be asked for again.
        data: Option<String>,
    },
    /// It will not be written.
    Failed {
        /// Why.
        error: String,
        /// What the provider answered, where that may be asked for again.
        raw: Option<String>,
    },
    /// It is to be sent again, for this reason.
    Waiting {
        /// Why.
        why: String,
    },
    /// Nobody knows, for this reason.
    Lost {
        /// Why.
        why: String,
    },
    /// It was lost, and is to be sent once more, for this reason.
    Anew {
        /// Why.
        why: String,
    },
    /// It was not sent after all.
    Unsent,
}

impl Settled {
    /// Whether something came of sending it.
    fn is_progress(&self) -> bool {
        match self {
            Self::Made { .. } | Self::Failed { .. } | Self::Waiting { .. } | Self::Lost { .. } => {
                true
            }
            Self::Anew { .. } | Self::Unsent => false,
        }
    }
}

impl Store {
    /// Settles records, and ends the write when none is left. Otherwise the work is
    /// freed to be due at `again_at`, or kept where that is `None`. Whether it
    /// ended. Fenced; and what came of sending is progress, so that only a write that
    /// ends its process each time is claimed too often.
    pub async fn settle_write(
        &self,
        lease: &Lease,
        settlements: &[Settlement],
        again_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        if settlements.iter().any(|one| one.to.is_progress()) {
            work::fence_progress(&tx, lease).await?;
        } else {
            work::fence(&tx, lease).await?;
        }
        apply(&tx, &lease.subject_id, settlements, now).await?;
        let ended = end_if_settled(&mut tx, &lease.subject_id, now).await?;
        if let (false, Some(again_at)) = (ended, again_at) {
            work::release(&mut tx, lease, Some(again_at), now).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    /// Settles all records of a write that somebody has waited for. With
    /// `forgets_key` the same request may be made anew, as where nothing was sent.
    /// `LeaseLost` when somebody else has taken it over.
    pub async fn settle_sync(
        &self,
        job_id: &str,
        settlements: &[Settlement],
        forgets_key: bool,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        // The row of work is the fence: whoever claims it raises its epoch.
        let sql = format!(
            "SELECT epoch FROM work WHERE kind = $1 AND subject_id = $2 AND epoch = 0{}",
            tx.backend().for_update()
        );
        let select = tx
            .backend()
            .sql(&sql, [Kind::WRITE.as_str().into(), job_id.into()]);
        if tx.db().query_one_raw(select).await?.is_none() {
            return Err(StoreError::LeaseLost);
        }
        apply(&tx, job_id, settlements, now).await?;
        if forgets_key {
            tx.execute("DELETE FROM write_key WHERE job_id = $1", [job_id.into()])
                .await?;
        }
        end_if_settled(&mut tx, job_id, now).await?;
        tx.commit().await
    }

    /// Takes the first of what looks like a lost create and belongs to no other
    /// write: creates that are alike leave records that are alike, so it does not
    /// matter whose is whose as long as each has one. The record is settled so, and
    /// it is told whether the write has ended. `None` when all of them are others':
    /// then nothing was made of it, and nothing is changed. Fenced.
    pub async fn claim_lost(
        &self,
        lease: &Lease,
        job: &WriteJob,
        lost: &LostRecord<'_>,
        now: Timestamp,
    ) -> Result<Option<bool>> {
        let mut tx = self.write().await?;
        work::fence_progress(&tx, lease).await?;
        let made: Vec<&str> = lost.candidates.iter().map(|(id, _)| id.as_str()).collect();
        let free = free(&tx, job, &lost.record.id, &made).await?;
        let Some((id, data)) = free.and_then(|n| lost.candidates.get(n)) else {
            return Ok(None);
        };
        let settlement = Settlement {
            record: lost.record.id.clone(),
            position: lost.record.position,
            to: Settled::Made {
                record_id: id.clone(),
                data: data.clone(),
            },
        };
        apply(&tx, &job.id, &[settlement], now).await?;
        let ended = end_if_settled(&mut tx, &job.id, now).await?;
        tx.commit().await?;
        Ok(Some(ended))
    }

    /// The same for a record that somebody waits for, and which is settled with the
    /// others of its write: which of these it takes.
    pub async fn take_made(
        &self,
        job: &WriteJob,
        record: &str,
        made: &[&str],
    ) -> Result<Option<usize>> {
        if made.is_empty() {
            return Ok(None);
        }
        let tx = self.write().await?;
        let free = free(&tx, job, record, made).await?;
        if let Some(id) = free.and_then(|n| made.get(n)) {
            tx.execute(
                "UPDATE write_record SET record_id = $2 WHERE id = $1 AND state = 'sent'",
                [record.into(), (*id).into()],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(free)
    }
}

/// The first of these that belongs to no other write. One at a time of an
/// installation asks, until its transaction ends, or two would take the same.
async fn free(tx: &Tx<'_>, job: &WriteJob, own: &str, made: &[&str]) -> Result<Option<usize>> {
    let lock = format!(
        "SELECT id FROM installation WHERE id = $1{}",
        tx.backend().for_update()
    );
    let lock = tx
        .backend()
        .sql(&lock, [job.installation_id.as_str().into()]);
    tx.db().query_one_raw(lock).await?;
    for (n, record_id) in made.iter().enumerate() {
        if !is_taken(tx, job, record_id, own).await? {
            return Ok(Some(n));
        }
    }
    Ok(None)
}

async fn is_taken(tx: &Tx<'_>, job: &WriteJob, record_id: &str, own: &str) -> Result<bool> {
    let select = tx.backend().sql(
        "SELECT 1 AS taken FROM write_record r JOIN write_job j ON j.id = r.job_id \
         WHERE j.installation_id = $1 AND j.object_name = $2 AND j.action = 'create' \
         AND r.record_id = $3 AND r.id <> $4 LIMIT 1",
        [
            job.installation_id.as_str().into(),
            job.object_name.as_str().into(),
            record_id.into(),
            own.into(),
        ],
    );
    Ok(tx.db().query_one_raw(select).await?.is_some())
}

async fn apply(
    tx: &Tx<'_>,
    job_id: &str,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<()> {
    let mut logs = Vec::new();
    for settlement in settlements {
        let id = settlement.record.as_str();
        let position = settlement.position;
        match &settlement.to {
            Settled::Made { record_id, data } => {
                tx.execute(
                    "UPDATE write_record SET state = 'made', payload = NULL, record_id = $2, \
                     data = $3 WHERE id = $1",
                    [id.into(), record_id.as_str().into(), data.as_deref().into()],
                )
                .await?;
            }
            Settled::Failed { error, raw } => {
                tx.execute(
                    "UPDATE write_record SET state = 'failed', payload = NULL, error = $2, \
                     raw_response = $3 WHERE id = $1",
                    [id.into(), error.as_str().into(), raw.as_deref().into()],
                )
                .await?;
                let msg = "A record was not written";
                logs.push(line("ERROR", msg, Some(error), position));
            }
            Settled::Waiting { why } | Settled::Anew { why } => {
                state(tx, id, "waiting").await?;
                let msg = "A record is sent again";
                logs.push(line("WARNING", msg, Some(why), position));
            }
            Settled::Lost { why } => {
                state(tx, id, "lost").await?;
                let msg = "It is not known what came of a record; it is looked for before it is sent again";
                logs.push(line("WARNING", msg, Some(why), position));
            }
            Settled::Unsent => {
                tx.execute(
                    "UPDATE write_record SET state = 'waiting', attempts = attempts - 1 \
                     WHERE id = $1",
                    [id.into()],
                )
                .await?;
            }
        }
    }
    operation_log::append(tx, job_id, &logs, now).await
}

async fn state(tx: &Tx<'_>, id: &str, word: &str) -> Result<()> {
    tx.execute(
        "UPDATE write_record SET state = $2 WHERE id = $1",
        [id.into(), word.into()],
    )
    .await?;
    Ok(())
}

/// What became of the records of a write.
#[derive(Default)]
struct Tally {
    left: usize,
    made: Vec<String>,
    errors: Vec<String>,
}

/// Ends a write of which every record is settled: its operation, and its work; and
/// tells of it, if nobody waited. Whether it ended.
async fn end_if_settled(tx: &mut Tx<'_>, job_id: &str, now: Timestamp) -> Result<bool> {
    let select = tx.backend().sql(
        "SELECT state, record_id, error FROM write_record WHERE job_id = $1 ORDER BY position",
        [job_id.into()],
    );
    let mut tally = Tally::default();
    for row in tx.db().query_all_raw(select).await? {
        let state: String = row.try_get("", "state")?;
        match state.as_str() {
            "made" => {
                let id: Option<String> = row.try_get("", "record_id")?;
                tally.made.extend(id);
            }
            "failed" => {
                let error: Option<String> = row.try_get("", "error")?;
                tally.errors.extend(error);
            }
            _ => tally.left += 1,
        }
    }
    let (made, all) = (tally.made.len(), tally.made.len() + tally.errors.len());
    let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    if tally.left > 0 {
        tx.execute(
            "UPDATE operation SET records_processed = $2, update_time = $3 WHERE id = $1",
            [job_id.into(), signed(all).into(), ms(now).into()],
        )
        .await?;
        return Ok(false);
    }
    let status = if made > 0 {
        OperationStatus::Success
    } else {
        OperationStatus::Failure
    };
    let result = match (all, tally.errors.first()) {
        (1, Some(error)) => error.clone(),
        (1, None) => "The record was written".to_owned(),
        _ => format!("{made} of {all} records were written"),
    };
    tx.execute(
        "UPDATE operation SET status = $2, result = $3, records_processed = $4, \
         update_time = $5 WHERE id = $1",
        [
            job_id.into(),
            status.as_str().into(),
            result.into(),
            signed(all).into(),
            ms(now).into(),
        ],
    )
    .await?;
    tx.execute(
        "DELETE FROM work WHERE kind = $1 AND subject_id = $2",
        [Kind::WRITE.as_str().into(), job_id.into()],
    )
    .await?;
    tell(tx, job_id, &tally, now).await?;
    Ok(true)
}

async fn tell(tx: &mut Tx<'_>, job_id: &str, tally: &Tally, now: Timestamp) -> Result<()> {
    let select = tx.backend().sql(
        "SELECT installation_id, named FROM write_job WHERE id = $1 AND NOT is_sync",
        [job_id.into()],
    );
    let Some(row) = tx.db().query_one_raw(select).await? else {
        return Ok(());
    };
    let installation_id: String = row.try_get("", "installation_id")?;
    let named: String = row.try_get("", "named")?;
    let ended = WriteEnded {
        installation_id: &installation_id,
        object_name: &named,
        success: !tally.made.is_empty(),
        record_ids: &tally.made,
        errors: &tally.errors,
    };
    notification::tell(tx, Happening::WriteEnded(ended), now).await
}

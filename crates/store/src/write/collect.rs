//! Records that are written together though they were asked for one by one: a
//! write of that kind stays open, and takes more records until it is full or due.
//!
//! Whoever adds to it and whoever begins it lock the same row of work.

use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;

use super::accept::{add_job, add_record, remember};
use super::{Accepted, NewWrite, WriteState};
use crate::columns::{Json, ms, span_ms};
use crate::connect::Tx;
use crate::entities::installation;
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::work::{self, Kind};

/// Records of a write that is begun at once.
const FULL: i64 = 100;
/// Times that somebody else may be quicker.
const MOST_TRIES: usize = 8;

impl Tenant<'_> {
    /// Adds one record to the open write of its kind, or opens one.
    pub(super) async fn collect(
        &self,
        installation: &installation::Model,
        new: &NewWrite,
        (flush_at, tried_for): (Timestamp, SignedDuration),
        now: Timestamp,
    ) -> Result<Accepted> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut tx = self.store.write().await?;
            let added = match open_job(&tx, new).await? {
                Some(job) => {
                    append(&mut tx, installation, new, &job, (flush_at, tried_for), now).await
                }
                None => add_job(&mut tx, installation, new, now).await.map(Some),
            };
            match added {
                Ok(Some(accepted)) => {
                    tx.commit().await?;
                    return Ok(accepted);
                }
                // It was begun meanwhile, or somebody has opened another.
                Ok(None) | Err(StoreError::Conflict { what: "write", .. })
                    if tries < MOST_TRIES => {}
                Ok(None) => return Err(StoreError::Outdated),
                Err(error) => return Err(error),
            }
        }
    }
}

async fn open_job(tx: &Tx<'_>, new: &NewWrite) -> Result<Option<String>> {
    let select = tx.backend().sql(
        "SELECT id FROM write_job \
         WHERE installation_id = $1 AND object_name = $2 AND action = $3 AND is_open",
        [
            new.installation_id.as_str().into(),
            new.object_name.as_str().into(),
            new.action.into(),
        ],
    );
    let row = tx.db().query_one_raw(select).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

/// Adds to a write; `None` when it takes no more.
async fn append(
    tx: &mut Tx<'_>,
    installation: &installation::Model,
    new: &NewWrite,
    job_id: &str,
    (flush_at, tried_for): (Timestamp, SignedDuration),
    now: Timestamp,
) -> Result<Option<Accepted>> {
    work::lock(tx, Kind::WRITE, job_id).await?;
    let select = tx.backend().sql(
        "SELECT inputs, (SELECT COUNT(*) FROM write_record WHERE job_id = $1) AS n \
         FROM write_job WHERE id = $1 AND is_open",
        [job_id.into()],
    );
    let Some(row) = tx.db().query_one_raw(select).await? else {
        return Ok(None);
    };
    let inputs: Json = row.try_get("", "inputs")?;
    let count: i64 = row.try_get("", "n")?;
    let same = inputs.0 == new.inputs;
    let mut added = None;
    if same && count < FULL {
        let position = i32::try_from(count).unwrap_or(i32::MAX);
        let payload = new.records.first().map(|payload| payload.as_slice());
        let record = (WriteState::Waiting, payload.unwrap_or_default());
        let id = add_record(tx, job_id, position, record, now).await?;
        if let Some(key) = &new.key {
            remember(tx, &installation.id, key, job_id).await?;
        }
        added = Some(Accepted::New {
            operation_id: job_id.to_owned(),
            records: vec![id],
        });
    }
    // Of another account, or full: it is begun, and whoever asked opens another.
    let closes = added.is_none() || count + 1 >= FULL;
    if added.is_some() {
        tx.execute(
            "UPDATE write_job SET tried_for_ms = \
             CASE WHEN tried_for_ms > $2 THEN tried_for_ms ELSE $2 END WHERE id = $1",
            [job_id.into(), span_ms(tried_for).into()],
        )
        .await?;
    }
    if closes {
        close(tx, job_id, now).await?;
    }
    tx.execute(
        "UPDATE operation SET records_estimated_total = \
         (SELECT COUNT(*) FROM write_record WHERE job_id = $1) WHERE id = $1",
        [job_id.into()],
    )
    .await?;
    let due = if closes { now } else { flush_at };
    work::due_by(tx, Kind::WRITE, job_id, due, now).await?;
    if added.is_none() {
        // The next look finds no open one.
        return Ok(Some(add_job(tx, installation, new, now).await?));
    }
    Ok(added)
}

/// Lets a write take no more records: from now on it is tried for as long as it was
/// asked for.
pub(super) async fn close(tx: &Tx<'_>, job_id: &str, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE write_job SET is_open = FALSE, \
         deadline_at = COALESCE($2 + tried_for_ms, deadline_at) WHERE id = $1 AND is_open",
        [job_id.into(), ms(now).into()],
    )
    .await?;
    Ok(())
}

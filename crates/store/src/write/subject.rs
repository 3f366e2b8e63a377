//! What whoever works on a write needs to know, and the marks that come before
//! anything is sent.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, EntityTrait, QueryResult, Value};

use super::collect::close;
use super::{WriteJob, WriteRecord, WriteState, place};
use crate::Store;
use crate::columns::{Json, at, ms};
use crate::connection::Connection;
use crate::entities::{connection, installation};
use crate::error::{Result, StoreError};
use crate::statement::list;
use crate::work::{self, Lease};

/// All that a write needs to know.
#[derive(Debug, Clone)]
pub struct WriteSubject {
    /// The write.
    pub job: WriteJob,
    /// The connection that it goes through.
    pub connection: Connection,
    /// The records that are not settled, in their order.
    pub records: Vec<WriteRecord>,
}

/// A record that was looked for and may be one of these, each with what was
/// answered where that is kept.
#[derive(Debug)]
pub struct LostRecord<'a> {
    /// The record.
    pub record: &'a WriteRecord,
    /// What the provider has that looks like it: identifiers, and the records where
    /// they are kept.
    pub candidates: Vec<(String, Option<String>)>,
}

impl Store {
    /// The write under this lease. A write that took more records takes none from
    /// now on, and what was sent by somebody who had the work before is lost.
    /// `NotFound` when it is gone.
    pub async fn write_subject(&self, lease: &Lease, now: Timestamp) -> Result<WriteSubject> {
        let subject = self.look_at_write(lease).await?;
        let is_sent = |record: &WriteRecord| record.state == WriteState::Sent;
        if !subject.job.is_open && !subject.records.iter().any(is_sent) {
            return Ok(subject);
        }
        let tx = self.write().await?;
        work::fence(&tx, lease).await?;
        close(&tx, &lease.subject_id, now).await?;
        tx.execute(
            "UPDATE write_record SET state = 'lost' WHERE job_id = $1 AND state = 'sent'",
            [lease.subject_id.as_str().into()],
        )
        .await?;
        tx.commit().await?;
        self.look_at_write(lease).await
    }

    async fn look_at_write(&self, lease: &Lease) -> Result<WriteSubject> {
        let id = &lease.subject_id;
        let gone = |what| move || StoreError::not_found(what, id);
        let db = self.read();
        let select = self.backend().sql(
            "SELECT write_job.*, EXISTS (SELECT 1 FROM write_key WHERE job_id = write_job.id) \
             AS has_key FROM write_job WHERE id = $1",
            [id.as_str().into()],
        );
        let row = db.query_one_raw(select).await?;
        let job = job(&row.ok_or_else(gone("write"))?)?;
        let installation = installation::Entity::find_by_id(&job.installation_id);
        let installation = installation
            .one(db)
            .await?
            .ok_or_else(gone("installation of write"))?;
        let connection = connection::Entity::find_by_id(&installation.connection_id);
        let connection = connection
            .one(db)
            .await?
            .ok_or_else(gone("connection of write"))?;
        let select = self.backend().sql(
            "SELECT id, position, state, payload, sent_at, attempts FROM write_record \
             WHERE job_id = $1 AND state IN ('waiting', 'sent', 'lost') ORDER BY position",
            [id.as_str().into()],
        );
        let mut records = Vec::new();
        for row in db.query_all_raw(select).await? {
            records.push(self.record(&row)?);
        }
        Ok(WriteSubject {
            job,
            connection: connection.into(),
            records,
        })
    }

    fn record(&self, row: &QueryResult) -> Result<WriteRecord> {
        let id: String = row.try_get("", "id")?;
        let sealed: Option<Vec<u8>> = row.try_get("", "payload")?;
        let sealed = sealed.ok_or_else(|| StoreError::Corrupt {
            table: "write_record",
            detail: "a record that is not settled has no payload".to_owned(),
        })?;
        let state: String = row.try_get("", "state")?;
        let sent_at: Option<i64> = row.try_get("", "sent_at")?;
        Ok(WriteRecord {
            payload: self.inner.keys.open(place(&id), &sealed)?,
            position: row.try_get("", "position")?,
            state: WriteState::of_word(&state)?,
            sent_at: sent_at.map(at).transpose()?,
            attempts: row.try_get("", "attempts")?,
            id,
        })
    }

    /// Marks records as sent, before they are. Fenced. That alone is no progress: it
    /// may be the sending that ends this process.
    pub async fn mark_sent(&self, lease: &Lease, records: &[&str], now: Timestamp) -> Result<()> {
        let tx = self.write().await?;
        work::fence(&tx, lease).await?;
        let sql = format!(
            "UPDATE write_record SET state = 'sent', sent_at = $1, attempts = attempts + 1 \
             WHERE id IN ({})",
            list(2, records.len())
        );
        let mut values: Vec<Value> = vec![ms(now).into()];
        values.extend(records.iter().map(|id| Value::from(*id)));
        tx.db()
            .execute_raw(tx.backend().sql_many(&sql, values))
            .await?;
        tx.commit().await
    }

    /// How many creates of an object are on their way for an installation, besides
    /// those of one write.
    pub async fn creates_under_way(&self, job: &WriteJob) -> Result<i64> {
        let select = self.backend().sql(
            "SELECT COUNT(*) AS n FROM write_record r JOIN write_job j ON j.id = r.job_id \
             WHERE j.installation_id = $1 AND j.object_name = $2 AND j.action = 'create' \
             AND j.id <> $3 AND r.state = 'sent'",
            [
                job.installation_id.as_str().into(),
                job.object_name.as_str().into(),
                job.id.as_str().into(),
            ],
        );
        let row = self.read().query_one_raw(select).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get("", "n"))?)
    }
}

fn job(row: &QueryResult) -> Result<WriteJob> {
    let inputs: Json = row.try_get("", "inputs")?;
    let deadline_at: Option<i64> = row.try_get("", "deadline_at")?;
    Ok(WriteJob {
        id: row.try_get("", "id")?,
        installation_id: row.try_get("", "installation_id")?,
        object_name: row.try_get("", "object_name")?,
        action: row.try_get("", "action")?,
        is_sync: row.try_get("", "is_sync")?,
        is_open: row.try_get("", "is_open")?,
        inputs: inputs.0,
        deadline_at: deadline_at.map(at).transpose()?,
        keeps_answer: row.try_get("", "has_key")?,
    })
}

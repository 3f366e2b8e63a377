//! What a write is answered, from what was kept of it.

use sea_orm::ConnectionTrait;

use super::WriteState;
use crate::error::{Result, StoreError};
use crate::operation::{Operation, OperationStatus};
use crate::scope::Tenant;

/// A write and what came of its records.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteAnswer {
    /// The operation.
    pub operation: Operation,
    /// Whether somebody waited for it.
    pub is_sync: bool,
    /// Whether it was asked for as a batch.
    pub is_batch: bool,
    /// Its records, in their order.
    pub records: Vec<RecordAnswer>,
}

impl WriteAnswer {
    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.operation.status != OperationStatus::InProgress
    }
}

/// What came of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAnswer {
    /// How far it is.
    pub state: WriteState,
    /// What it is called at the provider, if it was written.
    pub record_id: Option<String>,
    /// The record, JSON, if it was written and is kept.
    pub data: Option<String>,
    /// Why it was not written.
    pub error: Option<String>,
    /// What the provider answered, if that is kept.
    pub raw: Option<String>,
}

impl Tenant<'_> {
    /// What came of a write.
    pub async fn write_answer(&self, operation_id: &str) -> Result<WriteAnswer> {
        let operation = self.operation(operation_id).await?;
        let backend = self.store.backend();
        let db = self.store.read();
        let select = backend.sql(
            "SELECT is_sync, is_batch FROM write_job WHERE id = $1",
            [operation_id.into()],
        );
        let row = db.query_one_raw(select).await?;
        let row = row.ok_or_else(|| StoreError::not_found("write", operation_id))?;
        let select = backend.sql(
            "SELECT state, record_id, data, error, raw_response FROM write_record \
             WHERE job_id = $1 ORDER BY position",
            [operation_id.into()],
        );
        let mut records = Vec::new();
        for row in db.query_all_raw(select).await? {
            let state: String = row.try_get("", "state")?;
            records.push(RecordAnswer {
                state: WriteState::of_word(&state)?,
                record_id: row.try_get("", "record_id")?,
                data: row.try_get("", "data")?,
                error: row.try_get("", "error")?,
                raw: row.try_get("", "raw_response")?,
            });
        }
        Ok(WriteAnswer {
            operation,
            is_sync: row.try_get("", "is_sync")?,
            is_batch: row.try_get("", "is_batch")?,
            records,
        })
    }
}

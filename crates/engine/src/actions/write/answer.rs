//! What a write is answered: of what has just been done, and of what was kept.

use connector::Failure;
use jiff::Timestamp;
use serde_json::value::RawValue;
use store::{RecordAnswer, Tenant, WriteState};

use crate::ActionError;
use crate::write::{Action, Done};

/// What a write is answered.
#[derive(Debug)]
pub struct Written {
    /// The operation.
    pub operation_id: String,
    /// What came of it; `None` while nobody waits for it.
    pub results: Option<Results>,
}

/// What came of the records, in their order.
#[derive(Debug)]
pub enum Results {
    /// Of the only one.
    One(WrittenRecord),
    /// Of a batch.
    Batch(Vec<WrittenRecord>),
}

/// What came of a record.
#[derive(Debug, Default)]
pub struct WrittenRecord {
    /// What it is called at the provider; of a create or an update that succeeded.
    pub record_id: Option<String>,
    /// The record as the provider has it now.
    pub data: Option<Box<RawValue>>,
    /// Why it was not written.
    pub error: Option<String>,
    /// What the provider answered then.
    pub raw: Option<String>,
}

impl WrittenRecord {
    /// Whether it was written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.error.is_none()
    }
}

/// The answer to a request that was made before.
pub(super) async fn known(
    tenant: &Tenant<'_>,
    operation_id: String,
    action: Action,
) -> Result<Written, ActionError> {
    let kept = tenant.write_answer(&operation_id).await?;
    if !kept.is_sync {
        return Ok(Written {
            operation_id,
            results: None,
        });
    }
    if !kept.is_over() {
        return Err(ActionError::Conflict {
            detail: format!(
                "the same request is under way as operation `{operation_id}`; ask again in a while"
            ),
        });
    }
    let records = kept.records.into_iter();
    let records = records.map(|record| of_kept(record, action)).collect();
    Ok(written(operation_id, records, kept.is_batch))
}

fn of_kept(record: RecordAnswer, action: Action) -> WrittenRecord {
    let made = record.state == WriteState::Made;
    WrittenRecord {
        record_id: record
            .record_id
            .filter(|_| made && action != Action::Delete),
        data: record
            .data
            .and_then(|data| RawValue::from_string(data).ok()),
        error: (!made).then(|| {
            record
                .error
                .unwrap_or_else(|| "it was not written".to_owned())
        }),
        raw: record.raw,
    }
}

/// The answer to what has just been done.
pub(super) fn answer(
    operation_id: String,
    done: Vec<Done>,
    is_batch: bool,
    action: Action,
    now: Timestamp,
) -> Result<Written, ActionError> {
    if let (
        false,
        [
            Done::Failed {
                again_at: Some(at), ..
            },
        ],
    ) = (is_batch, done.as_slice())
    {
        let wait_s = at.duration_since(now).as_secs().max(1);
        return Err(ActionError::Provider(Failure::RateLimited {
            retry_after_s: u64::try_from(wait_s).ok(),
        }));
    }
    let records = done
        .into_iter()
        .map(|done| match done {
            Done::Made { record_id, data } => WrittenRecord {
                record_id: (action != Action::Delete).then_some(record_id),
                data: data.and_then(|data| RawValue::from_string(data).ok()),
                ..WrittenRecord::default()
            },
            Done::Failed { error, raw, .. } => WrittenRecord {
                error: Some(error),
                raw,
                ..WrittenRecord::default()
            },
        })
        .collect();
    Ok(written(operation_id, records, is_batch))
}

fn written(operation_id: String, mut records: Vec<WrittenRecord>, is_batch: bool) -> Written {
    let results = match is_batch {
        false => Results::One(records.pop().unwrap_or_default()),
        true => Results::Batch(records),
    };
    Written {
        operation_id,
        results: Some(results),
    }
}

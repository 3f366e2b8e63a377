//! The body of a write.

use engine::actions::write::{AutoBatch, Records, Write};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::description::one_of;

fn action() -> Object {
    one_of(["create", "update", "delete"])
}

fn mode() -> Object {
    one_of(["synchronous", "asynchronous"])
}

/// A request for a write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteRequest)]
pub(super) struct New {
    group_ref: String,
    #[serde(rename = "type")]
    #[schema(schema_with = action)]
    action: String,
    #[schema(schema_with = mode, required = false)]
    mode: Option<String>,
    #[schema(value_type = Option<Object>)]
    record: Option<Map<String, Value>>,
    batch: Option<Vec<Entry>>,
    retry_policy: Option<RetryPolicy>,
    auto_batch_policy: Option<AutoBatchPolicy>,
    batch_policy: Option<BatchPolicy>,
    #[schema(value_type = Option<Vec<Object>>)]
    associations: Option<Vec<Map<String, Value>>>,
    headers: Option<Vec<Header>>,
}

/// One record of a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WriteBatchEntry)]
struct Entry {
    #[schema(value_type = Object)]
    record: Map<String, Value>,
    #[schema(value_type = Option<Vec<Object>>)]
    associations: Option<Vec<Map<String, Value>>>,
}

/// For how long an asynchronous write is tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteRetryPolicy)]
struct RetryPolicy {
    deadline_hours: Option<i64>,
}

/// How long a record waits for others to be written with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteAutoBatchPolicy)]
struct AutoBatchPolicy {
    max_delay_minutes: i64,
    retry_deadline_hours: Option<i64>,
}

/// Whether all of a batch are written or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteBatchPolicy)]
struct BatchPolicy {
    all_or_none: Option<bool>,
}

/// A header for the provider.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WriteHeader)]
#[allow(dead_code, reason = "no provider takes any, so they are only counted")]
struct Header {
    key: Option<String>,
    value: Option<String>,
}

impl New {
    /// The same in the engine's words.
    pub(super) fn into_write(
        self,
        integration: String,
        object: String,
        idempotency_key: Option<String>,
    ) -> Write {
        let filled = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let mut associated = filled(&self.associations);
        let batch = self.batch.map(|batch| {
            associated |= batch.iter().any(|entry| filled(&entry.associations));
            batch.into_iter().map(|entry| entry.record).collect()
        });
        let with_headers = self.headers.is_some_and(|headers| !headers.is_empty());
        let extra = associated.then_some("associations");
        Write {
            integration,
            object,
            group_ref: self.group_ref,
            action: self.action,
            mode: self.mode,
            records: match (self.record, batch) {
                (Some(record), None) => Records::One(record),
                (None, Some(batch)) => Records::Batch(batch),
                (None, None) | (Some(_), Some(_)) => Records::Unclear,
            },
            deadline_hours: self.retry_policy.and_then(|policy| policy.deadline_hours),
            auto_batch: self.auto_batch_policy.map(|policy| AutoBatch {
                max_delay_minutes: policy.max_delay_minutes,
                retry_deadline_hours: policy.retry_deadline_hours,
            }),
            all_or_none: self.batch_policy.and_then(|policy| policy.all_or_none) == Some(true),
            extra: extra.or(with_headers.then_some("headers")),
            idempotency_key,
        }
    }
}

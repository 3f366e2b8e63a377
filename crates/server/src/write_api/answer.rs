//! What a write is answered: 200 if anything was written, else 422, in the closed
//! shapes of the contract.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::actions::write::{Results, Written, WrittenRecord};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::description::{Answer, Description};

/// An answer, whose status says whether anything was written.
#[derive(Debug)]
pub(crate) enum Answered {
    /// Of one record, or of what nobody waits for.
    One(OneJson),
    /// Of one that was not written.
    Refused(RefusedJson),
    /// Of a batch.
    Batch(BatchJson),
}

/// One record, or what nobody waits for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteSuccess)]
pub(crate) struct OneJson {
    operation_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultJson>,
}

/// One record that was not written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteFailure)]
pub(crate) struct RefusedJson {
    operation_id: String,
    errors: Vec<ErrorJson>,
    result: ResultJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_response: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<ErrorJson>,
}

/// A batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteBatch)]
pub(crate) struct BatchJson {
    operation_id: String,
    success_count: usize,
    failure_count: usize,
    #[schema(required = false)]
    results: Vec<ResultJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<ErrorJson>,
}

/// What came of a record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteResult)]
pub(crate) struct ResultJson {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
}

/// Something that was wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WriteError)]
pub(crate) struct ErrorJson {
    #[schema(required = false)]
    message: String,
}

/// Either, of a single record or of a batch; for the description.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = WriteAnswer)]
#[allow(dead_code, reason = "it is there for its shape")]
enum Success {
    One(OneJson),
    Batch(BatchJson),
}

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = WriteRefusal)]
#[allow(dead_code, reason = "it is there for its shape")]
enum Failure {
    One(RefusedJson),
    Batch(BatchJson),
}

impl From<WrittenRecord> for ResultJson {
    fn from(record: WrittenRecord) -> Self {
        Self {
            success: record.is_written(),
            record_id: record.record_id,
            data: record.data,
        }
    }
}

impl From<Written> for Answered {
    fn from(written: Written) -> Self {
        let operation_id = written.operation_id;
        match written.results {
            None => Self::One(OneJson {
                operation_id,
                result: None,
            }),
            Some(Results::One(mut record)) => match record.error.clone() {
                None => Self::One(OneJson {
                    operation_id,
                    result: Some(record.into()),
                }),
                Some(message) => Self::Refused(RefusedJson {
                    operation_id,
                    errors: vec![ErrorJson { message }],
                    raw_response: record.raw.take(),
                    result: record.into(),
                    warnings: Vec::new(),
                }),
            },
            Some(Results::Batch(records)) => Self::Batch(batch(operation_id, records)),
        }
    }
}

fn batch(operation_id: String, records: Vec<WrittenRecord>) -> BatchJson {
    let errors: Vec<ErrorJson> = records
        .iter()
        .zip(1..)
        .filter_map(|(record, n): (_, usize)| {
            let error = record.error.as_ref()?;
            let message = format!("record {n}: {error}");
            Some(ErrorJson { message })
        })
        .collect();
    BatchJson {
        operation_id,
        success_count: records.len() - errors.len(),
        failure_count: errors.len(),
        results: records.into_iter().map(Into::into).collect(),
        errors,
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let refused = StatusCode::UNPROCESSABLE_ENTITY;
        match self {
            Self::One(one) => axum::Json(one).into_response(),
            Self::Refused(one) => (refused, axum::Json(one)).into_response(),
            Self::Batch(batch) if batch.success_count > 0 => axum::Json(batch).into_response(),
            Self::Batch(batch) => (refused, axum::Json(batch)).into_response(),
        }
    }
}

impl Answer for Answered {
    fn describe(description: &mut Description) {
        description.answers_json::<Success>("200", "Written, all or some of it");
        description.answers_json::<Failure>("422", "Refused by the provider");
    }
}

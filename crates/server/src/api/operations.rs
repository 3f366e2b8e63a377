//! Operations, their logs, and the progress of backfills.

use axum::extract::State;
use engine::Engine;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{LogEntry, Operation, OperationStatus};
use utoipa::ToSchema;

use crate::api::page::{PageQuery, Pagination};
use crate::auth::FullCaller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// An operation as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Operation)]
pub(crate) struct OperationJson {
    id: String,
    project_id: String,
    integration_id: String,
    config_id: String,
    installation_id: String,
    action_type: String,
    status: StatusJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    metadata: MetadataJson,
    create_time: Timestamp,
}

/// How a run goes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OperationStatus)]
pub(crate) enum StatusJson {
    InProgress,
    Success,
    Failure,
}

impl From<OperationStatus> for StatusJson {
    fn from(status: OperationStatus) -> Self {
        match status {
            OperationStatus::InProgress => Self::InProgress,
            OperationStatus::Success => Self::Success,
            OperationStatus::Failure => Self::Failure,
        }
    }
}

/// What is read, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationMetadata)]
struct MetadataJson {
    objects: Vec<String>,
    progress: ProgressJson,
}

impl From<Operation> for OperationJson {
    fn from(operation: Operation) -> Self {
        let progress = ProgressJson {
            installation_id: operation.installation_id.clone(),
            object_name: operation.object_name.clone(),
            operation_id: operation.id.clone(),
            records_processed: operation.records_processed,
            records_estimated_total: operation.records_estimated_total,
            create_time: operation.create_time,
            update_time: operation.update_time,
        };
        Self {
            metadata: MetadataJson {
                objects: Some(operation.object_name)
                    .filter(|name| !name.is_empty())
                    .into_iter()
                    .collect(),
                progress,
            },
            id: operation.id,
            project_id: operation.project_id,
            integration_id: operation.integration_id,
            config_id: operation.config_id,
            installation_id: operation.installation_id,
            action_type: operation.action_type,
            status: operation.status.into(),
            result: operation.result,
            create_time: operation.create_time,
        }
    }
}

/// One page of operations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationPage)]
pub(crate) struct PageJson {
    results: Vec<OperationJson>,
    pagination: Pagination,
}

/// A line of an operation's log, as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationLog)]
pub(crate) struct LogJson {
    timestamp: Timestamp,
    severity: String,
    message: LogMessageJson,
}

/// What a line says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationLogMessage)]
struct LogMessageJson {
    msg: String,
    operation_id: String,
    #[schema(value_type = BTreeMap<String, String>)]
    details: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How far a backfill is, as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BackfillProgress)]
pub(crate) struct ProgressJson {
    installation_id: String,
    object_name: String,
    operation_id: String,
    records_processed: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_estimated_total: Option<i64>,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

/// An installation's operations, newest first.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, installation)): Path<(String, String, String)>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<PageJson>, Problem> {
    let size = u64::from(query.size()?);
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(&integration).await?;
    let installation = tenant.installation(&integration.id, &installation).await?;
    let token = query.token().map(str::to_owned);
    let (operations, next) = tenant.operations(&installation.id, size, token).await?;
    Ok(axum::Json(PageJson {
        results: operations.into_iter().map(Into::into).collect(),
        pagination: Pagination::of(next),
    }))
}

/// One operation.
pub(crate) async fn get(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, operation)): Path<(String, String)>,
) -> Result<axum::Json<OperationJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    Ok(axum::Json(
        engine
            .store
            .within(&scope)
            .operation(&operation)
            .await?
            .into(),
    ))
}

/// An operation's log, oldest line first.
pub(crate) async fn logs(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, operation)): Path<(String, String)>,
) -> Result<axum::Json<Vec<LogJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let operation = tenant.operation(&operation).await?;
    let lines = tenant.logs(&operation.id).await?;
    Ok(axum::Json(
        lines
            .into_iter()
            .map(|line| line_json(&operation.id, line))
            .collect(),
    ))
}

pub(crate) fn line_json(operation_id: &str, line: LogEntry) -> LogJson {
    LogJson {
        timestamp: line.timestamp,
        severity: line.severity,
        message: LogMessageJson {
            msg: line.msg,
            operation_id: operation_id.to_owned(),
            details: line.details,
            error: line.error,
        },
    }
}

/// How far the newest backfill of an object is.
pub(crate) async fn backfill_progress(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, installation, object)): Path<(String, String, String, String)>,
) -> Result<axum::Json<ProgressJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(&integration).await?;
    let installation = tenant.installation(&integration.id, &installation).await?;
    let object = engine.provider_object_name(&integration, &object);
    let operation = tenant.latest_backfill(&installation.id, &object).await?;
    Ok(axum::Json(ProgressJson {
        installation_id: operation.installation_id,
        object_name: operation.object_name,
        operation_id: operation.id,
        records_processed: operation.records_processed,
        records_estimated_total: operation.records_estimated_total,
        create_time: operation.create_time,
        update_time: operation.update_time,
    }))
}

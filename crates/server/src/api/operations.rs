//! Operations, their logs, and the progress of backfills.

use axum::extract::State;
use engine::Engine;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::{LogEntry, Operation};

use crate::api::object_name;
use crate::api::page::{PageQuery, Pagination};
use crate::auth::FullCaller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// An operation as the contract shapes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationJson {
    id: String,
    project_id: String,
    integration_id: String,
    config_id: String,
    installation_id: String,
    action_type: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    metadata: Value,
    create_time: Timestamp,
}

impl From<Operation> for OperationJson {
    fn from(operation: Operation) -> Self {
        let mut progress = json!({
            "installationId": operation.installation_id,
            "objectName": operation.object_name,
            "operationId": operation.id,
            "recordsProcessed": operation.records_processed,
        });
        if let (Some(progress), Some(total)) =
            (progress.as_object_mut(), operation.records_estimated_total)
        {
            progress.insert("recordsEstimatedTotal".to_owned(), json!(total));
        }
        Self {
            metadata: json!({ "objects": [operation.object_name], "progress": progress }),
            id: operation.id,
            project_id: operation.project_id,
            integration_id: operation.integration_id,
            config_id: operation.config_id,
            installation_id: operation.installation_id,
            action_type: operation.action_type,
            status: operation.status.as_str(),
            result: operation.result,
            create_time: operation.create_time,
        }
    }
}

/// One page of operations.
#[derive(Debug, Serialize)]
pub(crate) struct PageJson {
    results: Vec<OperationJson>,
    pagination: Pagination,
}

/// A line of an operation's log, as the contract shapes it.
#[derive(Debug, Serialize)]
pub(crate) struct LogJson {
    timestamp: Timestamp,
    severity: String,
    message: Value,
}

/// How far a backfill is, as the contract shapes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
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
    let mut message =
        json!({ "msg": line.msg, "operation_id": operation_id, "details": line.details });
    if let (Some(message), Some(error)) = (message.as_object_mut(), line.error) {
        message.insert("error".to_owned(), Value::String(error));
    }
    LogJson {
        timestamp: line.timestamp,
        severity: line.severity,
        message,
    }
}

/// How far the newest backfill of an object is.
pub(crate) async fn backfill_progress(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, installation, rest)): Path<(String, String, String, String)>,
) -> Result<axum::Json<ProgressJson>, Problem> {
    let object = object_name(&rest, "/backfill-progress")?;
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(&integration).await?;
    let installation = tenant.installation(&integration.id, &installation).await?;
    let object = engine.provider_object_name(&integration, object);
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

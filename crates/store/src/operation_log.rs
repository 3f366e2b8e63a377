//! What happened during an operation, in words for the builder.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::columns::{At, Json};
use crate::connect::Tx;
use crate::entities::{insert, operation_log};
use crate::error::Result;
use crate::ids;
use crate::scope::Tenant;

/// One line of an operation's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// When it was written.
    pub timestamp: Timestamp,
    /// `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    pub severity: String,
    /// A sentence.
    pub msg: String,
    /// What went wrong, if anything.
    pub error: Option<String>,
    /// Further values, an object of strings.
    pub details: Value,
}

/// A line to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLog {
    /// `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    pub severity: String,
    /// A sentence.
    pub msg: String,
    /// What went wrong, if anything.
    pub error: Option<String>,
    /// Further values, an object of strings.
    pub details: Value,
}

impl From<operation_log::Model> for LogEntry {
    fn from(row: operation_log::Model) -> Self {
        Self {
            timestamp: row.timestamp.0,
            severity: row.severity,
            msg: row.msg,
            error: row.error,
            details: row.details.0,
        }
    }
}

/// Adds lines to the log of an operation.
pub(crate) async fn append(
    tx: &Tx<'_>,
    operation_id: &str,
    logs: &[NewLog],
    now: Timestamp,
) -> Result<()> {
    for log in logs {
        let row = operation_log::Model {
            id: ids::new(),
            operation_id: operation_id.to_owned(),
            timestamp: At(now),
            severity: log.severity.clone(),
            msg: log.msg.clone(),
            error: log.error.clone(),
            details: Json(log.details.clone()),
        };
        insert(tx.db(), row).await?;
    }
    Ok(())
}

/// Whether the log of an operation has a line of that sentence.
pub(crate) async fn says(tx: &Tx<'_>, operation_id: &str, msg: &str) -> Result<bool> {
    let line = operation_log::Entity::find()
        .filter(operation_log::Column::OperationId.eq(operation_id))
        .filter(operation_log::Column::Msg.eq(msg))
        .one(tx.db())
        .await?;
    Ok(line.is_some())
}

impl Tenant<'_> {
    /// The log of an operation, oldest first.
    pub async fn logs(&self, operation_id: &str) -> Result<Vec<LogEntry>> {
        self.operation(operation_id).await?;
        let rows = operation_log::Entity::find()
            .filter(operation_log::Column::OperationId.eq(operation_id))
            .order_by_asc(operation_log::Column::Id)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(LogEntry::from).collect())
    }
}

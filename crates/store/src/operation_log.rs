//! What happened during an operation, in words for the builder.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::Result;
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

impl Tenant<'_> {
    /// The log of an operation, oldest first.
    pub async fn logs(&self, operation_id: &str) -> Result<Vec<LogEntry>> {
        todo!()
    }
}

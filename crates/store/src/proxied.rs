//! Calls that were passed on, as operations that have ended already.

use jiff::Timestamp;
use sea_orm::Value;

use crate::Store;
use crate::columns::ms;
use crate::error::Result;
use crate::operation::OperationStatus;
use crate::statement::rows;

/// Calls that one statement adds at most.
pub const MOST_PROXIED: usize = 200;
/// Columns of a row.
const COLUMNS: usize = 10;

/// A call that was passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProxied {
    /// The identifier of the operation to be.
    pub id: String,
    /// The project.
    pub project_id: String,
    /// The integration.
    pub integration_id: String,
    /// The installation.
    pub installation_id: String,
    /// Its config.
    pub config_id: String,
    /// Whether the provider did what was asked.
    pub status: OperationStatus,
    /// A sentence: method, path, status, duration.
    pub result: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl Store {
    /// Adds operations, [`MOST_PROXIED`] at most: all of them, or none where it fails.
    /// Those of an installation that is gone are left out.
    pub async fn add_proxied(&self, calls: &[NewProxied]) -> Result<()> {
        let mut values: Vec<Value> = Vec::with_capacity(calls.len() * COLUMNS);
        for call in calls {
            values.extend([
                call.id.as_str().into(),
                call.project_id.as_str().into(),
                call.integration_id.as_str().into(),
                call.installation_id.as_str().into(),
                call.config_id.as_str().into(),
                Value::from(call.status),
                call.result.as_str().into(),
                ms(call.began_at).into(),
                ms(call.ended_at).into(),
                0_i64.into(),
            ]);
        }
        let sql = format!(
            "WITH call (id, project_id, integration_id, installation_id, config_id, status, \
             result, create_time, update_time, records) AS (VALUES {}) \
             INSERT INTO operation (id, project_id, integration_id, installation_id, config_id, \
             action_type, status, result, object_name, records_processed, create_time, \
             update_time) SELECT call.id, call.project_id, call.integration_id, \
             call.installation_id, call.config_id, 'proxy', call.status, call.result, '', \
             call.records, call.create_time, call.update_time FROM call \
             JOIN installation ON installation.id = call.installation_id",
            rows(1, COLUMNS, calls.len())
        );
        let statement = self.backend().sql_many(&sql, values);
        self.write_once(statement).await.map(drop)
    }
}

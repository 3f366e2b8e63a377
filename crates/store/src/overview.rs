//! Numbers for the status page, over all projects.

use sea_orm::FromQueryResult;

use crate::Store;
use crate::error::Result;

/// How much there is of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromQueryResult)]
pub struct Overview {
    /// Projects.
    pub projects: i64,
    /// Connections.
    pub connections: i64,
    /// Installations.
    pub installations: i64,
    /// Operations under way.
    pub operations_in_progress: i64,
    /// Messages not yet taken.
    pub messages_pending: i64,
    /// Messages taken.
    pub messages_delivered: i64,
    /// Messages given up.
    pub messages_dead: i64,
}

impl Store {
    /// Counts everything.
    pub async fn overview(&self) -> Result<Overview> {
        let select = self.backend().sql(
            "SELECT (SELECT COUNT(*) FROM project) AS projects, \
             (SELECT COUNT(*) FROM connection) AS connections, \
             (SELECT COUNT(*) FROM installation) AS installations, \
             (SELECT COUNT(*) FROM operation WHERE status = 'in_progress') \
             AS operations_in_progress, \
             (SELECT COUNT(*) FROM outbox WHERE status = 'pending') AS messages_pending, \
             (SELECT COUNT(*) FROM outbox WHERE status = 'delivered') AS messages_delivered, \
             (SELECT COUNT(*) FROM outbox WHERE status = 'dead') AS messages_dead",
            [],
        );
        let overview = Overview::find_by_statement(select).one(self.read()).await?;
        Ok(overview.unwrap_or_default())
    }
}

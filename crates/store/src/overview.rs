//! Numbers for the status page, over all projects.

use sea_orm::FromQueryResult;

use crate::Store;
use crate::error::Result;
use crate::statement::counted;

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
    /// Counts everything, each kind up to `most`: anybody may ask, and the answer
    /// takes no longer the more there is.
    pub async fn overview(&self, most: u32) -> Result<Overview> {
        let counts = [
            ("projects", "project"),
            ("connections", "connection"),
            ("installations", "installation"),
            (
                "operations_in_progress",
                "operation WHERE status = 'in_progress'",
            ),
            ("messages_pending", "outbox WHERE status = 'pending'"),
            ("messages_delivered", "outbox WHERE status = 'delivered'"),
            ("messages_dead", "outbox WHERE status = 'dead'"),
        ];
        let counts = counts.map(|(name, from)| format!("{} AS {name}", counted(from, 1)));
        let select = format!("SELECT {}", counts.join(", "));
        let select = self.backend().sql(&select, [i64::from(most).into()]);
        let overview = Overview::find_by_statement(select).one(self.read()).await?;
        Ok(overview.unwrap_or_default())
    }
}

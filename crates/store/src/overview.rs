//! Numbers for the status page, over all projects.

use crate::Store;
use crate::error::Result;

/// How much there is of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
        todo!()
    }
}

//! Which versions of which records have been delivered, per sync.

use crate::Store;
use crate::error::Result;

/// A record and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenKey {
    /// The record's key.
    pub key: String,
    /// The version; for a run that sees everything once, the run.
    pub version: String,
}

impl Store {
    /// For each key in turn, whether it has not been committed with this very
    /// version.
    pub async fn unseen(&self, sync_id: &str, keys: &[SeenKey]) -> Result<Vec<bool>> {
        todo!()
    }
}

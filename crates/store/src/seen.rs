//! Which versions of which records have been delivered, per sync.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, Value};

use crate::Store;
use crate::connect::Tx;
use crate::error::Result;
use crate::statement::ROWS_PER_STATEMENT;

/// A record and its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
        let mut known = HashSet::new();
        for keys in keys.chunks(ROWS_PER_STATEMENT) {
            // A subquery for each key, which is one search of the index. A join is
            // made by PostgreSQL, while it has no statistics, by walking through all
            // that the sync has seen; `IN` with rows uses no index on SQLite.
            let sql = format!(
                "WITH wanted (version, key) AS (VALUES {}) \
                 SELECT wanted.key, wanted.version FROM wanted WHERE 1 = \
                 (SELECT 1 FROM seen_key WHERE seen_key.sync_id = {} \
                 AND seen_key.version = wanted.version AND seen_key.key = wanted.key)",
                self.backend().bare_rows(2, keys.len()),
                self.backend().bare_parameter(2 * keys.len() + 1)
            );
            let mut values: Vec<Value> = Vec::with_capacity(2 * keys.len() + 1);
            for seen in keys {
                values.extend([seen.version.as_str().into(), seen.key.as_str().into()]);
            }
            values.push(sync_id.into());
            let statement = self.backend().sql_many(&sql, values);
            for row in self.read().query_all_raw(statement).await? {
                let key: String = row.try_get("", "key")?;
                let version: String = row.try_get("", "version")?;
                known.insert(SeenKey { key, version });
            }
        }
        Ok(keys.iter().map(|seen| !known.contains(seen)).collect())
    }
}

/// Remembers what a page delivered. An older version of the same record stays
/// until it is forgotten: no version comes back.
pub(crate) async fn remember(tx: &Tx<'_>, sync_id: &str, keys: &[SeenKey]) -> Result<()> {
    for keys in keys.chunks(ROWS_PER_STATEMENT) {
        let sql = format!(
            "INSERT INTO seen_key (sync_id, key, version) VALUES {} \
             ON CONFLICT (sync_id, version, key) DO NOTHING",
            tx.backend().bare_rows(3, keys.len())
        );
        let mut values: Vec<Value> = Vec::with_capacity(keys.len() * 3);
        for seen in keys {
            let (key, version) = (seen.key.as_str(), seen.version.as_str());
            values.extend([sync_id.into(), key.into(), version.into()]);
        }
        let statement = tx.backend().sql_many(&sql, values);
        tx.db().execute_raw(statement).await?;
    }
    Ok(())
}

/// Forgets the versions below one, compared byte by byte.
pub(crate) async fn forget_before(tx: &Tx<'_>, sync_id: &str, version: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM seen_key WHERE sync_id = $1 AND version < $2",
        [sync_id.into(), version.into()],
    )
    .await?;
    Ok(())
}

/// Forgets one version.
pub(crate) async fn forget_version(tx: &Tx<'_>, sync_id: &str, version: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM seen_key WHERE sync_id = $1 AND version = $2",
        [sync_id.into(), version.into()],
    )
    .await?;
    Ok(())
}

//! Which versions of which records have been delivered, per sync.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, Value};

use crate::Store;
use crate::connect::Tx;
use crate::error::Result;
use crate::statement::{ROWS_PER_STATEMENT, list, rows};

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
        let mut known = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(ROWS_PER_STATEMENT) {
            let sql = format!(
                "SELECT key, version FROM seen_key WHERE sync_id = $1 AND key IN ({})",
                list(2, keys.len())
            );
            let mut values: Vec<Value> = vec![sync_id.into()];
            values.extend(keys.iter().map(|seen| seen.key.as_str().into()));
            let statement = self.backend().sql_many(&sql, values);
            for row in self.read().query_all_raw(statement).await? {
                let key: String = row.try_get("", "key")?;
                let version: String = row.try_get("", "version")?;
                known.insert(key, version);
            }
        }
        Ok(keys
            .iter()
            .map(|seen| known.get(&seen.key) != Some(&seen.version))
            .collect())
    }
}

/// Remembers what a page delivered; of a key that comes twice, the last version.
pub(crate) async fn remember(tx: &Tx<'_>, sync_id: &str, keys: &[SeenKey]) -> Result<()> {
    // PostgreSQL refuses to touch a row twice in one statement.
    let latest: BTreeMap<&str, &str> = keys
        .iter()
        .map(|seen| (seen.key.as_str(), seen.version.as_str()))
        .collect();
    let latest: Vec<(&str, &str)> = latest.into_iter().collect();
    for keys in latest.chunks(ROWS_PER_STATEMENT) {
        let sql = format!(
            "INSERT INTO seen_key (sync_id, key, version) VALUES {} \
             ON CONFLICT (sync_id, key) DO UPDATE SET version = excluded.version",
            rows(1, 3, keys.len())
        );
        let mut values: Vec<Value> = Vec::with_capacity(keys.len() * 3);
        for (key, version) in keys {
            values.extend([sync_id.into(), (*key).into(), (*version).into()]);
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

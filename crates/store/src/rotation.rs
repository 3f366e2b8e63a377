//! Whether the master key is the right one, and wrapping everything anew after
//! it was replaced.
//!
//! A store remembers a sealed canary. Opening it with neither key at hand is
//! refused before anything else happens, and so is dropping the previous key
//! while something is still sealed under it. The wrapping itself is done while
//! the server serves, in short transactions; both keys open meanwhile. What is
//! still sealed under the previous key is all that is known of how far it went,
//! so it may be killed, and any number of nodes may do it at once.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::error::{Result, StoreError};
use crate::secrets::{HEADER_BYTES, MasterKeys, Place};
use crate::{Backend, Store};

pub(crate) const CANARY: Place<'static> = Place {
    table: "meta",
    column: "value",
    row: "canary",
};

/// A column that holds sealed values, with the column that names its row.
struct Sealed {
    table: &'static str,
    column: &'static str,
    id: &'static str,
}

const fn sealed(table: &'static str, column: &'static str, id: &'static str) -> Sealed {
    Sealed { table, column, id }
}

/// Every column that holds sealed values.
const SEALED: [Sealed; 8] = [
    sealed("meta", "value", "name"),
    sealed("provider_app", "client_secret", "id"),
    sealed("destination", "signing_key", "id"),
    sealed("destination", "previous_key", "id"),
    sealed("destination", "headers", "id"),
    sealed("oauth_state", "body", "digest"),
    sealed("connection", "credential", "id"),
    sealed("write_record", "payload", "id"),
];

/// Every other column of bytes: what they hold is no secret of ours.
#[cfg(test)]
const UNSEALED: [(&str, &str); 4] = [
    ("manifest_upload", "body"),
    ("outbox", "body"),
    ("outbox", "envelope"),
    ("probe", "body"),
];

/// Checks the keys against the canary, which is sealed if there is none yet,
/// and, where there is no previous key, that nothing needs one.
pub(crate) async fn check(
    tx: &DatabaseTransaction,
    backend: Backend,
    keys: &MasterKeys,
) -> Result<()> {
    let canary = keys.seal(CANARY, b"ligature")?;
    tx.execute_raw(backend.sql(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        [CANARY.row.into(), canary.into()],
    ))
    .await?;
    let select = backend.sql(
        "SELECT value FROM meta WHERE name = $1",
        [CANARY.row.into()],
    );
    if let Some(row) = tx.query_one_raw(select).await? {
        let sealed: Vec<u8> = row.try_get("", "value")?;
        keys.open(CANARY, &sealed).map_err(|_| {
            StoreError::Sealed(
                "this store was sealed under another master key; give that key as \
                 LIGATURE_SECRET_KEY, or as LIGATURE_SECRET_KEY_PREVIOUS to replace it"
                    .to_owned(),
            )
        })?;
    }
    if keys.has_previous() {
        return Ok(());
    }
    for Sealed { table, column, .. } in SEALED {
        let stale = format!(
            "SELECT 1 AS stale FROM {table} WHERE substr({column}, 1, {HEADER_BYTES}) <> $1 LIMIT 1"
        );
        let stale = backend.sql(&stale, [keys.header().into()]);
        if tx.query_one_raw(stale).await?.is_some() {
            return Err(StoreError::Sealed(
                "some values are still sealed under the previous master key; start once more \
                 with it as LIGATURE_SECRET_KEY_PREVIOUS"
                    .to_owned(),
            ));
        }
    }
    Ok(())
}

/// A passage through everything sealed, wrapping anew what is not sealed under
/// the current key.
#[derive(Debug, Default)]
pub struct Rotation {
    at: usize,
    after: String,
    wrapped: u64,
    failed: u64,
}

/// How far a [`Rotation`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationStep {
    /// There is more to look at.
    More {
        /// Where it is.
        table: &'static str,
        /// Values wrapped anew so far.
        wrapped: u64,
    },
    /// Everything has been looked at.
    Done {
        /// Values wrapped anew.
        wrapped: u64,
        /// Values that neither key opens.
        failed: u64,
    },
}

impl Store {
    /// Whether there is a previous key, and so something may have to be wrapped
    /// anew.
    #[must_use]
    pub fn is_rotating(&self) -> bool {
        self.inner.keys.has_previous()
    }

    /// Wraps up to `n` values anew, in one short transaction. A value that
    /// changes meanwhile is left to whoever changes it.
    pub async fn rotate(&self, rotation: &mut Rotation, n: u32) -> Result<RotationStep> {
        let Some(Sealed { table, column, id }) = SEALED.get(rotation.at) else {
            return Ok(RotationStep::Done {
                wrapped: rotation.wrapped,
                failed: rotation.failed,
            });
        };
        let keys = &self.inner.keys;
        let stale = format!(
            "SELECT {id} AS row_id, {column} AS sealed FROM {table} WHERE {id} > $1 \
             AND substr({column}, 1, {HEADER_BYTES}) <> $2 ORDER BY {id} LIMIT $3"
        );
        let stale = self.backend().sql(
            &stale,
            [
                rotation.after.as_str().into(),
                keys.header().into(),
                i64::from(n).into(),
            ],
        );
        let stale = self.read().query_all_raw(stale).await?;
        let update = format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2 AND {column} = $3");
        let tx = self.write().await?;
        let (mut wrapped, mut failed) = (0, 0);
        let mut last = None;
        for row in &stale {
            let row_id: String = row.try_get("", "row_id")?;
            let sealed: Vec<u8> = row.try_get("", "sealed")?;
            let place = Place {
                table,
                column,
                row: &row_id,
            };
            match keys.rewrap(place, &sealed) {
                Ok(anew) => {
                    wrapped += tx
                        .execute(
                            &update,
                            [anew.into(), row_id.as_str().into(), sealed.into()],
                        )
                        .await?;
                }
                Err(error) => {
                    tracing::error!(%error, "a sealed value cannot be opened and stays as it is");
                    failed += 1;
                }
            }
            last = Some(row_id);
        }
        tx.commit().await?;
        rotation.after = last.unwrap_or_default();
        rotation.wrapped += wrapped;
        rotation.failed += failed;
        if stale.len() < usize::try_from(n).unwrap_or(usize::MAX) {
            rotation.at += 1;
            rotation.after.clear();
        }
        Ok(RotationStep::More {
            table,
            wrapped: rotation.wrapped,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    /// A column of bytes is sealed, and then listed, or it is said here that it
    /// is not: nobody forgets one.
    #[tokio::test]
    async fn every_column_of_bytes_is_accounted_for() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            url: format!("sqlite:{}", dir.path().join("l.db").display()),
            schema: None,
            keys: MasterKeys::new([7; 32], None),
            max_connections: 1,
        };
        let store = Store::open(settings, jiff::Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        let select = "SELECT t.name || '.' || c.name AS it FROM sqlite_master t, \
            pragma_table_info(t.name) c WHERE t.type = 'table' AND c.type = 'BLOB' ORDER BY 1";
        let rows = store.read().query_all_raw(store.backend().sql(select, []));
        let found: Vec<String> = rows
            .await
            .unwrap()
            .iter()
            .map(|row| row.try_get("", "it").unwrap())
            .collect();
        let sealed = SEALED.iter().map(|s| format!("{}.{}", s.table, s.column));
        let open = UNSEALED
            .iter()
            .map(|(table, column)| format!("{table}.{column}"));
        let mut listed: Vec<String> = sealed.chain(open).collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}

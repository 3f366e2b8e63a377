//! Whether the master key is the right one, and wrapping everything anew after
//! it was replaced.
//!
//! A store remembers a sealed canary. Opening it with neither key at hand is
//! refused before anything else happens, and so is dropping the previous key
//! while something is still sealed under it.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::Backend;
use crate::error::{Result, StoreError};
use crate::secrets::{HEADER_BYTES, MasterKeys, Place};

const CANARY: Place<'static> = Place {
    table: "meta",
    column: "value",
    row: "canary",
};

/// Every column that holds sealed values, with the column that names its row.
const SEALED: [(&str, &str, &str); 7] = [
    ("meta", "value", "name"),
    ("provider_app", "client_secret", "id"),
    ("destination", "signing_key", "id"),
    ("destination", "previous_key", "id"),
    ("destination", "headers", "id"),
    ("oauth_state", "body", "digest"),
    ("connection", "credential", "id"),
];

/// Checks the keys against the canary, which is sealed if there is none yet.
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
    Ok(())
}

/// Wraps everything anew that is not sealed under the current key.
pub(crate) async fn rewrap(
    tx: &DatabaseTransaction,
    backend: Backend,
    keys: &MasterKeys,
) -> Result<()> {
    for (table, column, id) in SEALED {
        let stale = backend.sql(
            &format!(
                "SELECT {id} AS row_id, {column} AS sealed FROM {table} \
                 WHERE substr({column}, 1, {HEADER_BYTES}) <> $1{}",
                backend.for_update()
            ),
            [keys.header().into()],
        );
        for row in tx.query_all_raw(stale).await? {
            let row_id: String = row.try_get("", "row_id")?;
            let sealed: Vec<u8> = row.try_get("", "sealed")?;
            if !keys.has_previous() {
                return Err(StoreError::Sealed(
                    "some values are still sealed under the previous master key; start once more \
                     with it as LIGATURE_SECRET_KEY_PREVIOUS"
                        .to_owned(),
                ));
            }
            let place = Place {
                table,
                column,
                row: &row_id,
            };
            let wrapped = keys.rewrap(place, &sealed)?;
            tx.execute_raw(backend.sql(
                &format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2"),
                [wrapped.into(), row_id.into()],
            ))
            .await?;
        }
    }
    Ok(())
}

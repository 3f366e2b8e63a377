//! Which objects of the object store nobody needs any more.
//!
//! A key is written down as loose before its object is put, and is no longer
//! loose once the transaction that names it commits. A message that goes leaves
//! its key loose again, and doomed. So an object without a name is always found,
//! without ever listing the object store, and a name without an object cannot
//! come about: what is doomed can no longer be named.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait as _, Value};

use crate::Store;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::statement::list;
use crate::work::{self, Lease};

/// How long an object may be loose before it is named: far longer than any
/// commit can take.
const NAMED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// The object is named by a message of this transaction.
pub(crate) async fn settle(tx: &Tx<'_>, key: &str) -> Result<()> {
    let settled = tx
        .execute(
            "DELETE FROM loose_object WHERE key = $1 AND doomed = FALSE",
            [key.into()],
        )
        .await?;
    if settled == 0 {
        return Err(StoreError::not_found("object", key));
    }
    Ok(())
}

impl Store {
    /// Writes down that objects are about to be put under these keys.
    pub async fn announce_objects(&self, keys: &[String], now: Timestamp) -> Result<()> {
        let tx = self.write().await?;
        for key in keys {
            tx.execute(
                "INSERT INTO loose_object (key, loose_since, doomed) VALUES ($1, $2, FALSE)",
                [key.as_str().into(), ms(now).into()],
            )
            .await?;
        }
        tx.commit().await
    }

    /// Up to `n` objects that nothing names and nothing ever will, to be
    /// deleted. Fenced.
    pub async fn doomed_objects(
        &self,
        lease: &Lease,
        n: u32,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let tx = self.write().await?;
        work::fence(&tx, lease).await?;
        let before = ms(now).saturating_sub(NAMED_WITHIN.as_secs() * 1_000);
        let doom = self.backend().sql(
            "UPDATE loose_object SET doomed = TRUE WHERE key IN (SELECT key FROM loose_object \
             WHERE loose_since <= $1 ORDER BY loose_since LIMIT $2) RETURNING key",
            [before.into(), i64::from(n).into()],
        );
        let keys = tx.db().query_all_raw(doom).await?;
        let keys: std::result::Result<Vec<String>, _> =
            keys.iter().map(|row| row.try_get("", "key")).collect();
        tx.commit().await?;
        Ok(keys?)
    }

    /// The objects under these keys are deleted. Fenced.
    pub async fn forget_objects(&self, lease: &Lease, keys: &[String]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let tx = self.write().await?;
        work::fence(&tx, lease).await?;
        let delete = format!(
            "DELETE FROM loose_object WHERE doomed = TRUE AND key IN ({})",
            list(1, keys.len())
        );
        let values: Vec<Value> = keys.iter().map(|key| key.as_str().into()).collect();
        tx.db()
            .execute_raw(self.backend().sql_many(&delete, values))
            .await?;
        tx.commit().await
    }
}

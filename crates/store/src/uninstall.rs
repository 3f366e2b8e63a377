//! Uninstalling: nothing of an installation is left.
//!
//! Where a customer is erased, the builder is not told of it, since what is told
//! would be about the customer, and what was told before goes too.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};

use crate::audit::note;
use crate::connect::Tx;
use crate::entities::installation;
use crate::error::{Result, StoreError};
use crate::group;
use crate::notification::{self, Happening};
use crate::scope::Tenant;
use crate::work::{self, Reads};

impl Tenant<'_> {
    /// Deletes an installation with its state, its work, its operations and the
    /// messages of its reads, in one transaction. A run under way commits nothing
    /// any more. Its connection goes with it, unless another installation has it.
    pub async fn uninstall(&self, installation_id: &str, now: Timestamp) -> Result<()> {
        self.remove(installation_id, Leaving::Uninstalled, now)
            .await
    }

    /// The same of a customer who is erased.
    pub async fn erase_installation(&self, installation_id: &str, now: Timestamp) -> Result<()> {
        self.remove(installation_id, Leaving::Erased, now).await
    }

    async fn remove(&self, installation_id: &str, leaving: Leaving, now: Timestamp) -> Result<()> {
        let mut tx = self.store.write().await?;
        let row = self
            .find_installations()
            .filter(installation::Column::Id.eq(installation_id))
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("installation", installation_id))?;
        // Commits of its pages and writes are over before this goes on, or find no row.
        work::recall_reads(&mut tx, Reads::OfInstallation(&row.id), now).await?;
        work::remove_reads(&tx, Reads::OfInstallation(&row.id)).await?;
        work::remove_writes(&tx, &row.id).await?;
        // The customer has gone: what was read is for nobody any more.
        // Notifications are of no operation, and stay unless the customer is erased.
        // Locked in the order in which deliveries are acknowledged.
        let which = match leaving {
            Leaving::Uninstalled => " AND operation_id <> ''",
            Leaving::Erased => "",
        };
        let messages = format!(
            "WITH gone AS MATERIALIZED (SELECT id AS gone_id FROM outbox \
             WHERE installation_id = $1{which} ORDER BY id{}) \
             DELETE FROM outbox WHERE id IN (SELECT gone_id FROM gone)",
            tx.backend().for_update()
        );
        tx.execute(&messages, [row.id.as_str().into()]).await?;
        let happening = Happening::InstallationDeleted(&row.id);
        leaving.tell(&mut tx, happening, now).await?;
        let deleted = tx
            .execute(
                "DELETE FROM installation WHERE id = $1",
                [row.id.as_str().into()],
            )
            .await?;
        if deleted == 0 {
            return Err(StoreError::not_found("installation", installation_id));
        }
        note(&tx, self.scope, "installation.delete", &row.id, now).await?;
        if delete_unused(&mut tx, &row.connection_id, leaving, now).await? {
            note(
                &tx,
                self.scope,
                "connection.delete",
                &row.connection_id,
                now,
            )
            .await?;
        }
        tx.commit().await
    }
}

/// Why something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// The customer has uninstalled.
    Uninstalled,
    /// The customer is erased.
    Erased,
}

impl Leaving {
    async fn tell(self, tx: &mut Tx<'_>, happening: Happening<'_>, now: Timestamp) -> Result<()> {
        match self {
            Self::Uninstalled => notification::tell(tx, happening, now).await,
            Self::Erased => Ok(()),
        }
    }
}

/// Deletes a connection that no installation has; says whether it did.
pub(crate) async fn delete_unused(
    tx: &mut Tx<'_>,
    connection_id: &str,
    leaving: Leaving,
    now: Timestamp,
) -> Result<bool> {
    // An installation that is being added refers to the row and so waits for
    // this lock, or is seen after it.
    let lock = format!(
        "SELECT id FROM connection WHERE id = $1{}",
        tx.backend().for_update()
    );
    let statement = tx.backend().sql(&lock, [connection_id.into()]);
    tx.db().query_one_raw(statement).await?;
    let others = tx.backend().sql(
        "SELECT id FROM installation WHERE connection_id = $1 LIMIT 1",
        [connection_id.into()],
    );
    if tx.db().query_one_raw(others).await?.is_some() {
        return Ok(false);
    }
    let happening = Happening::ConnectionDeleted(connection_id);
    leaving.tell(tx, happening, now).await?;
    // Whoever connected for a customer who is erased, and for no other.
    let consumer = match leaving {
        Leaving::Uninstalled => None,
        Leaving::Erased => group::lock_consumer_of(tx, connection_id).await?,
    };
    let delete = "DELETE FROM connection WHERE id = $1";
    let deleted = tx.execute(delete, [connection_id.into()]).await? > 0;
    if let Some(consumer) = consumer {
        group::delete_unused_consumer(tx, &consumer).await?;
    }
    Ok(deleted)
}

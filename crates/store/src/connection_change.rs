//! Changing and ending a connection.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::Value;

use crate::audit::note;
use crate::columns::{Words, ms};
use crate::connect::Tx;
use crate::connection::Connection;
use crate::credential::Credential;
use crate::entities::connection;
use crate::error::{Result, StoreError};
use crate::notification::{self, Happening};
use crate::reconcile;
use crate::scope::Tenant;
use crate::work::{self, Reads};

/// What changes of a connection; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    /// What the customer said besides giving consent.
    pub provider_metadata: Option<Value>,
    /// The provider's name of the workspace.
    pub provider_workspace_ref: Option<String>,
    /// The credential. The status becomes `working`, and reads that a refused
    /// one has stopped go on. With another workspace everything is read anew.
    pub credential: Option<Credential>,
}

impl Tenant<'_> {
    /// Changes a connection.
    pub async fn change_connection(
        &self,
        id: &str,
        change: ConnectionChange,
        now: Timestamp,
    ) -> Result<Connection> {
        let known = self.connection(id).await?;
        let mut tx = self.store.write().await?;
        // Work before what it is about, as everywhere.
        let moved = change.provider_workspace_ref.is_some()
            && change.provider_workspace_ref != known.provider_workspace_ref;
        if moved {
            work::recall_reads(&mut tx, Reads::Through(&known.id), now).await?;
            let why = "The connection is to another workspace";
            reconcile::begin_anew(&mut tx, Reads::Through(&known.id), why, now).await?;
        } else if change.credential.is_some() {
            work::poke_reads(&mut tx, Reads::Through(&known.id), now).await?;
        }
        if change.credential.is_some() {
            work::leave_line(&mut tx, Reads::Through(&known.id), now).await?;
        }
        lock(&tx, &known.id).await?;
        tx.execute(
            "UPDATE connection SET provider_metadata = COALESCE($2, provider_metadata), \
             provider_workspace_ref = COALESCE($3, provider_workspace_ref), update_time = $4 \
             WHERE id = $1",
            [
                known.id.as_str().into(),
                change
                    .provider_metadata
                    .map(|value| value.to_string())
                    .into(),
                change.provider_workspace_ref.into(),
                ms(now).into(),
            ],
        )
        .await?;
        if let Some(credential) = &change.credential {
            tx.execute(
                "UPDATE connection SET credential = $2, scopes = $3, access_issued_at = $4, \
                 access_expires_at = $5, credential_version = credential_version + 1, \
                 status = 'working' WHERE id = $1",
                [
                    known.id.as_str().into(),
                    credential.seal(&self.store.inner.keys, &known.id)?.into(),
                    Words(credential.scopes()).into(),
                    credential.issued_ms(now).into(),
                    credential.expires_ms().into(),
                ],
            )
            .await?;
        }
        let row = connection::Entity::find_by_id(&known.id)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("connection", id))?;
        notification::tell(&mut tx, Happening::ConnectionUpdated(&known.id), now).await?;
        note(&tx, self.scope, "connection.update", &known.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// Deletes a connection and its credential. `Conflict` while something is
    /// installed over it.
    pub async fn delete_connection(&self, id: &str, now: Timestamp) -> Result<Connection> {
        let known = self.connection(id).await?;
        let mut tx = self.store.write().await?;
        lock(&tx, &known.id).await?;
        let installed = self.store.backend().sql(
            "SELECT id FROM installation WHERE connection_id = $1 LIMIT 1",
            [known.id.as_str().into()],
        );
        if let Some(row) = tx.db().query_one_raw(installed).await? {
            return Err(StoreError::Conflict {
                what: "installation",
                detail: row.try_get("", "id")?,
            });
        }
        notification::tell(&mut tx, Happening::ConnectionDeleted(&known.id), now).await?;
        tx.execute(
            "DELETE FROM connection WHERE id = $1",
            [known.id.as_str().into()],
        )
        .await?;
        note(&tx, self.scope, "connection.delete", &known.id, now).await?;
        tx.commit().await?;
        Ok(known)
    }
}

/// Keeps an installation from being added meanwhile.
async fn lock(tx: &Tx<'_>, id: &str) -> Result<()> {
    let select = format!(
        "SELECT id FROM connection WHERE id = $1{}",
        tx.backend().for_update()
    );
    let select = tx.backend().sql(&select, [id.into()]);
    match tx.db().query_one_raw(select).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::not_found("connection", id)),
    }
}

//! Manifests that are uploaded as a file before they are deployed: the place is
//! asked for by a key, filled by whoever has the signed URL, and read by a key
//! of the same project.

use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use crate::Store;
use crate::columns::ms;
use crate::error::{Result, StoreError};
use crate::scope::Tenant;

/// A place to upload to.
#[derive(Debug, Clone)]
pub struct NewManifestUpload {
    /// The identifier.
    pub id: String,
    /// The MD5 that the body must have, in base64, if that is known.
    pub md5: Option<String>,
    /// Until when the body may come, and be deployed.
    pub expires_at: Timestamp,
}

const WHAT: &str = "upload";

impl Tenant<'_> {
    /// Makes a place to upload to.
    pub async fn create_manifest_upload(
        &self,
        new: NewManifestUpload,
        now: Timestamp,
    ) -> Result<()> {
        let tx = self.store.write().await?;
        // Nobody can get at them any more.
        tx.execute(
            "DELETE FROM manifest_upload WHERE expires_at <= $1",
            [ms(now).into()],
        )
        .await?;
        tx.execute(
            "INSERT INTO manifest_upload (id, project_id, md5, expires_at, create_time) \
             VALUES ($1, $2, $3, $4, $5)",
            [
                new.id.into(),
                self.scope.project_id().into(),
                new.md5.into(),
                ms(new.expires_at).into(),
                ms(now).into(),
            ],
        )
        .await?;
        tx.commit().await
    }

    /// What was uploaded; `None` while nothing was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the place is unknown, has expired or is
    /// another project's.
    pub async fn manifest_upload(&self, id: &str, now: Timestamp) -> Result<Option<Vec<u8>>> {
        let select = self.store.backend().sql(
            "SELECT body FROM manifest_upload \
             WHERE id = $1 AND project_id = $2 AND expires_at > $3",
            [id.into(), self.scope.project_id().into(), ms(now).into()],
        );
        let row = self
            .store
            .read()
            .query_one_raw(select)
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))?;
        Ok(row.try_get("", "body")?)
    }
}

impl Store {
    /// The MD5 that an upload must have, if one was asked for. It needs no
    /// scope: the caller has checked a signed URL.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the place is unknown or has expired.
    pub async fn manifest_upload_md5(&self, id: &str, now: Timestamp) -> Result<Option<String>> {
        let select = self.backend().sql(
            "SELECT md5 FROM manifest_upload WHERE id = $1 AND expires_at > $2",
            [id.into(), ms(now).into()],
        );
        let row = self
            .read()
            .query_one_raw(select)
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))?;
        Ok(row.try_get("", "md5")?)
    }

    /// Puts the body in its place. It needs no scope: the caller has checked a
    /// signed URL. The same body may come again, another one not, so that what
    /// is deployed is what was uploaded.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the place is unknown or has expired,
    /// [`StoreError::Conflict`] when another body is there.
    pub async fn fill_manifest_upload(&self, id: &str, body: &[u8], now: Timestamp) -> Result<()> {
        let tx = self.write().await?;
        let filled = tx
            .execute(
                "UPDATE manifest_upload SET body = $2 \
                 WHERE id = $1 AND expires_at > $3 AND (body IS NULL OR body = $2)",
                [id.into(), body.into(), ms(now).into()],
            )
            .await?;
        tx.commit().await?;
        if filled > 0 {
            return Ok(());
        }
        self.manifest_upload_md5(id, now).await?;
        Err(StoreError::Conflict {
            what: WHAT,
            detail: format!("{id} has another body"),
        })
    }
}

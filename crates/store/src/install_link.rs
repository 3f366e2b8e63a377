//! Links to the hosted install page: for whom, for what, until when, and whether
//! they were taken back. What makes a link one is its signature, which is made and
//! checked elsewhere and is not kept: a row alone opens nothing.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::audit::note;
use crate::columns::{At, Json, ms};
use crate::connect::Tx;
use crate::entities::{insert, install_link};
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::{Store, ids};

/// A link for one person of one customer, to one integration.
#[derive(Debug, Clone, PartialEq)]
pub struct InstallLink {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The integration, which may be gone.
    pub integration_id: String,
    /// The customer, who need not exist yet.
    pub group_ref: String,
    /// The customer's name, if given.
    pub group_name: Option<String>,
    /// The person as whom the link's holder acts.
    pub consumer_ref: String,
    /// The person's name, if given.
    pub consumer_name: Option<String>,
    /// How the page looks.
    pub theme: Value,
    /// Who made it.
    pub created_by: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoke_time: Option<Timestamp>,
    /// When it was made.
    pub create_time: Timestamp,
}

/// What a link is made from.
#[derive(Debug, Clone)]
pub struct NewInstallLink {
    /// The integration, which must be of the project.
    pub integration_id: String,
    /// The customer.
    pub group_ref: String,
    /// The customer's name.
    pub group_name: Option<String>,
    /// The person.
    pub consumer_ref: String,
    /// The person's name.
    pub consumer_name: Option<String>,
    /// How the page looks.
    pub theme: Value,
    /// Who makes it.
    pub created_by: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl From<install_link::Model> for InstallLink {
    fn from(row: install_link::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            integration_id: row.integration_id,
            group_ref: row.group_ref,
            group_name: row.group_name,
            consumer_ref: row.consumer_ref,
            consumer_name: row.consumer_name,
            theme: row.theme.0,
            created_by: row.created_by,
            expires_at: row.expires_at.0,
            revoke_time: At::opt(row.revoke_time),
            create_time: row.create_time.0,
        }
    }
}

impl Store {
    /// The link of that identifier, of whichever project. It needs no scope: the
    /// caller has checked the link's signature, which is what it takes to see it.
    pub async fn install_link(&self, id: &str) -> Result<Option<InstallLink>> {
        let row = install_link::Entity::find_by_id(id)
            .one(self.read())
            .await?;
        Ok(row.map(InstallLink::from))
    }
}

impl Tenant<'_> {
    /// Makes a link. `NotFound` when the project has no such integration.
    pub async fn create_install_link(
        &self,
        new: NewInstallLink,
        now: Timestamp,
    ) -> Result<InstallLink> {
        let integration = self.integration(&new.integration_id).await?;
        let row = install_link::Model {
            id: ids::new(),
            project_id: self.scope.project_id().to_owned(),
            integration_id: integration.id,
            group_ref: new.group_ref,
            group_name: new.group_name,
            consumer_ref: new.consumer_ref,
            consumer_name: new.consumer_name,
            theme: Json(new.theme),
            created_by: new.created_by,
            expires_at: At(new.expires_at),
            revoke_time: None,
            create_time: At(now),
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone()).await?;
        note(&tx, self.scope, "install-link.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// The links that are kept, newest first: of one customer, or of all.
    pub async fn install_links(&self, group_ref: Option<&str>) -> Result<Vec<InstallLink>> {
        let mut select = install_link::Entity::find()
            .filter(install_link::Column::ProjectId.eq(self.scope.project_id()))
            .order_by_desc(install_link::Column::Id);
        for group in [self.scope.group_ref(), group_ref].into_iter().flatten() {
            select = select.filter(install_link::Column::GroupRef.eq(group));
        }
        let rows = select.all(self.store.read()).await?;
        Ok(rows.into_iter().map(InstallLink::from).collect())
    }

    /// Takes a link back: it opens nothing from then on.
    pub async fn revoke_install_link(&self, id: &str, now: Timestamp) -> Result<()> {
        let tx = self.store.write().await?;
        let revoke = "UPDATE install_link SET revoke_time = COALESCE(revoke_time, $3) \
                      WHERE id = $1 AND project_id = $2";
        let project = self.scope.project_id();
        let revoked = tx
            .execute(revoke, [id.into(), project.into(), ms(now).into()])
            .await?;
        if revoked == 0 {
            return Err(StoreError::not_found("install link", id));
        }
        note(&tx, self.scope, "install-link.revoke", id, now).await?;
        tx.commit().await
    }
}

/// Deletes the links of a customer who is erased.
pub(crate) async fn erase(tx: &Tx<'_>, project_id: &str, group_ref: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM install_link WHERE project_id = $1 AND group_ref = $2",
        [project_id.into(), group_ref.into()],
    )
    .await?;
    Ok(())
}

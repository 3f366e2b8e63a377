//! JWT keys: public keys with which the tokens of a project's customers are
//! verified. The private halves are the builder's and never come here.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::audit::note;
use crate::columns::{At, ms};
use crate::entities::{insert, jwt_key};
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::{Store, ids};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtKey {
    /// The identifier: a token's `kid`.
    pub id: String,
    /// The project whose customers it is for.
    pub project_id: String,
    /// A name for people.
    pub label: String,
    /// The RSA public key, PEM.
    pub public_key_pem: String,
    /// Whether tokens signed with it open anything.
    pub active: bool,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed; its creation, before.
    pub update_time: Timestamp,
}

impl From<jwt_key::Model> for JwtKey {
    fn from(row: jwt_key::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            label: row.label,
            public_key_pem: row.public_key_pem,
            active: row.active,
            create_time: row.create_time.0,
            update_time: row.update_time.0,
        }
    }
}

impl Store {
    /// The active key of that `kid`, of whichever project. It needs no scope: what
    /// is done with it is to find out whose token it is.
    pub async fn active_jwt_key(&self, kid: &str) -> Result<Option<JwtKey>> {
        let row = jwt_key::Entity::find_by_id(kid)
            .filter(jwt_key::Column::Active.eq(true))
            .one(self.read())
            .await?;
        Ok(row.map(JwtKey::from))
    }
}

impl Tenant<'_> {
    /// Adds a key.
    pub async fn create_jwt_key(
        &self,
        label: String,
        public_key_pem: String,
        now: Timestamp,
    ) -> Result<JwtKey> {
        let row = jwt_key::Model {
            id: ids::new(),
            project_id: self.scope.project_id().to_owned(),
            label,
            public_key_pem,
            active: true,
            create_time: At(now),
            update_time: At(now),
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone()).await?;
        note(&tx, self.scope, "jwt-key.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// Every key of the project, oldest first.
    pub async fn jwt_keys(&self) -> Result<Vec<JwtKey>> {
        let rows = jwt_key::Entity::find()
            .filter(jwt_key::Column::ProjectId.eq(self.scope.project_id()))
            .order_by_asc(jwt_key::Column::Id)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(JwtKey::from).collect())
    }

    /// One key.
    pub async fn jwt_key(&self, id: &str) -> Result<JwtKey> {
        jwt_key::Entity::find_by_id(id)
            .filter(jwt_key::Column::ProjectId.eq(self.scope.project_id()))
            .one(self.store.read())
            .await?
            .map(JwtKey::from)
            .ok_or_else(|| StoreError::not_found("JWT key", id))
    }

    /// Changes the label, or whether the key opens anything.
    pub async fn change_jwt_key(
        &self,
        id: &str,
        label: Option<String>,
        active: Option<bool>,
        now: Timestamp,
    ) -> Result<JwtKey> {
        let known = self.jwt_key(id).await?;
        let tx = self.store.write().await?;
        tx.execute(
            "UPDATE jwt_key SET label = COALESCE($2, label), active = COALESCE($3, active), \
             update_time = $4 WHERE id = $1",
            [
                known.id.as_str().into(),
                label.into(),
                active.into(),
                ms(now).into(),
            ],
        )
        .await?;
        note(&tx, self.scope, "jwt-key.update", id, now).await?;
        tx.commit().await?;
        self.jwt_key(id).await
    }

    /// Deletes a key: tokens signed with it open nothing from then on.
    pub async fn delete_jwt_key(&self, id: &str, now: Timestamp) -> Result<()> {
        let known = self.jwt_key(id).await?;
        let tx = self.store.write().await?;
        tx.execute("DELETE FROM jwt_key WHERE id = $1", [known.id.into()])
            .await?;
        note(&tx, self.scope, "jwt-key.delete", id, now).await?;
        tx.commit().await
    }
}

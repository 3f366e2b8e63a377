//! Provider apps: the builder's OAuth client at a provider. The client secret
//! is sealed.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::audit::note;
use crate::columns::{At, Json, Words, ms};
use crate::entities::{insert, provider_app};
use crate::error::{Result, StoreError, or_conflict};
use crate::scope::Tenant;
use crate::secrets::Place;
use crate::{Store, ids};

/// An OAuth client without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderApp {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The provider's own identifier of it.
    pub external_ref: Option<String>,
    /// The provider's name.
    pub provider: String,
    /// The OAuth client id.
    pub client_id: String,
    /// The scopes to ask consent for.
    pub scopes: Vec<String>,
    /// What the builder keeps with it.
    pub metadata: Option<Value>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// What a provider app is created from.
#[derive(Debug, Clone)]
pub struct NewProviderApp {
    /// The provider's own identifier of it.
    pub external_ref: Option<String>,
    /// The provider's name.
    pub provider: String,
    /// The OAuth client id.
    pub client_id: String,
    /// The OAuth client secret.
    pub client_secret: SecretString,
    /// The scopes to ask consent for.
    pub scopes: Vec<String>,
    /// What the builder keeps with it.
    pub metadata: Option<Value>,
}

/// What changes of a provider app; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ProviderAppChange {
    /// The provider's own identifier of it.
    pub external_ref: Option<String>,
    /// The OAuth client id.
    pub client_id: Option<String>,
    /// The OAuth client secret.
    pub client_secret: Option<SecretString>,
    /// The scopes to ask consent for.
    pub scopes: Option<Vec<String>>,
    /// What the builder keeps with it.
    pub metadata: Option<Value>,
}

impl From<provider_app::Model> for ProviderApp {
    fn from(row: provider_app::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            external_ref: row.external_ref,
            provider: row.provider,
            client_id: row.client_id,
            scopes: row.scopes.0,
            metadata: row.metadata.map(|metadata| metadata.0),
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

/// Where the client secret of a provider app is sealed.
fn secret_at(row: &str) -> Place<'_> {
    Place {
        table: "provider_app",
        column: "client_secret",
        row,
    }
}

impl Tenant<'_> {
    /// Creates a provider app. `Conflict` when the project has one for that
    /// provider and `external_ref`.
    pub async fn create_provider_app(
        &self,
        new: NewProviderApp,
        now: Timestamp,
    ) -> Result<ProviderApp> {
        let id = ids::new();
        let sealed = self
            .store
            .inner
            .keys
            .seal(secret_at(&id), new.client_secret.expose_secret().as_bytes())?;
        let row = provider_app::Model {
            id,
            project_id: self.scope.project_id().to_owned(),
            external_ref: new.external_ref,
            provider: new.provider,
            client_id: new.client_id,
            client_secret: sealed,
            scopes: Words(new.scopes),
            metadata: new.metadata.map(Json),
            create_time: At(now),
            update_time: None,
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone()).await.map_err(|error| {
            or_conflict(error, "provider app", || {
                let external_ref = row.external_ref.as_deref().unwrap_or("none");
                format!("provider {}, externalRef {external_ref}", row.provider)
            })
        })?;
        note(&tx, self.scope, "provider-app.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// Every provider app of the project, oldest first.
    pub async fn provider_apps(&self) -> Result<Vec<ProviderApp>> {
        let rows = self.find_provider_apps().all(self.store.read()).await?;
        Ok(rows.into_iter().map(ProviderApp::from).collect())
    }

    /// One provider app.
    pub async fn provider_app(&self, id: &str) -> Result<ProviderApp> {
        Ok(self.provider_app_row(id).await?.into())
    }

    /// The oldest provider app for a provider.
    pub async fn provider_app_for(&self, provider: &str) -> Result<Option<ProviderApp>> {
        let row = self
            .find_provider_apps()
            .filter(provider_app::Column::Provider.eq(provider))
            .one(self.store.read())
            .await?;
        Ok(row.map(ProviderApp::from))
    }

    /// The client secret of a provider app.
    pub async fn provider_app_secret(&self, id: &str) -> Result<SecretString> {
        let row = self.provider_app_row(id).await?;
        let keys = &self.store.inner.keys;
        keys.open_text(secret_at(&row.id), &row.client_secret)
    }

    /// Changes what is given. A new client id or secret counts from the next
    /// refresh on.
    pub async fn change_provider_app(
        &self,
        id: &str,
        change: ProviderAppChange,
        now: Timestamp,
    ) -> Result<ProviderApp> {
        let known = self.provider_app(id).await?;
        let keys = &self.store.inner.keys;
        let seal = |secret: SecretString| {
            keys.seal(secret_at(&known.id), secret.expose_secret().as_bytes())
        };
        let tx = self.store.write().await?;
        tx.execute(
            "UPDATE provider_app SET external_ref = COALESCE($2, external_ref), \
             client_id = COALESCE($3, client_id), client_secret = COALESCE($4, client_secret), \
             scopes = COALESCE($5, scopes), metadata = COALESCE($6, metadata), update_time = $7 \
             WHERE id = $1",
            [
                known.id.as_str().into(),
                change.external_ref.into(),
                change.client_id.into(),
                change.client_secret.map(seal).transpose()?.into(),
                change.scopes.map(Words).into(),
                change.metadata.map(Json).into(),
                ms(now).into(),
            ],
        )
        .await
        .map_err(|error| {
            or_conflict(error, "provider app", || {
                format!("provider {}, that externalRef", known.provider)
            })
        })?;
        note(&tx, self.scope, "provider-app.update", id, now).await?;
        tx.commit().await?;
        self.provider_app(id).await
    }

    /// Deletes a provider app. `Conflict` while connections refresh their tokens
    /// with it.
    pub async fn delete_provider_app(&self, id: &str, now: Timestamp) -> Result<()> {
        let known = self.provider_app(id).await?;
        let tx = self.store.write().await?;
        let lock = format!(
            "SELECT id FROM provider_app WHERE id = $1{}",
            tx.backend().for_update()
        );
        let lock = tx.backend().sql(&lock, [known.id.as_str().into()]);
        tx.db().query_one_raw(lock).await?;
        let used = tx.backend().sql(
            "SELECT COUNT(*) AS connections FROM connection WHERE provider_app_id = $1",
            [known.id.as_str().into()],
        );
        let used = tx.db().query_one_raw(used).await?;
        let used: i64 = used.map_or(Ok(0), |row| row.try_get("", "connections"))?;
        if used > 0 {
            return Err(StoreError::Conflict {
                what: "connection",
                detail: format!("{used} of them"),
            });
        }
        tx.execute(
            "DELETE FROM provider_app WHERE id = $1",
            [known.id.as_str().into()],
        )
        .await?;
        note(&tx, self.scope, "provider-app.delete", id, now).await?;
        tx.commit().await
    }

    /// The project's provider apps, oldest first.
    fn find_provider_apps(&self) -> Select<provider_app::Entity> {
        provider_app::Entity::find()
            .filter(provider_app::Column::ProjectId.eq(self.scope.project_id()))
            .order_by_asc(provider_app::Column::CreateTime)
            .order_by_asc(provider_app::Column::Id)
    }

    async fn provider_app_row(&self, id: &str) -> Result<provider_app::Model> {
        self.find_provider_apps()
            .filter(provider_app::Column::Id.eq(id))
            .one(self.store.read())
            .await?
            .ok_or_else(|| StoreError::not_found("provider app", id))
    }
}

impl Store {
    /// The client id and secret with which a connection's token is refreshed.
    pub async fn client_of(&self, provider_app_id: &str) -> Result<(String, SecretString)> {
        let row = provider_app::Entity::find_by_id(provider_app_id)
            .one(self.read())
            .await?
            .ok_or_else(|| StoreError::not_found("provider app", provider_app_id))?;
        let keys = &self.inner.keys;
        let secret = keys.open_text(secret_at(&row.id), &row.client_secret)?;
        Ok((row.client_id, secret))
    }
}

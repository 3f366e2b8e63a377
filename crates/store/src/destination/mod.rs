//! Destinations: where messages go. Signing keys are sealed, and so are custom
//! headers, since they are where builders put credentials of their own.

mod keys;
mod metadata;
mod state;

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::audit::note;
use crate::columns::{At, Json, ms};
use crate::connect::Tx;
use crate::entities::{destination, insert};
use crate::error::{Result, StoreError, or_conflict};
use crate::ids;
use crate::outbox::order;
use crate::scope::Tenant;
use crate::secrets::MasterKeys;

pub use keys::{DeliveryTarget, KEY_OVERLAP};
pub use metadata::MetadataChange;
pub(crate) use metadata::seal_open_headers;
pub use state::{DISABLE_AFTER, WhyDisabled};
pub(crate) use state::{disable, failed, took};

/// Where messages go.
#[derive(Clone, PartialEq)]
pub struct Destination {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The name, unique in the project.
    pub name: String,
    /// The contract's `type`, such as `webhook`.
    pub kind: String,
    /// The contract's `metadata`, such as `url` and `headers`.
    pub metadata: Value,
    /// Whether nothing is sent to it any more.
    pub disabled: bool,
    /// Since when it has failed without taking anything.
    pub failing_since: Option<Timestamp>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// Headers may hold credentials, so the metadata is not shown.
impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination")
            .field("id", &self.id)
            .field("project_id", &self.project_id)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// What a destination is created from.
#[derive(Debug, Clone)]
pub struct NewDestination {
    /// The name, unique in the project.
    pub name: String,
    /// The contract's `type`.
    pub kind: String,
    /// The contract's `metadata`.
    pub metadata: Value,
}

/// What is to be changed of a destination.
#[derive(Debug, Clone, Default)]
pub struct DestinationChange {
    /// A new name.
    pub name: Option<String>,
    /// New metadata.
    pub metadata: Option<MetadataChange>,
}

impl Destination {
    fn opened(keys: &MasterKeys, row: destination::Model) -> Result<Self> {
        Ok(Self {
            metadata: metadata::opened(keys, &row)?,
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            kind: row.kind,
            disabled: row.disabled,
            failing_since: At::opt(row.failing_since),
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        })
    }
}

impl Tenant<'_> {
    /// Creates a destination with a new signing key. `Conflict` when the name
    /// is taken.
    pub async fn create_destination(
        &self,
        new: NewDestination,
        now: Timestamp,
    ) -> Result<Destination> {
        let id = ids::new();
        let keys = &self.store.inner.keys;
        let parts = metadata::Parts::of(keys, &id, new.metadata)?;
        let row = destination::Model {
            project_id: self.scope.project_id().to_owned(),
            name: new.name,
            kind: new.kind,
            metadata: Json(parts.open),
            headers: parts.headers,
            ordered: parts.ordered,
            last_seq: 0,
            signing_key: keys::new_sealed(keys, &id)?,
            previous_key: None,
            previous_key_until: None,
            disabled: false,
            failing_since: None,
            create_time: At(now),
            update_time: None,
            id,
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone())
            .await
            .map_err(|error| or_conflict(error, "destination", || format!("name {}", row.name)))?;
        note(&tx, self.scope, "destination.create", &row.id, now).await?;
        tx.commit().await?;
        Destination::opened(keys, row)
    }

    /// Every destination of the project, oldest first.
    pub async fn destinations(&self) -> Result<Vec<Destination>> {
        let rows = destination::Entity::find()
            .filter(destination::Column::ProjectId.eq(self.scope.project_id()))
            .order_by_asc(destination::Column::Id)
            .all(self.store.read())
            .await?;
        let keys = &self.store.inner.keys;
        rows.into_iter()
            .map(|row| Destination::opened(keys, row))
            .collect()
    }

    /// One destination.
    pub async fn destination(&self, id_or_name: &str) -> Result<Destination> {
        let row = self.destination_row(self.store.read(), id_or_name).await?;
        Destination::opened(&self.store.inner.keys, row)
    }

    /// Changes a destination. `Conflict` when the new name is taken.
    pub async fn update_destination(
        &self,
        id_or_name: &str,
        change: DestinationChange,
        now: Timestamp,
    ) -> Result<Destination> {
        let keys = &self.store.inner.keys;
        let tx = self.store.write().await?;
        let mut row = self.locked_destination(&tx, id_or_name).await?;
        let was_ordered = row.ordered;
        if let Some(change) = change.metadata {
            let changed = change.apply(metadata::opened(keys, &row)?);
            let parts = metadata::Parts::of(keys, &row.id, changed)?;
            row.metadata = Json(parts.open);
            row.headers = parts.headers;
            row.ordered = parts.ordered;
        }
        row.name = change.name.unwrap_or(row.name);
        row.update_time = Some(At(now));
        tx.execute(
            "UPDATE destination SET name = $2, metadata = $3, headers = $4, ordered = $5, \
             update_time = $6 WHERE id = $1",
            [
                row.id.as_str().into(),
                row.name.as_str().into(),
                row.metadata.clone().into(),
                row.headers.clone().into(),
                row.ordered.into(),
                ms(now).into(),
            ],
        )
        .await
        .map_err(|error| or_conflict(error, "destination", || format!("name {}", row.name)))?;
        match (was_ordered, row.ordered) {
            (false, true) => order::begin(&tx, &row.id).await?,
            (true, false) => order::end(&tx, &row.id).await?,
            (true, true) | (false, false) => {}
        }
        note(&tx, self.scope, "destination.update", &row.id, now).await?;
        tx.commit().await?;
        Destination::opened(keys, row)
    }

    /// Deletes a destination and every message to it.
    pub async fn delete_destination(&self, id: &str, now: Timestamp) -> Result<()> {
        let tx = self.store.write().await?;
        let deleted = tx
            .execute(
                "DELETE FROM destination WHERE id = $1 AND project_id = $2",
                [id.into(), self.scope.project_id().into()],
            )
            .await?;
        if deleted == 0 {
            return Err(StoreError::not_found("destination", id));
        }
        note(&tx, self.scope, "destination.delete", id, now).await?;
        tx.commit().await
    }

    async fn destination_row(
        &self,
        db: &impl ConnectionTrait,
        id_or_name: &str,
    ) -> Result<destination::Model> {
        let rows = destination::Entity::find()
            .filter(destination::Column::ProjectId.eq(self.scope.project_id()))
            .filter(
                destination::Column::Id
                    .eq(id_or_name)
                    .or(destination::Column::Name.eq(id_or_name)),
            )
            .all(db)
            .await?;
        // An identifier goes before a name that looks like one.
        rows.iter()
            .find(|row| row.id == id_or_name)
            .or(rows.first())
            .cloned()
            .ok_or_else(|| StoreError::not_found("destination", id_or_name))
    }

    /// The row, which nobody else changes until the transaction ends. Messages
    /// to it that are being put in are in by then, and others wait.
    async fn locked_destination(
        &self,
        tx: &Tx<'_>,
        id_or_name: &str,
    ) -> Result<destination::Model> {
        let id = self.destination_row(tx.db(), id_or_name).await?.id;
        let lock = format!(
            "SELECT id FROM destination WHERE id = $1{}",
            tx.backend().for_update()
        );
        let lock = tx.backend().sql(&lock, [id.as_str().into()]);
        tx.db().query_one_raw(lock).await?;
        self.destination_row(tx.db(), &id).await
    }
}

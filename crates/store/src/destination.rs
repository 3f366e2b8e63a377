//! Destinations: where messages go. The signing key is sealed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::columns::{At, Json, ms};
use crate::entities::{destination, insert};
use crate::error::{Result, StoreError, or_conflict};
use crate::notification::{self, Happening};
use crate::scope::Tenant;
use crate::secrets::Place;
use crate::{Store, ids};

/// Random bytes in a signing key.
const SIGNING_KEY_BYTES: usize = 24;

/// Where messages go.
#[derive(Debug, Clone, PartialEq)]
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
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
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

/// What sending a message needs to know of its destination.
#[derive(Clone)]
pub struct DeliveryTarget {
    /// The name.
    pub name: String,
    /// Where to POST to; empty when the metadata names none.
    pub url: String,
    /// Headers that the builder wants added.
    pub headers: Vec<(String, String)>,
    /// The keys to sign with, `whsec_…`.
    pub signing_keys: Vec<SecretString>,
    /// Whether nothing should be sent.
    pub disabled: bool,
}

/// Headers may hold credentials, so neither they nor the keys are shown.
impl std::fmt::Debug for DeliveryTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryTarget")
            .field("name", &self.name)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl From<destination::Model> for Destination {
    fn from(row: destination::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            kind: row.kind,
            metadata: row.metadata.0,
            disabled: row.disabled,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

/// Where the signing key of a destination is sealed.
fn key_at(row: &str) -> Place<'_> {
    Place {
        table: "destination",
        column: "signing_key",
        row,
    }
}

/// A new key in the form of Standard Webhooks.
fn new_signing_key() -> SecretString {
    let mut bytes = [0_u8; SIGNING_KEY_BYTES];
    rand::fill(&mut bytes);
    SecretString::from(format!("whsec_{}", BASE64_STANDARD.encode(bytes)))
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
        let row = destination::Model {
            project_id: self.scope.project_id().to_owned(),
            name: new.name,
            kind: new.kind,
            metadata: Json(new.metadata),
            signing_key: keys.seal(key_at(&id), new_signing_key().expose_secret().as_bytes())?,
            disabled: false,
            create_time: At(now),
            update_time: None,
            id,
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone())
            .await
            .map_err(|error| or_conflict(error, "destination", || format!("name {}", row.name)))?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// Every destination of the project, oldest first.
    pub async fn destinations(&self) -> Result<Vec<Destination>> {
        let rows = destination::Entity::find()
            .filter(destination::Column::ProjectId.eq(self.scope.project_id()))
            .order_by_asc(destination::Column::Id)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(Destination::from).collect())
    }

    /// One destination.
    pub async fn destination(&self, id_or_name: &str) -> Result<Destination> {
        Ok(self.destination_row(id_or_name).await?.into())
    }

    /// The key with which its messages are signed, `whsec_…`.
    pub async fn destination_signing_key(&self, id: &str) -> Result<SecretString> {
        let row = self.destination_row(id).await?;
        let keys = &self.store.inner.keys;
        keys.open_text(key_at(&row.id), &row.signing_key)
    }

    async fn destination_row(&self, id_or_name: &str) -> Result<destination::Model> {
        let rows = destination::Entity::find()
            .filter(destination::Column::ProjectId.eq(self.scope.project_id()))
            .filter(
                destination::Column::Id
                    .eq(id_or_name)
                    .or(destination::Column::Name.eq(id_or_name)),
            )
            .all(self.store.read())
            .await?;
        // An identifier goes before a name that looks like one.
        rows.iter()
            .find(|row| row.id == id_or_name)
            .or(rows.first())
            .cloned()
            .ok_or_else(|| StoreError::not_found("destination", id_or_name))
    }
}

impl Store {
    /// What sending to a destination needs.
    pub async fn delivery_target(&self, destination_id: &str) -> Result<DeliveryTarget> {
        let row = destination::Entity::find_by_id(destination_id)
            .one(self.read())
            .await?
            .ok_or_else(|| StoreError::not_found("destination", destination_id))?;
        let keys = &self.inner.keys;
        let signing_key = keys.open_text(key_at(&row.id), &row.signing_key)?;
        let metadata = &row.metadata.0;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let headers = metadata.get("headers").and_then(Value::as_object);
        Ok(DeliveryTarget {
            url: metadata.get("url").and_then(text).unwrap_or_default(),
            headers: headers
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
                .collect(),
            signing_keys: vec![signing_key],
            disabled: row.disabled,
            name: row.name,
        })
    }

    /// Stops sending to a destination, and tells the others; its messages stay
    /// pending. One that is disabled already is left as it is.
    pub async fn disable_destination(&self, id: &str, now: Timestamp) -> Result<()> {
        let mut tx = self.write().await?;
        let changed = tx
            .execute(
                "UPDATE destination SET disabled = TRUE, update_time = $1 \
                 WHERE id = $2 AND NOT disabled",
                [ms(now).into(), id.into()],
            )
            .await?;
        if changed == 0 {
            let found = destination::Entity::find_by_id(id).one(tx.db()).await?;
            let found = found.map(drop);
            return found.ok_or_else(|| StoreError::not_found("destination", id));
        }
        notification::tell(&mut tx, Happening::DestinationDisabled(id), now).await?;
        tx.commit().await
    }
}

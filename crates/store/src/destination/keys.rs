//! The keys that messages are signed with: the present one and, for a day after
//! a rotation, the one before it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use sea_orm::EntityTrait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::metadata;
use crate::Store;
use crate::audit::note;
use crate::columns::ms;
use crate::entities::destination;
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::secrets::{MasterKeys, Place};

/// How long messages are also signed with the key before a rotation.
pub const KEY_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Random bytes in a signing key.
const SIGNING_KEY_BYTES: usize = 24;

/// What sending a message needs to know of its destination.
#[derive(Clone)]
pub struct DeliveryTarget {
    /// The name.
    pub name: String,
    /// Where to POST to; empty when the metadata names none.
    pub url: String,
    /// Headers that the builder wants added.
    pub headers: Vec<(String, String)>,
    /// The keys to sign with, `whsec_…`, the present one first.
    pub signing_keys: Vec<SecretString>,
}

/// Headers may hold credentials, so neither they nor the keys are shown.
impl std::fmt::Debug for DeliveryTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryTarget")
            .field("name", &self.name)
            .finish_non_exhaustive()
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

/// Where the key before that is sealed.
fn previous_key_at(row: &str) -> Place<'_> {
    Place {
        table: "destination",
        column: "previous_key",
        row,
    }
}

/// A new key in the form of Standard Webhooks.
fn new_signing_key() -> SecretString {
    let mut bytes = [0_u8; SIGNING_KEY_BYTES];
    rand::fill(&mut bytes);
    SecretString::from(format!("whsec_{}", BASE64_STANDARD.encode(bytes)))
}

/// A new key, sealed for the destination of that id.
pub(super) fn new_sealed(keys: &MasterKeys, id: &str) -> Result<Vec<u8>> {
    keys.seal(key_at(id), new_signing_key().expose_secret().as_bytes())
}

impl Tenant<'_> {
    /// The key with which its messages are signed, `whsec_…`.
    pub async fn destination_signing_key(&self, id: &str) -> Result<SecretString> {
        let row = self.destination_row(self.store.read(), id).await?;
        let keys = &self.store.inner.keys;
        keys.open_text(key_at(&row.id), &row.signing_key)
    }

    /// Gives a destination a new signing key. For [`KEY_OVERLAP`] its messages
    /// are signed with the present one too; a key before that is forgotten.
    pub async fn rotate_signing_key(&self, id_or_name: &str, now: Timestamp) -> Result<()> {
        let keys = &self.store.inner.keys;
        let tx = self.store.write().await?;
        let row = self.locked_destination(&tx, id_or_name).await?;
        let present = keys.open_text(key_at(&row.id), &row.signing_key)?;
        let previous = keys.seal(previous_key_at(&row.id), present.expose_secret().as_bytes())?;
        let until = now.saturating_add(KEY_OVERLAP).unwrap_or(Timestamp::MAX);
        tx.execute(
            "UPDATE destination SET signing_key = $2, previous_key = $3, \
             previous_key_until = $4, update_time = $5 WHERE id = $1",
            [
                row.id.as_str().into(),
                new_sealed(keys, &row.id)?.into(),
                previous.into(),
                ms(until).into(),
                ms(now).into(),
            ],
        )
        .await?;
        note(&tx, self.scope, "destination.rotate-secret", &row.id, now).await?;
        tx.commit().await
    }
}

impl Store {
    /// What sending to a destination needs.
    pub async fn delivery_target(
        &self,
        destination_id: &str,
        now: Timestamp,
    ) -> Result<DeliveryTarget> {
        let row = destination::Entity::find_by_id(destination_id)
            .one(self.read())
            .await?
            .ok_or_else(|| StoreError::not_found("destination", destination_id))?;
        let keys = &self.inner.keys;
        let mut signing_keys = vec![keys.open_text(key_at(&row.id), &row.signing_key)?];
        if let (Some(previous), Some(until)) = (&row.previous_key, row.previous_key_until)
            && until.0 > now
        {
            signing_keys.push(keys.open_text(previous_key_at(&row.id), previous)?);
        }
        let metadata = metadata::opened(keys, &row)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let headers = metadata.get("headers").and_then(Value::as_object);
        Ok(DeliveryTarget {
            url: metadata.get("url").and_then(text).unwrap_or_default(),
            headers: headers
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
                .collect(),
            signing_keys,
            name: row.name,
        })
    }
}

//! Destinations: where messages go. The signing key is sealed.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::Store;
use crate::error::Result;
use crate::scope::Tenant;

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
#[derive(Debug, Clone)]
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

impl Tenant<'_> {
    /// Creates a destination with a new signing key. `Conflict` when the name
    /// is taken.
    pub async fn create_destination(
        &self,
        new: NewDestination,
        now: Timestamp,
    ) -> Result<Destination> {
        todo!()
    }

    /// Every destination of the project, oldest first.
    pub async fn destinations(&self) -> Result<Vec<Destination>> {
        todo!()
    }

    /// One destination.
    pub async fn destination(&self, id_or_name: &str) -> Result<Destination> {
        todo!()
    }

    /// The key with which its messages are signed, `whsec_…`.
    pub async fn destination_signing_key(&self, id: &str) -> Result<SecretString> {
        todo!()
    }
}

impl Store {
    /// What sending to a destination needs.
    pub async fn delivery_target(&self, destination_id: &str) -> Result<DeliveryTarget> {
        todo!()
    }

    /// Stops sending to a destination; its messages stay pending.
    pub async fn disable_destination(&self, id: &str, now: Timestamp) -> Result<()> {
        todo!()
    }
}

//! Revisions: what an integration said at a deployment. They never change.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::Result;
use crate::scope::Tenant;

/// What an integration said at a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The identifier.
    pub id: String,
    /// The integration.
    pub integration_id: String,
    /// The manifest's `specVersion`.
    pub spec_version: String,
    /// The integration as the manifest declares it.
    pub content: Value,
    /// When it was deployed.
    pub create_time: Timestamp,
}

/// One integration of a manifest that is deployed.
#[derive(Debug, Clone)]
pub struct NewRevision {
    /// The integration's name.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// The manifest's `specVersion`.
    pub spec_version: String,
    /// The integration as the manifest declares it.
    pub content: Value,
}

impl Tenant<'_> {
    /// One revision.
    pub async fn revision(&self, id: &str) -> Result<Revision> {
        todo!()
    }
}

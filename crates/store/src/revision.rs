//! Revisions: what an integration said at a deployment. They never change.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::Value;

use crate::entities::{integration, revision};
use crate::error::{Result, StoreError};
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

impl From<revision::Model> for Revision {
    fn from(row: revision::Model) -> Self {
        Self {
            id: row.id,
            integration_id: row.integration_id,
            spec_version: row.spec_version,
            content: row.content.0,
            create_time: row.create_time.0,
        }
    }
}

impl Tenant<'_> {
    /// One revision.
    pub async fn revision(&self, id: &str) -> Result<Revision> {
        revision::Entity::find_by_id(id)
            .filter(
                revision::Column::IntegrationId.in_subquery(
                    integration::Entity::find()
                        .select_only()
                        .column(integration::Column::Id)
                        .filter(integration::Column::ProjectId.eq(self.scope.project_id()))
                        .into_query(),
                ),
            )
            .one(self.store.read())
            .await?
            .map(Revision::from)
            .ok_or_else(|| StoreError::not_found("revision", id))
    }
}

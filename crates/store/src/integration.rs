//! Integrations: what a manifest declares, by name, each with its revisions.

use jiff::Timestamp;

use crate::error::Result;
use crate::revision::{NewRevision, Revision};
use crate::scope::Tenant;

/// A named declaration of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The name, unique in the project.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
    /// What it says now.
    pub latest_revision: Revision,
}

impl Tenant<'_> {
    /// Deploys a manifest's integrations in one transaction, in their order:
    /// each is found by name or created, and gets a new revision unless its
    /// content is unchanged.
    pub async fn deploy(
        &self,
        revisions: Vec<NewRevision>,
        now: Timestamp,
    ) -> Result<Vec<Integration>> {
        todo!()
    }

    /// Every integration of the project, by name.
    pub async fn integrations(&self) -> Result<Vec<Integration>> {
        todo!()
    }

    /// One integration.
    pub async fn integration(&self, id_or_name: &str) -> Result<Integration> {
        todo!()
    }
}

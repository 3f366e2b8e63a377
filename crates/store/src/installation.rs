//! Installations: an integration as one customer has installed it, with what
//! it reads.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::Result;
use crate::operation::{OperationStatus, ReadType};
use crate::scope::Tenant;

/// An integration as one customer has installed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Installation {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The integration.
    pub integration_id: String,
    /// The connection that it works through.
    pub connection_id: String,
    /// The customer.
    pub group_ref: String,
    /// Who installed it.
    pub created_by: String,
    /// The identifier of the config.
    pub config_id: String,
    /// What the customer chose, the contract's config content.
    pub config: Value,
    /// When that was chosen.
    pub config_create_time: Timestamp,
    /// Who chose it.
    pub config_created_by: String,
    /// The revision that it was installed from.
    pub revision_id: String,
    /// The contract's word: `healthy` or `unhealthy`.
    pub health_status: String,
    /// How the latest operation went.
    pub last_operation_status: Option<OperationStatus>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// What an installation is made from.
#[derive(Debug, Clone)]
pub struct NewInstallation {
    /// The integration.
    pub integration_id: String,
    /// The revision that it is installed from.
    pub revision_id: String,
    /// The connection that it works through.
    pub connection_id: String,
    /// The customer.
    pub group_ref: String,
    /// Who installs it.
    pub created_by: String,
    /// What the customer chose.
    pub config: Value,
    /// What it reads.
    pub objects: Vec<NewSync>,
}

/// One object that an installation reads.
#[derive(Debug, Clone)]
pub struct NewSync {
    /// The provider's name of the object.
    pub object_name: String,
    /// A run to begin at once: an operation in progress and work that is due.
    pub run: Option<ReadType>,
    /// Where that run begins; `None` is the beginning.
    pub since: Option<Timestamp>,
    /// Where the next incremental read begins.
    pub watermark: Option<Timestamp>,
}

/// Which installations to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct InstallationFilter {
    /// Of this integration.
    pub integration_id: Option<String>,
    /// Of this customer.
    pub group_ref: Option<String>,
}

impl Tenant<'_> {
    /// Installs, in one transaction: the installation, what it reads, the
    /// operations that begin and their work. `Conflict` when the customer has
    /// installed that integration already.
    pub async fn install(&self, new: NewInstallation, now: Timestamp) -> Result<Installation> {
        todo!()
    }

    /// The installations that match, oldest first.
    pub async fn installations(&self, filter: InstallationFilter) -> Result<Vec<Installation>> {
        todo!()
    }

    /// One installation of an integration, which may be named by id or name.
    pub async fn installation(&self, integration_id: &str, id: &str) -> Result<Installation> {
        todo!()
    }
}

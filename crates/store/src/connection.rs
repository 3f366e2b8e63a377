//! Connections: one account of a customer at a provider.
//!
//! A project has one connection per provider and group; a new consent replaces
//! its credential and keeps the row, so that installations go on.

use jiff::Timestamp;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde_json::Value;

use crate::consumer::Consumer;
use crate::credential::Credential;
use crate::error::Result;
use crate::group::Group;
use crate::provider_app::ProviderApp;
use crate::scope::Tenant;

/// Whether a connection's credential works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ConnectionStatus {
    /// Not yet used.
    #[sea_orm(string_value = "created")]
    Created,
    /// Used, and it worked.
    #[sea_orm(string_value = "working")]
    Working,
    /// The provider refuses it.
    #[sea_orm(string_value = "bad_credentials")]
    BadCredentials,
}

impl ConnectionStatus {
    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Working => "working",
            Self::BadCredentials => "bad_credentials",
        }
    }
}

/// One account of a customer at a provider, without its credential.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The provider's name.
    pub provider: String,
    /// The OAuth client that the consent was given to.
    pub provider_app_id: Option<String>,
    /// The customer.
    pub group_ref: String,
    /// The person who connected.
    pub consumer_ref: String,
    /// The contract's word for the kind of credential.
    pub auth_scheme: String,
    /// Whether the credential works.
    pub status: ConnectionStatus,
    /// What the customer said besides giving consent.
    pub provider_metadata: Value,
    /// The provider's name of the workspace.
    pub provider_workspace_ref: Option<String>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// When the access token was issued.
    pub access_issued_at: Option<Timestamp>,
    /// When the access token expires.
    pub access_expires_at: Option<Timestamp>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// What a connection is made, or made again, from.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// The connection to renew; `None` finds it by provider and group.
    pub id: Option<String>,
    /// The provider's name.
    pub provider: String,
    /// The OAuth client that the consent was given to.
    pub provider_app_id: Option<String>,
    /// The customer, who must exist.
    pub group_ref: String,
    /// The person who connected, who must exist.
    pub consumer_ref: String,
    /// The contract's word for the kind of credential.
    pub auth_scheme: String,
    /// What the customer said besides giving consent.
    pub provider_metadata: Value,
    /// The provider's name of the workspace.
    pub provider_workspace_ref: Option<String>,
    /// The credential.
    pub credential: Credential,
}

/// Which connections to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct ConnectionFilter {
    /// Of this provider.
    pub provider: Option<String>,
    /// Of this customer.
    pub group_ref: Option<String>,
    /// Of this person.
    pub consumer_ref: Option<String>,
}

/// A connection with all that an answer shows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionDetails {
    /// The connection.
    pub connection: Connection,
    /// Its customer.
    pub group: Group,
    /// Its person.
    pub consumer: Consumer,
    /// Its OAuth client.
    pub provider_app: Option<ProviderApp>,
}

impl Tenant<'_> {
    /// Connects, or connects again: the credential is replaced and the status
    /// becomes `working`.
    pub async fn upsert_connection(
        &self,
        new: NewConnection,
        now: Timestamp,
    ) -> Result<Connection> {
        todo!()
    }

    /// The connections that match, oldest first.
    pub async fn connections(&self, filter: ConnectionFilter) -> Result<Vec<Connection>> {
        todo!()
    }

    /// One connection.
    pub async fn connection(&self, id: &str) -> Result<Connection> {
        todo!()
    }

    /// Groups, consumers and provider apps of these connections, in their
    /// order, in three queries however many they are.
    pub async fn connection_details(
        &self,
        connections: &[Connection],
    ) -> Result<Vec<ConnectionDetails>> {
        todo!()
    }
}

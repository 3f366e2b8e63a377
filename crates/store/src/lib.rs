//! Every SQL statement: one schema, on SQLite and on PostgreSQL.
//!
//! What always holds:
//! - A query over a project's rows is a method of [`Tenant`], which only a
//!   [`Scope`] makes, which only an [`Actor`] makes.
//! - Progress is one committed transaction whose first statement is the fence.
//! - On SQLite there is one writer, and it begins every transaction as
//!   IMMEDIATE; on PostgreSQL, claims skip locked rows and NOTIFY is part of
//!   the transaction.
//! - Tokens, client secrets, signing keys and custom headers are sealed; API keys are hashed.
//! - Time comes in as `now`; in the database it is milliseconds since 1970.

mod activity;
mod api_key;
pub mod archive;
mod audit;
mod budget;
mod columns;
mod connect;
mod connection;
mod connection_change;
mod consumer;
mod credential;
mod destination;
mod entities;
mod error;
mod examine;
mod faults;
mod group;
mod health;
pub mod ids;
mod install_link;
mod installation;
mod integration;
mod jwt_key;
mod manifest_upload;
mod migrations;
mod notification;
mod oauth_state;
mod object;
mod observe;
mod operation;
mod operation_log;
mod operation_search;
mod organization;
mod outbox;
mod overview;
mod passage;
mod pause;
mod project;
mod provider_app;
mod proxied;
mod prune;
mod reconcile;
mod removed;
mod revision;
mod rotation;
mod scope;
mod secrets;
mod seen;
mod statement;
mod sync;
mod triggered;
mod uninstall;
mod wake;
mod work;
mod write;

pub use activity::{Activity, Inventory};
pub use api_key::{ApiKey, ApiKeyChange, NewApiKey};
pub use audit::AuditEntry;
pub use budget::{
    Account, Ask, BudgetSnapshot, InstallationCalls, Lane, OwnLedger, PerLane, Refusal, Spend,
};
pub use connect::Migrated;
pub use connection::{
    Connection, ConnectionDetails, ConnectionFilter, ConnectionStatus, NewConnection,
};
pub use connection_change::ConnectionChange;
pub use consumer::Consumer;
pub use credential::{Credential, StoredCredential};
pub use destination::{
    DISABLE_AFTER, DeliveryTarget, Destination, DestinationChange, KEY_OVERLAP, MetadataChange,
    NewDestination, WhyDisabled,
};
pub use error::StoreError;
pub use examine::{Examination, HeldWork, KeptMessage};
pub use faults::{Faults, Moment};
pub use group::Group;
pub use install_link::{InstallLink, NewInstallLink};
pub use installation::{Installation, InstallationFilter, NewInstallation, NewSync};
pub use integration::Integration;
pub use jwt_key::JwtKey;
pub use manifest_upload::NewManifestUpload;
pub use notification::{
    ConfigPart, DestinationRoute, EventRoute, Happening, NotificationEvent, ReadEnded, Topic,
    WriteEnded,
};
pub use oauth_state::{NewOAuthState, OAuthStateTaken};
pub use observe::{Observation, SyncObservation, WorkObservation};
pub use operation::{Operation, OperationStatus, ReadType};
pub use operation_log::{LogEntry, NewLog};
pub use operation_search::{Installed, OperationFilter};
pub use organization::{
    Builder, Invite, InviteStatus, Joining, Member, NewBuilder, NewInvite, NewSession, OrgScope,
    OrgTenant, Organization, Role,
};
pub use outbox::{
    Acknowledged, Claimed, DELIVERY_LEASE, DeliveriesOverview, Delivery, DeliveryFilter,
    DeliveryOutcome, DeliveryPayload, DeliveryStatus, Inflater, LinkedResult, MOST_MESSAGE_BYTES,
    MOST_RECENT, MessageBody, NewMessage, OutboxMessage, PER_DESTINATION, Recent, Replay,
    ReplayOutcome, Room, compressed,
};
pub use overview::Overview;
pub use passage::{Passage, PassageWanted};
pub use project::{NewProject, Project, ProjectChange};
pub use provider_app::{NewProviderApp, ProviderApp, ProviderAppChange};
pub use proxied::{MOST_PROXIED, NewProxied};
pub use prune::{PRUNE_SUBJECT, Retention};
pub use reconcile::{Behind, Change, Deployed, NewConfig};
pub use revision::{NewRevision, Revision};
pub use rotation::{Rotation, RotationStep};
pub use scope::{Access, Actor, Scope, Tenant};
pub use secrets::MasterKeys;
pub use seen::SeenKey;
pub use sync::{Afterwards, PageCommit, ReadSubject, RunEnd, Sync};
pub use triggered::{NewTriggeredRead, ReadRange, Triggered};
pub use wake::WakeKind;
pub use work::{BACKFILL, INTERACTIVE, Kind, LEASE, Lease, RENEW_EVERY, SCHEDULED};
pub use write::{
    Accepted, LostRecord, NewWrite, RecordAnswer, Settled, Settlement, WriteAnswer, WriteJob,
    WriteKey, WriteMode, WriteRecord, WriteState, WriteSubject,
};

use std::sync::Arc;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One file, one process.
    Sqlite,
    /// A server, any number of processes.
    Postgres,
}

/// How to open the store.
#[derive(Clone)]
pub struct Settings {
    /// `sqlite:PATH`, or `postgres://…`.
    pub url: String,
    /// The PostgreSQL schema, created if absent; `None` is the search path.
    pub schema: Option<String>,
    /// The keys to seal with.
    pub keys: MasterKeys,
    /// The size of the pool; on SQLite, of the readers' pool.
    pub max_connections: u32,
}

/// The URL may hold a password, so it is not shown.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("schema", &self.schema)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// The database, ready for use. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) inner: Arc<connect::Inner>,
    /// Absent outside of tests.
    faults: Option<Arc<dyn Faults>>,
}

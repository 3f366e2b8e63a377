//! Connections: one account of a customer at a provider.
//!
//! A project has one connection per provider and group; a new consent replaces
//! its credential and keeps the row, so that installations go on.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
};
use serde_json::Value;

use crate::audit::note;
use crate::columns::{At, Words, ms};
use crate::connect::Tx;
use crate::consumer::Consumer;
use crate::credential::Credential;
use crate::entities::{connection, consumer, customer_group, provider_app};
use crate::error::{Result, StoreError, or_conflict};
use crate::group::Group;
use crate::ids;
use crate::notification::{self, Happening};
use crate::provider_app::ProviderApp;
use crate::reconcile;
use crate::scope::Tenant;
use crate::statement::{ROWS_PER_STATEMENT, page_of};
use crate::wake::WakeKind;
use crate::work::{self, Reads};

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

impl From<connection::Model> for Connection {
    fn from(row: connection::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            provider: row.provider,
            provider_app_id: row.provider_app_id,
            group_ref: row.group_ref,
            consumer_ref: row.consumer_ref,
            auth_scheme: row.auth_scheme,
            status: row.status,
            provider_metadata: row.provider_metadata.0,
            provider_workspace_ref: row.provider_workspace_ref,
            scopes: row.scopes.0,
            access_issued_at: At::opt(row.access_issued_at),
            access_expires_at: At::opt(row.access_expires_at),
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

impl Tenant<'_> {
    /// Connects, or connects again: the credential is replaced and the status
    /// becomes `working`. If it is to another workspace now, everything through
    /// it is read anew.
    pub async fn upsert_connection(
        &self,
        new: NewConnection,
        now: Timestamp,
    ) -> Result<Connection> {
        if let Some(id) = &new.provider_app_id {
            self.provider_app(id).await?;
        }
        let mut tx = self.store.write().await?;
        self.lock_people(&tx, &new).await?;
        let id = match self.existing(&tx, &new).await? {
            Some(known) => {
                self.renew(&mut tx, &known, &new, now).await?;
                let happening = Happening::ConnectionUpdated(&known.id);
                notification::tell(&mut tx, happening, now).await?;
                note(&tx, self.scope, "connection.update", &known.id, now).await?;
                known.id
            }
            None => {
                let id = self.insert(&tx, &new, now).await?;
                notification::tell(&mut tx, Happening::ConnectionCreated(&id), now).await?;
                note(&tx, self.scope, "connection.create", &id, now).await?;
                id
            }
        };
        let row = connection::Entity::find_by_id(&id)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("connection", id))?;
        tx.wake(WakeKind::Work).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// The connections that match, oldest first.
    pub async fn connections(&self, filter: ConnectionFilter) -> Result<Vec<Connection>> {
        let rows = self
            .matching_connections(filter)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(Connection::from).collect())
    }

    /// One page of the connections that match, oldest first, and where the next
    /// begins. `bad` leaves out those whose credential works.
    pub async fn connection_page(
        &self,
        filter: ConnectionFilter,
        bad: bool,
        size: u64,
        after: Option<String>,
    ) -> Result<(Vec<Connection>, Option<String>)> {
        let query = self
            .matching_connections(filter)
            .apply_if(
                bad.then_some(ConnectionStatus::BadCredentials),
                |query, status| query.filter(connection::Column::Status.eq(status)),
            )
            .apply_if(after, |query, id| {
                query.filter(connection::Column::Id.gt(id))
            })
            .limit(size.saturating_add(1));
        let rows = query.all(self.store.read()).await?;
        let found = rows.into_iter().map(Connection::from).collect();
        Ok(page_of(found, size, |last: &Connection| last.id.clone()))
    }

    fn matching_connections(&self, filter: ConnectionFilter) -> Select<connection::Entity> {
        let mut query = self.find_connections();
        let columns = [
            (connection::Column::Provider, filter.provider),
            (connection::Column::GroupRef, filter.group_ref),
            (connection::Column::ConsumerRef, filter.consumer_ref),
        ];
        for (column, wanted) in columns {
            query = query.apply_if(wanted, |query, wanted| query.filter(column.eq(wanted)));
        }
        query
    }

    /// One connection.
    pub async fn connection(&self, id: &str) -> Result<Connection> {
        self.find_connections()
            .filter(connection::Column::Id.eq(id))
            .one(self.store.read())
            .await?
            .map(Connection::from)
            .ok_or_else(|| StoreError::not_found("connection", id))
    }

    /// Groups, consumers and provider apps of these connections, in their
    /// order, in three queries for a thousand of them.
    pub async fn connection_details(
        &self,
        connections: &[Connection],
    ) -> Result<Vec<ConnectionDetails>> {
        let mut details = Vec::with_capacity(connections.len());
        for connections in connections.chunks(ROWS_PER_STATEMENT) {
            let people = People::of(self, connections).await?;
            for connection in connections {
                details.push(people.details(connection)?);
            }
        }
        Ok(details)
    }

    /// The connections that this scope sees, oldest first.
    fn find_connections(&self) -> Select<connection::Entity> {
        connection::Entity::find()
            .filter(connection::Column::ProjectId.eq(self.scope.project_id()))
            .apply_if(self.scope.group_ref(), |query, group| {
                query.filter(connection::Column::GroupRef.eq(group))
            })
            .order_by_asc(connection::Column::CreateTime)
            .order_by_asc(connection::Column::Id)
    }

    /// Checks that customer and person exist. The customer's row is locked, so
    /// that two consents at once do not both make a connection.
    async fn lock_people(&self, tx: &Tx<'_>, new: &NewConnection) -> Result<()> {
        let backend = self.store.backend();
        let project = self.scope.project_id();
        let visible = self
            .scope
            .group_ref()
            .is_none_or(|group| group == new.group_ref);
        let lock = format!(
            "SELECT group_ref FROM customer_group WHERE project_id = $1 AND group_ref = $2{}",
            backend.for_update()
        );
        let group = backend.sql(&lock, [project.into(), new.group_ref.as_str().into()]);
        if !visible || tx.db().query_one_raw(group).await?.is_none() {
            return Err(StoreError::not_found("group", &new.group_ref));
        }
        let consumer = backend.sql(
            "SELECT consumer_ref FROM consumer WHERE project_id = $1 AND consumer_ref = $2",
            [project.into(), new.consumer_ref.as_str().into()],
        );
        if tx.db().query_one_raw(consumer).await?.is_none() {
            return Err(StoreError::not_found("consumer", &new.consumer_ref));
        }
        Ok(())
    }

    /// The connection that a consent renews.
    async fn existing(
        &self,
        tx: &Tx<'_>,
        new: &NewConnection,
    ) -> Result<Option<connection::Model>> {
        let row = connection::Entity::find()
            .filter(connection::Column::ProjectId.eq(self.scope.project_id()))
            .filter(connection::Column::Provider.eq(&new.provider))
            .filter(connection::Column::GroupRef.eq(&new.group_ref))
            .apply_if(new.id.as_deref(), |query, id| {
                query.filter(connection::Column::Id.eq(id))
            })
            .one(tx.db())
            .await?;
        match (&new.id, row) {
            (Some(id), None) => Err(StoreError::not_found("connection", id)),
            (_, row) => Ok(row),
        }
    }

    async fn insert(&self, tx: &Tx<'_>, new: &NewConnection, now: Timestamp) -> Result<String> {
        let id = ids::new();
        tx.execute(
            "INSERT INTO connection (id, project_id, provider, provider_app_id, group_ref, \
             consumer_ref, auth_scheme, status, provider_metadata, provider_workspace_ref, \
             scopes, access_issued_at, access_expires_at, credential, credential_version, \
             create_time) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'working', $8, $9, $10, $11, $12, $13, 1, $14)",
            [
                id.as_str().into(),
                self.scope.project_id().into(),
                new.provider.as_str().into(),
                new.provider_app_id.as_deref().into(),
                new.group_ref.as_str().into(),
                new.consumer_ref.as_str().into(),
                new.auth_scheme.as_str().into(),
                new.provider_metadata.to_string().into(),
                new.provider_workspace_ref.as_deref().into(),
                Words(new.credential.scopes()).into(),
                new.credential.issued_ms(now).into(),
                new.credential.expires_ms().into(),
                new.credential.seal(&self.store.inner.keys, &id)?.into(),
                ms(now).into(),
            ],
        )
        .await
        .map_err(|error| or_conflict(error, "connection", || format!("group {}", new.group_ref)))?;
        Ok(id)
    }

    async fn renew(
        &self,
        tx: &mut Tx<'_>,
        known: &connection::Model,
        new: &NewConnection,
        now: Timestamp,
    ) -> Result<()> {
        let id = known.id.as_str();
        if known.provider_workspace_ref == new.provider_workspace_ref {
            // Reads that a refused credential has stopped go on at once.
            work::poke_reads(tx, Reads::Through(&known.id), now).await?;
        } else {
            // What was read is of another workspace: no page of it may follow, and
            // nothing that was learnt from it holds.
            work::recall_reads(tx, Reads::Through(&known.id), now).await?;
            let why = "The customer has connected another workspace";
            reconcile::begin_anew(tx, Reads::Through(&known.id), why, now).await?;
        }
        work::leave_line(tx, Reads::Through(&known.id), now).await?;
        tx.execute(
            "UPDATE connection SET provider_app_id = $2, consumer_ref = $3, auth_scheme = $4, \
             status = 'working', provider_metadata = $5, provider_workspace_ref = $6, \
             scopes = $7, access_issued_at = $8, access_expires_at = $9, credential = $10, \
             credential_version = credential_version + 1, update_time = $11 WHERE id = $1",
            [
                id.into(),
                new.provider_app_id.as_deref().into(),
                new.consumer_ref.as_str().into(),
                new.auth_scheme.as_str().into(),
                new.provider_metadata.to_string().into(),
                new.provider_workspace_ref.as_deref().into(),
                Words(new.credential.scopes()).into(),
                new.credential.issued_ms(now).into(),
                new.credential.expires_ms().into(),
                new.credential.seal(&self.store.inner.keys, id)?.into(),
                ms(now).into(),
            ],
        )
        .await?;
        Ok(())
    }
}

/// What connections refer to, by the column that refers to it.
struct People {
    groups: HashMap<String, Group>,
    consumers: HashMap<String, Consumer>,
    provider_apps: HashMap<String, ProviderApp>,
}

impl People {
    async fn of(tenant: &Tenant<'_>, connections: &[Connection]) -> Result<Self> {
        let project = tenant.scope.project_id();
        let db = tenant.store.read();
        let groups = customer_group::Entity::find()
            .filter(customer_group::Column::ProjectId.eq(project))
            .filter(
                customer_group::Column::GroupRef
                    .is_in(connections.iter().map(|one| &one.group_ref)),
            )
            .all(db)
            .await?;
        let consumers = consumer::Entity::find()
            .filter(consumer::Column::ProjectId.eq(project))
            .filter(
                consumer::Column::ConsumerRef
                    .is_in(connections.iter().map(|one| &one.consumer_ref)),
            )
            .all(db)
            .await?;
        let app_ids = connections
            .iter()
            .filter_map(|one| one.provider_app_id.as_deref());
        let provider_apps = provider_app::Entity::find()
            .filter(provider_app::Column::ProjectId.eq(project))
            .filter(provider_app::Column::Id.is_in(app_ids))
            .all(db)
            .await?;
        Ok(Self {
            groups: groups
                .into_iter()
                .map(|row| (row.group_ref.clone(), row.into()))
                .collect(),
            consumers: consumers
                .into_iter()
                .map(|row| (row.consumer_ref.clone(), row.into()))
                .collect(),
            provider_apps: provider_apps
                .into_iter()
                .map(|row| (row.id.clone(), row.into()))
                .collect(),
        })
    }

    fn details(&self, connection: &Connection) -> Result<ConnectionDetails> {
        let app = connection.provider_app_id.as_ref();
        Ok(ConnectionDetails {
            group: self
                .groups
                .get(&connection.group_ref)
                .cloned()
                .ok_or_else(|| StoreError::not_found("group", &connection.group_ref))?,
            consumer: self
                .consumers
                .get(&connection.consumer_ref)
                .cloned()
                .ok_or_else(|| StoreError::not_found("consumer", &connection.consumer_ref))?,
            provider_app: app.and_then(|id| self.provider_apps.get(id)).cloned(),
            connection: connection.clone(),
        })
    }
}

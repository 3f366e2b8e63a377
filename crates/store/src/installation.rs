//! Installations: an integration as one customer has installed it, with what
//! it reads.

use std::collections::HashSet;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};
use serde_json::Value;

use crate::Backend;
use crate::audit::note;
use crate::columns::{At, Json};
use crate::connect::Tx;
use crate::entities::{insert, installation, sync};
use crate::error::{Result, StoreError, or_conflict};
use crate::ids;
use crate::notification::{self, Happening};
use crate::operation::{self, OperationStatus, ReadType};
use crate::scope::Tenant;
use crate::statement::{ROWS_PER_STATEMENT, list, page_of};
use crate::wake::WakeKind;
use crate::work::{self, Kind};

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
    /// How the latest operation went.
    pub last_operation_status: Option<OperationStatus>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
    /// Whether objects that are added begin paused.
    pub reads_paused: bool,
}

/// What an installation is made from.
#[derive(Debug, Clone)]
pub struct NewInstallation {
    /// The integration.
    pub integration_id: String,
    /// The revision that it is installed from.
    pub revision_id: String,
    /// The revision by which `objects` were planned: the latest one.
    pub planned_by: String,
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
    /// `None`: the work sleeps until it is due or poked.
    pub run: Option<ReadType>,
    /// Where that run begins; `None` is the beginning.
    pub since: Option<Timestamp>,
    /// Where the next incremental read begins.
    pub watermark: Option<Timestamp>,
    /// When the next scheduled read is due; `None` is never.
    pub due_at: Option<Timestamp>,
}

/// Which installations to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct InstallationFilter {
    /// Of this integration.
    pub integration_id: Option<String>,
    /// Of this customer.
    pub group_ref: Option<String>,
}

impl From<installation::Model> for Installation {
    fn from(row: installation::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            integration_id: row.integration_id,
            connection_id: row.connection_id,
            group_ref: row.group_ref,
            created_by: row.created_by,
            config_id: row.config_id,
            config: row.config.0,
            config_create_time: row.config_create_time.0,
            config_created_by: row.config_created_by,
            revision_id: row.revision_id,
            last_operation_status: row.last_operation_status,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
            reads_paused: row.reads_paused,
        }
    }
}

/// Adds what an installation reads: its state, its work, and its first run.
pub(crate) async fn add_sync(
    tx: &Tx<'_>,
    installation: &installation::Model,
    new: NewSync,
    now: Timestamp,
) -> Result<()> {
    let mut operation_id = None;
    if let Some(read_type) = new.run {
        let operation = operation::read_of(installation, &new.object_name, read_type, now);
        operation_id = Some(operation.id.clone());
        insert(tx.db(), operation).await?;
    }
    let row = sync::Model {
        id: ids::at(now),
        installation_id: installation.id.clone(),
        object_name: new.object_name,
        operation_id,
        read_type: new.run,
        position: None,
        since: new.since.map(At),
        range: None,
        watermark: new.watermark.map(At),
        due_at: new.due_at.map(At),
        records_processed: 0,
        records_estimated_total: None,
        fresh_at: None,
        paused: installation.reads_paused,
        failed: false,
        backfill_due: false,
        definition: None,
    };
    insert(tx.db(), row.clone())
        .await
        .map_err(|error| or_conflict(error, "object", || row.object_name.clone()))?;
    let lane = new.run.map_or(work::SCHEDULED, ReadType::lane);
    let next_at = new.run.map(|_| now).or(new.due_at);
    work::add(tx, Kind::READ, &row.id, lane, next_at).await
}

/// Keeps an integration's latest revision from changing until the end of the
/// transaction. `Outdated` when it is not the one that something was planned by.
pub(crate) async fn still_latest(
    tx: &Tx<'_>,
    integration_id: &str,
    planned_by: &str,
) -> Result<()> {
    let lock = match tx.backend() {
        Backend::Sqlite => "",
        Backend::Postgres => " FOR SHARE",
    };
    let sql = format!("SELECT latest_revision_id FROM integration WHERE id = $1{lock}");
    let statement = tx.backend().sql(&sql, [integration_id.into()]);
    let row = tx.db().query_one_raw(statement).await?;
    let row = row.ok_or_else(|| StoreError::not_found("integration", integration_id))?;
    let latest: String = row.try_get("", "latest_revision_id")?;
    if latest == planned_by {
        Ok(())
    } else {
        Err(StoreError::Outdated)
    }
}

impl Tenant<'_> {
    /// Installs, in one transaction: the installation, what it reads, the
    /// operations that begin and their work. `Conflict` when the customer has
    /// installed that integration already, `Outdated` when the integration has a
    /// later revision than the one that this was planned by.
    pub async fn install(&self, new: NewInstallation, now: Timestamp) -> Result<Installation> {
        let integration = self.integration(&new.integration_id).await?;
        let revision = self.revision(&new.revision_id).await?;
        if revision.integration_id != integration.id {
            return Err(StoreError::not_found("revision", new.revision_id));
        }
        let connection = self.connection(&new.connection_id).await?;
        if connection.group_ref != new.group_ref {
            return Err(StoreError::not_found("connection", new.connection_id));
        }
        let starts = new.objects.iter().any(|object| object.run.is_some());
        let row = installation::Model {
            id: ids::new(),
            project_id: self.scope.project_id().to_owned(),
            integration_id: integration.id,
            connection_id: connection.id,
            group_ref: new.group_ref,
            created_by: new.created_by.clone(),
            config_id: ids::new(),
            config: Json(new.config),
            config_create_time: At(now),
            config_created_by: new.created_by,
            revision_id: revision.id,
            last_operation_status: starts.then_some(OperationStatus::InProgress),
            create_time: At(now),
            update_time: None,
            reads_paused: false,
            reconciled_revision_id: Some(new.planned_by.clone()),
        };
        let mut tx = self.store.write().await?;
        still_latest(&tx, &row.integration_id, &new.planned_by).await?;
        insert(tx.db(), row.clone()).await.map_err(|error| {
            or_conflict(error, "installation", || format!("group {}", row.group_ref))
        })?;
        for object in new.objects {
            add_sync(&tx, &row, object, now).await?;
        }
        if starts {
            tx.wake(WakeKind::Work).await?;
        }
        notification::tell(&mut tx, Happening::InstallationCreated(&row.id), now).await?;
        note(&tx, self.scope, "installation.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// The installations that match, oldest first.
    pub async fn installations(&self, filter: InstallationFilter) -> Result<Vec<Installation>> {
        let rows = self
            .matching_installations(filter)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(Installation::from).collect())
    }

    fn matching_installations(&self, filter: InstallationFilter) -> Select<installation::Entity> {
        self.find_installations()
            .apply_if(filter.integration_id, |query, id| {
                query.filter(installation::Column::IntegrationId.eq(id))
            })
            .apply_if(filter.group_ref, |query, group| {
                query.filter(installation::Column::GroupRef.eq(group))
            })
    }

    /// One page of the installations that match, oldest first, and where the next
    /// begins.
    pub async fn installation_page(
        &self,
        filter: InstallationFilter,
        size: u64,
        after: Option<String>,
    ) -> Result<(Vec<Installation>, Option<String>)> {
        let query = self
            .matching_installations(filter)
            .apply_if(after, |query, id| {
                query.filter(installation::Column::Id.gt(id))
            })
            .limit(size.saturating_add(1));
        let rows = query.all(self.store.read()).await?;
        let found = rows.into_iter().map(Installation::from).collect();
        Ok(page_of(found, size, |last: &Installation| last.id.clone()))
    }

    /// One installation of any integration.
    pub async fn any_installation(&self, id: &str) -> Result<Installation> {
        self.find_installations()
            .filter(installation::Column::Id.eq(id))
            .one(self.store.read())
            .await?
            .map(Installation::from)
            .ok_or_else(|| StoreError::not_found("installation", id))
    }

    /// One installation of an integration, which may be named by id or name.
    pub async fn installation(&self, integration_id: &str, id: &str) -> Result<Installation> {
        let integration = self.integration(integration_id).await?;
        self.find_installations()
            .filter(installation::Column::IntegrationId.eq(integration.id))
            .filter(installation::Column::Id.eq(id))
            .one(self.store.read())
            .await?
            .map(Installation::from)
            .ok_or_else(|| StoreError::not_found("installation", id))
    }

    /// Those of these installations that do not work as they should: the
    /// connection's credential is refused, or the last run of an object was given up.
    pub async fn unhealthy(&self, installation_ids: &[&str]) -> Result<HashSet<String>> {
        let mut unhealthy = HashSet::new();
        for ids in installation_ids.chunks(ROWS_PER_STATEMENT) {
            let sql = format!(
                "SELECT i.id FROM installation i JOIN connection c ON c.id = i.connection_id \
                 WHERE i.project_id = $1 AND i.id IN ({}) AND (c.status = 'bad_credentials' \
                 OR EXISTS (SELECT 1 FROM sync s WHERE s.installation_id = i.id AND s.failed))",
                list(2, ids.len())
            );
            let mut values: Vec<sea_orm::Value> = vec![self.scope.project_id().into()];
            values.extend(ids.iter().map(|id| (*id).into()));
            let statement = self.store.backend().sql_many(&sql, values);
            for row in self.store.read().query_all_raw(statement).await? {
                unhealthy.insert(row.try_get("", "id")?);
            }
        }
        Ok(unhealthy)
    }

    /// The installations that this scope sees, oldest first.
    pub(crate) fn find_installations(&self) -> Select<installation::Entity> {
        installation::Entity::find()
            .filter(installation::Column::ProjectId.eq(self.scope.project_id()))
            .apply_if(self.scope.group_ref(), |query, group| {
                query.filter(installation::Column::GroupRef.eq(group))
            })
            .order_by_asc(installation::Column::Id)
    }
}

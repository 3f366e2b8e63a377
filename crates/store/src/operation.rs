//! Operations: runs that a builder can look at.

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};

use crate::columns::At;
use crate::entities::{installation, operation};
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::statement::page_of;
use crate::{ids, work};

/// Why a read runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ReadType {
    /// Once, after the install.
    #[sea_orm(string_value = "backfill")]
    Backfill,
    /// The manifest's schedule.
    #[sea_orm(string_value = "scheduled")]
    Scheduled,
    /// Somebody asked.
    #[sea_orm(string_value = "triggered")]
    Triggered,
}

impl ReadType {
    /// The lane of its work.
    pub(crate) fn lane(self) -> i32 {
        match self {
            Self::Triggered => work::INTERACTIVE,
            Self::Scheduled => work::SCHEDULED,
            Self::Backfill => work::BACKFILL,
        }
    }

    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Scheduled => "scheduled",
            Self::Triggered => "triggered",
        }
    }
}

/// How a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OperationStatus {
    /// Not yet at its end.
    #[sea_orm(string_value = "in_progress")]
    InProgress,
    /// Done.
    #[sea_orm(string_value = "success")]
    Success,
    /// Given up.
    #[sea_orm(string_value = "failure")]
    Failure,
}

impl OperationStatus {
    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The integration.
    pub integration_id: String,
    /// The installation.
    pub installation_id: String,
    /// The config that it began with.
    pub config_id: String,
    /// The contract's word, such as `read`.
    pub action_type: String,
    /// How it goes.
    pub status: OperationStatus,
    /// A sentence about what came of it.
    pub result: Option<String>,
    /// The provider's name of the object.
    pub object_name: String,
    /// Why it runs, for a read.
    pub read_type: Option<ReadType>,
    /// Records processed so far.
    pub records_processed: i64,
    /// How many there will be, where the provider says.
    pub records_estimated_total: Option<i64>,
    /// When it began.
    pub create_time: Timestamp,
    /// When it last moved.
    pub update_time: Option<Timestamp>,
}

impl From<operation::Model> for Operation {
    fn from(row: operation::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            integration_id: row.integration_id,
            installation_id: row.installation_id,
            config_id: row.config_id,
            action_type: row.action_type,
            status: row.status,
            result: row.result,
            object_name: row.object_name,
            read_type: row.read_type,
            records_processed: row.records_processed,
            records_estimated_total: row.records_estimated_total,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

/// The row of a read that begins.
pub(crate) fn read_of(
    installation: &installation::Model,
    object_name: &str,
    read_type: ReadType,
    now: Timestamp,
) -> operation::Model {
    operation::Model {
        id: ids::new(),
        project_id: installation.project_id.clone(),
        integration_id: installation.integration_id.clone(),
        installation_id: installation.id.clone(),
        config_id: installation.config_id.clone(),
        action_type: "read".to_owned(),
        status: OperationStatus::InProgress,
        result: None,
        object_name: object_name.to_owned(),
        read_type: Some(read_type),
        records_processed: 0,
        records_estimated_total: None,
        create_time: At(now),
        update_time: None,
    }
}

/// The row of a write of so many records that begins.
pub(crate) fn write_of(
    installation: &installation::Model,
    object_name: &str,
    records: usize,
    now: Timestamp,
) -> operation::Model {
    operation::Model {
        action_type: "write".to_owned(),
        read_type: None,
        records_estimated_total: i64::try_from(records).ok(),
        ..read_of(installation, object_name, ReadType::Triggered, now)
    }
}

impl Tenant<'_> {
    /// One page of an installation's operations, newest first, and the token
    /// of the next page.
    pub async fn operations(
        &self,
        installation_id: &str,
        page_size: u64,
        page_token: Option<String>,
    ) -> Result<(Vec<Operation>, Option<String>)> {
        let rows = self
            .find_operations()
            .filter(operation::Column::InstallationId.eq(installation_id))
            .apply_if(page_token, |query, token| {
                query.filter(operation::Column::Id.lt(token))
            })
            .limit(page_size.saturating_add(1))
            .all(self.store.read())
            .await?;
        let found = rows.into_iter().map(Operation::from).collect();
        Ok(page_of(found, page_size, |last: &Operation| {
            last.id.clone()
        }))
    }

    /// One operation.
    pub async fn operation(&self, id: &str) -> Result<Operation> {
        self.find_operations()
            .filter(operation::Column::Id.eq(id))
            .one(self.store.read())
            .await?
            .map(Operation::from)
            .ok_or_else(|| StoreError::not_found("operation", id))
    }

    /// The newest backfill of an object.
    pub async fn latest_backfill(
        &self,
        installation_id: &str,
        object_name: &str,
    ) -> Result<Operation> {
        self.find_operations()
            .filter(operation::Column::InstallationId.eq(installation_id))
            .filter(operation::Column::ObjectName.eq(object_name))
            .filter(operation::Column::ReadType.eq(ReadType::Backfill))
            .one(self.store.read())
            .await?
            .map(Operation::from)
            .ok_or_else(|| StoreError::not_found("backfill of", object_name))
    }

    /// The operations that this scope sees, newest first.
    pub(crate) fn find_operations(&self) -> Select<operation::Entity> {
        let project = self.scope.project_id();
        operation::Entity::find()
            .filter(operation::Column::ProjectId.eq(project))
            .apply_if(self.scope.group_ref(), |query, group| {
                let installations = installation::Entity::find()
                    .select_only()
                    .column(installation::Column::Id)
                    .filter(installation::Column::ProjectId.eq(project))
                    .filter(installation::Column::GroupRef.eq(group));
                query.filter(
                    operation::Column::InstallationId.in_subquery(installations.into_query()),
                )
            })
            .order_by_desc(operation::Column::Id)
    }
}

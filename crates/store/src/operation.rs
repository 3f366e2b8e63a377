//! Operations: runs that a builder can look at.

use jiff::Timestamp;
use sea_orm::{DeriveActiveEnum, EnumIter};

use crate::error::Result;
use crate::scope::Tenant;

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

impl Tenant<'_> {
    /// One page of an installation's operations, newest first, and the token
    /// of the next page.
    pub async fn operations(
        &self,
        installation_id: &str,
        page_size: u64,
        page_token: Option<String>,
    ) -> Result<(Vec<Operation>, Option<String>)> {
        todo!()
    }

    /// One operation.
    pub async fn operation(&self, id: &str) -> Result<Operation> {
        todo!()
    }

    /// The newest backfill of an object.
    pub async fn latest_backfill(
        &self,
        installation_id: &str,
        object_name: &str,
    ) -> Result<Operation> {
        todo!()
    }
}

//! The table `sync`: one object of one installation.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json, Span};
use crate::operation::ReadType;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sync")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) installation_id: String,
    pub(crate) object_name: String,
    pub(crate) operation_id: Option<String>,
    pub(crate) read_type: Option<ReadType>,
    pub(crate) position: Option<String>,
    pub(crate) since: Option<At>,
    pub(crate) range: Option<Span>,
    pub(crate) watermark: Option<At>,
    pub(crate) due_at: Option<At>,
    pub(crate) records_processed: i64,
    pub(crate) records_estimated_total: Option<i64>,
    pub(crate) fresh_at: Option<At>,
    pub(crate) paused: bool,
    pub(crate) failed: bool,
    pub(crate) backfill_due: bool,
    pub(crate) definition: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

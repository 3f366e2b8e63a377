//! The table `installation`.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json};
use crate::operation::OperationStatus;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) integration_id: String,
    pub(crate) connection_id: String,
    pub(crate) group_ref: String,
    pub(crate) created_by: String,
    pub(crate) config_id: String,
    pub(crate) config: Json,
    pub(crate) config_create_time: At,
    pub(crate) config_created_by: String,
    pub(crate) revision_id: String,
    pub(crate) last_operation_status: Option<OperationStatus>,
    pub(crate) create_time: At,
    pub(crate) update_time: Option<At>,
    pub(crate) reads_paused: bool,
    pub(crate) reconciled_revision_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

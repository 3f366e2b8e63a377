//! The table `operation`. The group is the installation's.

use sea_orm::entity::prelude::*;

use crate::columns::At;
use crate::operation::{OperationStatus, ReadType};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) integration_id: String,
    pub(crate) installation_id: String,
    pub(crate) config_id: String,
    pub(crate) action_type: String,
    pub(crate) status: OperationStatus,
    pub(crate) result: Option<String>,
    pub(crate) object_name: String,
    pub(crate) read_type: Option<ReadType>,
    pub(crate) records_processed: i64,
    pub(crate) records_estimated_total: Option<i64>,
    pub(crate) create_time: At,
    pub(crate) update_time: Option<At>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! The table `operation_log`.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operation_log")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) operation_id: String,
    pub(crate) timestamp: At,
    pub(crate) severity: String,
    pub(crate) msg: String,
    pub(crate) error: Option<String>,
    pub(crate) details: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

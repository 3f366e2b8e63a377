//! The table `customer_group`; `group` is a word of SQL.

use sea_orm::entity::prelude::*;

use crate::columns::At;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_group")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) project_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) group_ref: String,
    pub(crate) name: String,
    pub(crate) create_time: At,
    pub(crate) update_time: Option<At>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

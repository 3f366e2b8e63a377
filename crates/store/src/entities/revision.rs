//! The table `revision`.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "revision")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) integration_id: String,
    pub(crate) spec_version: String,
    pub(crate) content: Json,
    pub(crate) create_time: At,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

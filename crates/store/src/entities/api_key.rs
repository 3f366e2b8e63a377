//! The table `api_key`. `digest` is the SHA-256 of the whole key in hexadecimal.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Words};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) key: String,
    pub(crate) digest: String,
    pub(crate) label: Option<String>,
    pub(crate) scopes: Words,
    pub(crate) active: bool,
    pub(crate) create_time: At,
    pub(crate) update_time: Option<At>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

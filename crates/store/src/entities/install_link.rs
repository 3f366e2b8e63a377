//! The table `install_link`: links to the hosted install page.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "install_link")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) integration_id: String,
    pub(crate) group_ref: String,
    pub(crate) group_name: Option<String>,
    pub(crate) consumer_ref: String,
    pub(crate) consumer_name: Option<String>,
    pub(crate) theme: Json,
    pub(crate) created_by: String,
    pub(crate) expires_at: At,
    pub(crate) revoke_time: Option<At>,
    pub(crate) create_time: At,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

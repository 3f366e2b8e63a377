//! The table `provider_app`. `client_secret` is sealed.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json, Words};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_app")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) external_ref: Option<String>,
    pub(crate) provider: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Vec<u8>,
    pub(crate) scopes: Words,
    pub(crate) metadata: Option<Json>,
    pub(crate) create_time: At,
    pub(crate) update_time: Option<At>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

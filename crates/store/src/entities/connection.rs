//! The table `connection`, without the columns of its credential and of the lock
//! under which that is refreshed.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json, Words};
use crate::connection::ConnectionStatus;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connection")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) provider: String,
    pub(crate) provider_app_id: Option<String>,
    pub(crate) group_ref: String,
    pub(crate) consumer_ref: String,
    pub(crate) auth_scheme: String,
    pub(crate) status: ConnectionStatus,
    pub(crate) provider_metadata: Json,
    pub(crate) provider_workspace_ref: Option<String>,
    pub(crate) scopes: Words,
    pub(crate) access_issued_at: Option<At>,
    pub(crate) access_expires_at: Option<At>,
    pub(crate) create_time: At,
    pub(crate) update_time: Option<At>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

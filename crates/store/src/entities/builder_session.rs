//! The table `builder_session`: who is signed in, by the hash of the token.

use sea_orm::entity::prelude::*;

use crate::columns::At;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "builder_session")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: String,
    pub(crate) builder_id: String,
    pub(crate) expires_at: At,
    pub(crate) create_time: At,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

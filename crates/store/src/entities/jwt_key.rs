//! The table `jwt_key`: public keys that a project's tokens are verified with.

use sea_orm::entity::prelude::*;

use crate::columns::At;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jwt_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) label: String,
    pub(crate) public_key_pem: String,
    pub(crate) active: bool,
    pub(crate) create_time: At,
    pub(crate) update_time: At,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

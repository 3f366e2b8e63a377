//! The table `destination`. `signing_key`, `previous_key`
//! and `headers` are sealed.

use sea_orm::entity::prelude::*;

use crate::columns::{At, Json};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "destination")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) metadata: Json,
    pub(crate) headers: Option<Vec<u8>>,
    pub(crate) ordered: bool,
    pub(crate) last_seq: i64,
    pub(crate) signing_key: Vec<u8>,
    pub(crate) previous_key: Option<Vec<u8>>,
    pub(crate) previous_key_until: Option<At>,
    pub(crate) disabled: bool,
    pub(crate) failing_since: Option<At>,
    pub(crate) create_time: At,
    pub(crate) update_time: Option<At>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! The table `membership`: who belongs to which organisation, and as what.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{QuerySelect, QueryTrait};

use crate::columns::At;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "membership")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) builder_id: String,
    pub(crate) role: String,
    pub(crate) create_time: At,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The identifiers of an organisation's members, as a subquery.
    pub(crate) fn ids_of_members(org_id: &str) -> SelectStatement {
        Self::find()
            .select_only()
            .column(Column::BuilderId)
            .filter(Column::OrgId.eq(org_id))
            .into_query()
    }

    /// The identifiers of a builder's organisations, as a subquery.
    pub(crate) fn ids_of_organizations(builder_id: &str) -> SelectStatement {
        Self::find()
            .select_only()
            .column(Column::OrgId)
            .filter(Column::BuilderId.eq(builder_id))
            .into_query()
    }
}

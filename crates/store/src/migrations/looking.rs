//! What the dashboard is read from.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Replaces two indexes by wider ones.
pub(super) struct Looking;

impl MigrationName for Looking {
    fn name(&self) -> &'static str {
        "0042_looking"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Looking {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("looking.sql")).await
    }
}

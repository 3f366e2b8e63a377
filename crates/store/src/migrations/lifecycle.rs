//! What the life of a sync needs besides its progress: pauses, kept definitions.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Adds columns to `sync` and `installation`.
pub(super) struct Lifecycle;

impl MigrationName for Lifecycle {
    fn name(&self) -> &'static str {
        "0003_lifecycle"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Lifecycle {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("lifecycle.sql")).await
    }
}

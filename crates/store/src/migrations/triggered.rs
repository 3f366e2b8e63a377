//! The queue of reads that somebody asked for.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `triggered_read`, and the range of a run in `sync`.
pub(super) struct Triggered;

impl MigrationName for Triggered {
    fn name(&self) -> &'static str {
        "0004_triggered"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Triggered {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("triggered.sql")).await
    }
}

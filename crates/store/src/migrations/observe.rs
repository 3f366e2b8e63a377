//! What the metrics are read from.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Adds `sync.fresh_at`, and indexes for counting.
pub(super) struct Observe;

impl MigrationName for Observe {
    fn name(&self) -> &'static str {
        "0011_observe"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Observe {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("observe.sql")).await
    }
}

//! What a project did over time.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Lets it be counted.
pub(super) struct Activity;

impl MigrationName for Activity {
    fn name(&self) -> &'static str {
        "0037_activity"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Activity {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("activity.sql")).await
    }
}

//! What was delivered, kept in the order of versions.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Orders `seen_key` anew.
pub(super) struct SeenByVersion;

impl MigrationName for SeenByVersion {
    fn name(&self) -> &'static str {
        "0010_seen_by_version"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SeenByVersion {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("seen_by_version.sql")).await
    }
}

//! Who did what that somebody may ask about later.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `audit_entry`.
pub(super) struct Audit;

impl MigrationName for Audit {
    fn name(&self) -> &'static str {
        "0012_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Audit {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("audit.sql")).await
    }
}

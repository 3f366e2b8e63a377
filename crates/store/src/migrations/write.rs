//! Writes, their records, and the keys of requests that may be repeated.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `write_job`, `write_record` and `write_key`.
pub(super) struct Write;

impl MigrationName for Write {
    fn name(&self) -> &'static str {
        "0031_write"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Write {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("write.sql")).await
    }
}

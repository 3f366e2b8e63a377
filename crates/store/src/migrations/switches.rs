//! What a project wants kept of proxied calls, and how long a collected write is
//! tried.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Adds a column to `project` and to `write_job`.
pub(super) struct Switches;

impl MigrationName for Switches {
    fn name(&self) -> &'static str {
        "0043_switches"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Switches {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("switches.sql")).await
    }
}

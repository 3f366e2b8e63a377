//! The first schema.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates every table.
pub(super) struct Initial;

impl MigrationName for Initial {
    fn name(&self) -> &'static str {
        "0001_initial"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Initial {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("initial.sql")).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            // The bodies are compressed already.
            let db = manager.get_connection();
            db.execute_unprepared(
                "ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL, \
                 ALTER COLUMN envelope SET STORAGE EXTERNAL",
            )
            .await?;
        }
        Ok(())
    }
}

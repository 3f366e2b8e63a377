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
        let schema = include_str!("initial.sql");
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            let schema = schema
                .replace("{bytewise}", "\"C\"")
                .replace("{clustered}", "");
            db.execute_unprepared(&schema).await?;
            // The bodies are compressed already.
            db.execute_unprepared(
                "ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL, \
                 ALTER COLUMN envelope SET STORAGE EXTERNAL",
            )
            .await?;
        } else {
            let schema = schema
                .replace("BYTEA", "BLOB")
                .replace("{bytewise}", "BINARY")
                .replace("{clustered}", " WITHOUT ROWID");
            db.execute_unprepared(&schema).await?;
        }
        Ok(())
    }
}

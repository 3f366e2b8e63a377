//! The schema, as migrations that are only ever added to.
//!
//! One text serves both databases: only the name of the binary type and a few
//! storage options differ.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

mod initial;
mod manifest_upload;
mod seen_by_version;

/// Every migration, oldest first.
#[derive(Debug)]
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(initial::Initial),
            Box::new(manifest_upload::ManifestUpload),
            Box::new(seen_by_version::SeenByVersion),
        ]
    }
}

/// Executes a schema in the words of the database at hand.
async fn execute(manager: &SchemaManager<'_>, schema: &str) -> Result<(), DbErr> {
    let schema = if manager.get_database_backend() == DbBackend::Postgres {
        schema
            .replace("{bytewise}", "\"C\"")
            .replace("{clustered}", "")
    } else {
        schema
            .replace("BYTEA", "BLOB")
            .replace("{bytewise}", "BINARY")
            .replace("{clustered}", " WITHOUT ROWID")
    };
    let db = manager.get_connection();
    db.execute_unprepared(&schema).await.map(drop)
}

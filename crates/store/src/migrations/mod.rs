//! The schema, as migrations that are only ever added to.
//!
//! One text serves both databases: only the name of the binary type and a few
//! storage options differ.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

use crate::error::{Result as StoreResult, StoreError};

mod activity;
mod audit;
mod budget;
mod builder;
mod delivery;
mod initial;
mod install_link;
mod jwt_key;
mod lifecycle;
mod looking;
mod manifest_upload;
mod notifications;
mod observe;
mod seen_by_version;
mod storage;
mod switches;
mod triggered;
mod write;

/// Every migration, oldest first.
#[derive(Debug)]
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(initial::Initial),
            Box::new(manifest_upload::ManifestUpload),
            Box::new(lifecycle::Lifecycle),
            Box::new(triggered::Triggered),
            Box::new(delivery::Delivery),
            Box::new(storage::Storage),
            Box::new(notifications::Notifications),
            Box::new(budget::Budget),
            Box::new(seen_by_version::SeenByVersion),
            Box::new(observe::Observe),
            Box::new(audit::Audit),
            Box::new(jwt_key::JwtKey),
            Box::new(builder::Builder),
            Box::new(write::Write),
            Box::new(activity::Activity),
            Box::new(install_link::InstallLink),
            Box::new(looking::Looking),
            Box::new(switches::Switches),
        ]
    }
}

/// The names of every migration, oldest first.
pub(crate) fn names() -> Vec<String> {
    let migrations = Migrations::migrations();
    migrations.iter().map(|m| m.name().to_owned()).collect()
}

/// The names of the migrations that were applied to a database, oldest first.
pub(crate) async fn applied(db: &DatabaseTransaction) -> StoreResult<Vec<String>> {
    Migrations::install(db).await?;
    let applied = Migrations::get_migration_models(db).await?;
    Ok(applied.into_iter().map(|m| m.version).collect())
}

/// The names of the migrations that a database still needs.
///
/// # Errors
/// `Newer` when it has one that is not known here.
pub(crate) async fn pending(db: &DatabaseTransaction) -> StoreResult<Vec<String>> {
    let applied = applied(db).await?;
    let known = names();
    if let Some(migration) = applied.iter().find(|name| !known.contains(name)) {
        let migration = migration.clone();
        return Err(StoreError::Newer { migration });
    }
    Ok(known.into_iter().filter(|n| !applied.contains(n)).collect())
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

#[cfg(test)]
mod tests {
    /// A backup names them in the order in which a database has them.
    #[test]
    fn migrations_stand_in_the_order_of_their_numbers() {
        assert!(super::names().is_sorted());
    }
}

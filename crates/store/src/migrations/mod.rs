//! The schema, as migrations that are only ever added to.
//!
//! One text serves both databases: only the name of the binary type and a few
//! storage options differ.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod initial;

/// Every migration, oldest first.
#[derive(Debug)]
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(initial::Initial)]
    }
}

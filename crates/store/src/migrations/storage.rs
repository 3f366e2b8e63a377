//! Object keys and sizes in the outbox, objects that nothing names, and what
//! finding old rows needs.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Adds to `outbox`, creates `loose_object` and the trigger that fills it.
pub(super) struct Storage;

/// Rows also go when their destination or their project does, so the database
/// itself must see that their objects are not forgotten.
const SQLITE_TRIGGER: &str = "CREATE TRIGGER outbox_object_loose AFTER DELETE ON outbox \
    WHEN OLD.object_key IS NOT NULL BEGIN \
    INSERT INTO loose_object (key, loose_since, doomed) VALUES (OLD.object_key, 0, TRUE) \
    ON CONFLICT (key) DO UPDATE SET doomed = TRUE, loose_since = 0; END";

const POSTGRES_TRIGGER: &str = "CREATE OR REPLACE FUNCTION outbox_object_loose() RETURNS trigger LANGUAGE plpgsql AS $$ \
    BEGIN INSERT INTO loose_object (key, loose_since, doomed) VALUES (OLD.object_key, 0, TRUE) \
    ON CONFLICT (key) DO UPDATE SET doomed = TRUE, loose_since = 0; RETURN OLD; END $$; \
    CREATE TRIGGER outbox_object_loose AFTER DELETE ON outbox FOR EACH ROW \
    WHEN (OLD.object_key IS NOT NULL) EXECUTE FUNCTION outbox_object_loose()";

impl MigrationName for Storage {
    fn name(&self) -> &'static str {
        "0006_storage"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Storage {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("storage.sql")).await?;
        let trigger = if manager.get_database_backend() == DbBackend::Postgres {
            POSTGRES_TRIGGER
        } else {
            SQLITE_TRIGGER
        };
        let db = manager.get_connection();
        db.execute_unprepared(trigger).await.map(drop)
    }
}

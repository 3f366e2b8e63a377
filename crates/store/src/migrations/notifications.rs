//! Topics, and the routes that lead to and from them.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `topic`, `event_topic_route` and `topic_destination_route`.
pub(super) struct Notifications;

impl MigrationName for Notifications {
    fn name(&self) -> &'static str {
        "0007_notifications"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Notifications {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("notifications.sql")).await
    }
}

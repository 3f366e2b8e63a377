//! Order, replays, rotation and rates of deliveries.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Extends `destination` and `outbox`, creates `delivery_rate`.
pub(super) struct Delivery;

impl MigrationName for Delivery {
    fn name(&self) -> &'static str {
        "0005_delivery"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Delivery {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("delivery.sql")).await
    }
}

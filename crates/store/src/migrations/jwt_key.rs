//! Public keys that a project signs its tokens with.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `jwt_key`.
pub(super) struct JwtKey;

impl MigrationName for JwtKey {
    fn name(&self) -> &'static str {
        "0013_jwt_key"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for JwtKey {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("jwt_key.sql")).await
    }
}

//! People who build: accounts, memberships, invitations, sessions.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `builder`, `membership`, `invite`, `builder_session` and `org_audit_entry`.
pub(super) struct Builder;

impl MigrationName for Builder {
    fn name(&self) -> &'static str {
        "0030_builder"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Builder {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("builder.sql")).await
    }
}

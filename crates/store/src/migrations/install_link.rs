//! Links to the hosted install page. They outlive the integration that they are for,
//! so that whoever opens one then is told so.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `install_link`.
pub(super) struct InstallLink;

impl MigrationName for InstallLink {
    fn name(&self) -> &'static str {
        "0040_install_link"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for InstallLink {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("install_link.sql")).await
    }
}

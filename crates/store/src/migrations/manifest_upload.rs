//! A place for manifests that are uploaded as a file.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Creates `manifest_upload`.
pub(super) struct ManifestUpload;

impl MigrationName for ManifestUpload {
    fn name(&self) -> &'static str {
        "0002_manifest_upload"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ManifestUpload {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("manifest_upload.sql")).await
    }
}

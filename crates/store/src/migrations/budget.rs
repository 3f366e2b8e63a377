//! Ledgers of request budgets, and waiting in line for them.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// Replaces `budget_slot` and `budget_bucket`, and lets work wait.
pub(super) struct Budget;

impl MigrationName for Budget {
    fn name(&self) -> &'static str {
        "0008_budget"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Budget {
    #[allow(
        elided_lifetimes_in_paths,
        reason = "the trait's expansion names no lifetime here, so none may be written"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::execute(manager, include_str!("budget.sql")).await
    }
}

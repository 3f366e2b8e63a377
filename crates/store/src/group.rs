//! Groups: the builder's customers.

use jiff::Timestamp;

use sea_orm::FromQueryResult;

use crate::columns::{At, ms};
use crate::entities::customer_group;
use crate::error::{Result, StoreError};
use crate::scope::Tenant;

/// A customer of the builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The project that it belongs to.
    pub project_id: String,
    /// The builder's own identifier of the customer.
    pub group_ref: String,
    /// The name, which falls back to `group_ref`.
    pub name: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

impl From<customer_group::Model> for Group {
    fn from(row: customer_group::Model) -> Self {
        Self {
            project_id: row.project_id,
            group_ref: row.group_ref,
            name: row.name,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

impl Tenant<'_> {
    /// Creates the group, or renames it when a name is given.
    pub async fn upsert_group(
        &self,
        group_ref: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Group> {
        let upsert = self.store.backend().sql(
            "INSERT INTO customer_group (project_id, group_ref, name, create_time) \
             VALUES ($1, $2, COALESCE($3, $2), $4) \
             ON CONFLICT (project_id, group_ref) DO UPDATE \
             SET name = COALESCE($3, customer_group.name), update_time = $4 \
             RETURNING project_id, group_ref, name, create_time, update_time",
            [
                self.scope.project_id().into(),
                group_ref.into(),
                name.filter(|name| !name.is_empty()).into(),
                ms(now).into(),
            ],
        );
        let tx = self.store.write().await?;
        let row = customer_group::Model::find_by_statement(upsert)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("group", group_ref))?;
        tx.commit().await?;
        Ok(row.into())
    }
}

//! The members of an organisation. One of them is an owner, whatever happens.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{Builder, OrgTenant, Role};
use crate::audit::note_org;
use crate::connect::Tx;
use crate::entities::membership;
use crate::error::{Result, StoreError};

/// A builder as a member of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub builder: Builder,
    /// As what.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

impl OrgTenant<'_> {
    /// The members and their roles, in the order in which their accounts were made.
    pub async fn members(&self) -> Result<Vec<Member>> {
        let rows = membership::Entity::find()
            .filter(membership::Column::OrgId.eq(self.scope.org_id()))
            .all(self.store.read())
            .await?;
        let mut members = Vec::with_capacity(rows.len());
        for builder in self.builders().await? {
            if let Some(row) = rows.iter().find(|row| row.builder_id == builder.id) {
                members.push(Member {
                    builder,
                    role: Role::stored(&row.role, "membership")?,
                    since: row.create_time.0,
                });
            }
        }
        Ok(members)
    }

    /// Gives a member another role. `Conflict` when it is the last owner.
    pub async fn change_role(&self, builder_id: &str, role: Role, now: Timestamp) -> Result<()> {
        let org = self.scope.org_id();
        let tx = self.store.write().await?;
        self.locked_member(&tx, builder_id).await?;
        tx.execute(
            "UPDATE membership SET role = $3 WHERE org_id = $1 AND builder_id = $2",
            [org.into(), builder_id.into(), role.as_str().into()],
        )
        .await?;
        self.require_owner(&tx).await?;
        let action = "membership.update";
        note_org(&tx, org, self.scope.by(), action, builder_id, now).await?;
        tx.commit().await
    }

    /// Ends a membership; the account stays. `Conflict` when it is the last owner's.
    pub async fn remove_member(&self, builder_id: &str, now: Timestamp) -> Result<()> {
        let org = self.scope.org_id();
        let tx = self.store.write().await?;
        self.locked_member(&tx, builder_id).await?;
        tx.execute(
            "DELETE FROM membership WHERE org_id = $1 AND builder_id = $2",
            [org.into(), builder_id.into()],
        )
        .await?;
        self.require_owner(&tx).await?;
        let action = "membership.delete";
        note_org(&tx, org, self.scope.by(), action, builder_id, now).await?;
        tx.commit().await
    }

    /// Sees to it that nobody else changes who is an owner until the transaction
    /// ends, and that the builder is a member.
    async fn locked_member(&self, tx: &Tx<'_>, builder_id: &str) -> Result<()> {
        let org = self.scope.org_id();
        let lock = format!(
            "SELECT id FROM organization WHERE id = $1{}",
            tx.backend().for_update()
        );
        let lock = tx.backend().sql(&lock, [org.into()]);
        tx.db().query_one_raw(lock).await?;
        let row = membership::Entity::find_by_id((org.to_owned(), builder_id.to_owned()))
            .one(tx.db())
            .await?;
        row.map(drop)
            .ok_or_else(|| StoreError::not_found("member", builder_id))
    }

    /// An organisation without an owner could be changed by nobody.
    async fn require_owner(&self, tx: &Tx<'_>) -> Result<()> {
        let owner = membership::Entity::find()
            .filter(membership::Column::OrgId.eq(self.scope.org_id()))
            .filter(membership::Column::Role.eq(Role::Owner.as_str()))
            .one(tx.db())
            .await?;
        owner.map(drop).ok_or_else(|| StoreError::Conflict {
            what: "membership",
            detail: "the last owner".to_owned(),
        })
    }
}

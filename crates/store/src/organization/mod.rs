//! Organisations: who owns projects, and who may work on them.
//!
//! As with projects, a query over an organisation's rows that takes an identifier
//! from outside is a method of [`OrgTenant`], which only an [`OrgScope`] makes,
//! which only an [`Actor`] makes. An organisation that does not exist and one that
//! the actor is no member of look the same.

mod builder;
mod invite;
mod member;
mod session;

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::audit::note_org;
use crate::columns::{At, ms};
use crate::connect::Tx;
use crate::entities::{insert, membership, organization};
use crate::error::{Result, StoreError};
use crate::scope::Actor;
use crate::{Store, ids};

pub use builder::{Builder, NewBuilder};
pub use invite::{Invite, InviteStatus, Joining, NewInvite};
pub use member::Member;
pub use session::NewSession;

/// What projects and builders belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The identifier.
    pub id: String,
    /// The name for people.
    pub label: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

impl From<organization::Model> for Organization {
    fn from(row: organization::Model) -> Self {
        Self {
            id: row.id,
            label: row.label,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

/// What a builder may do in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything, and who else is in it.
    Owner,
    /// Everything in its projects.
    Member,
}

impl Role {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }

    /// The role of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "owner" => Some(Self::Owner),
            "member" => Some(Self::Member),
            _ => None,
        }
    }

    fn stored(word: &str, table: &'static str) -> Result<Self> {
        Self::of_word(word).ok_or_else(|| StoreError::Corrupt {
            table,
            detail: "there is no such role".to_owned(),
        })
    }
}

/// One organisation, as one actor may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgScope {
    org_id: String,
    role: Role,
    by: String,
}

impl OrgScope {
    /// The organisation.
    #[must_use]
    pub fn org_id(&self) -> &str {
        &self.org_id
    }

    /// What the actor is in it.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Who acts, for the audit log.
    pub(crate) fn by(&self) -> &str {
        &self.by
    }
}

/// The store as one [`OrgScope`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct OrgTenant<'a> {
    pub(crate) store: &'a Store,
    pub(crate) scope: &'a OrgScope,
}

impl Store {
    /// The scope of an organisation that the actor may see: the person at the
    /// machine all of them, as an owner; a builder those that it is a member of.
    pub async fn org_scope(&self, actor: &Actor, org_id: &str) -> Result<OrgScope> {
        let missing = || StoreError::not_found("organization", org_id);
        let role = match actor.builder_id() {
            Some(builder_id) => {
                let key = (org_id.to_owned(), builder_id.to_owned());
                let row = membership::Entity::find_by_id(key).one(self.read()).await?;
                Role::stored(&row.ok_or_else(missing)?.role, "membership")?
            }
            None if actor.is_operator() => Role::Owner,
            None => return Err(missing()),
        };
        let row = organization::Entity::find_by_id(org_id)
            .one(self.read())
            .await?;
        Ok(OrgScope {
            org_id: row.ok_or_else(missing)?.id,
            role,
            by: actor.label(),
        })
    }

    /// The store as that scope sees it.
    #[must_use]
    pub fn within_org<'a>(&'a self, scope: &'a OrgScope) -> OrgTenant<'a> {
        OrgTenant { store: self, scope }
    }

    /// The organisation that is there from the first start on.
    pub async fn default_organization(&self) -> Result<Organization> {
        organization::Entity::find()
            .order_by_asc(organization::Column::CreateTime)
            .order_by_asc(organization::Column::Id)
            .one(self.read())
            .await?
            .map(Organization::from)
            .ok_or_else(|| StoreError::not_found("organization", "default"))
    }

    /// The organisations of a builder and what it is in each, the oldest
    /// membership first; of anybody else none.
    pub async fn memberships(&self, actor: &Actor) -> Result<Vec<(Organization, Role)>> {
        let Some(builder_id) = actor.builder_id() else {
            return Ok(Vec::new());
        };
        let rows = membership::Entity::find()
            .filter(membership::Column::BuilderId.eq(builder_id))
            .order_by_asc(membership::Column::CreateTime)
            .order_by_asc(membership::Column::OrgId)
            .all(self.read())
            .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let org = organization::Entity::find_by_id(&row.org_id)
                .one(self.read())
                .await?;
            if let Some(org) = org {
                all.push((org.into(), Role::stored(&row.role, "membership")?));
            }
        }
        Ok(all)
    }

    /// Creates an organisation; a builder who does is its owner.
    pub async fn create_organization(
        &self,
        actor: &Actor,
        label: String,
        now: Timestamp,
    ) -> Result<Organization> {
        let row = organization::Model {
            id: ids::new(),
            label,
            create_time: At(now),
            update_time: None,
        };
        let tx = self.write().await?;
        insert(tx.db(), row.clone()).await?;
        if let Some(builder_id) = actor.builder_id() {
            join(&tx, &row.id, builder_id, Role::Owner, now).await?;
        }
        note_org(&tx, &row.id, &actor.label(), "org.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }
}

impl OrgTenant<'_> {
    /// The organisation of this scope.
    pub async fn organization(&self) -> Result<Organization> {
        let id = self.scope.org_id();
        organization::Entity::find_by_id(id)
            .one(self.store.read())
            .await?
            .map(Organization::from)
            .ok_or_else(|| StoreError::not_found("organization", id))
    }

    /// Gives it another name for people.
    pub async fn rename(&self, label: &str, now: Timestamp) -> Result<Organization> {
        let id = self.scope.org_id();
        let tx = self.store.write().await?;
        tx.execute(
            "UPDATE organization SET label = $2, update_time = $3 WHERE id = $1",
            [id.into(), label.into(), ms(now).into()],
        )
        .await?;
        note_org(&tx, id, self.scope.by(), "org.update", id, now).await?;
        tx.commit().await?;
        self.organization().await
    }
}

/// Makes a builder a member, unless it is one; says whether it was none.
async fn join(
    tx: &Tx<'_>,
    org_id: &str,
    builder_id: &str,
    role: Role,
    now: Timestamp,
) -> Result<bool> {
    let joined = tx
        .execute(
            "INSERT INTO membership (org_id, builder_id, role, create_time) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (org_id, builder_id) DO NOTHING",
            [
                org_id.into(),
                builder_id.into(),
                role.as_str().into(),
                ms(now).into(),
            ],
        )
        .await?;
    Ok(joined > 0)
}

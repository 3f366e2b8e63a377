//! Builders: people with an account on this server. Of a password only its hash
//! is kept, which never leaves the store but to be compared.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use secrecy::{ExposeSecret, SecretString};

use super::{OrgTenant, Role, join};
use crate::audit::note_org;
use crate::columns::{At, ms};
use crate::connect::Tx;
use crate::entities::{builder, insert, membership};
use crate::error::{Result, StoreError, or_conflict};
use crate::scope::Actor;
use crate::{Store, ids};

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    /// The identifier.
    pub id: String,
    /// The address, in lower case; unique.
    pub email: String,
    /// Whether the person at the machine says that the address is theirs. That of
    /// whoever came by a link is vouched for only by whoever handed it out.
    pub vouched: bool,
    /// When the account was made.
    pub create_time: Timestamp,
}

impl From<builder::Model> for Builder {
    fn from(row: builder::Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            vouched: row.vouched,
            create_time: row.create_time.0,
        }
    }
}

/// What an account is made from.
#[derive(Debug, Clone)]
pub struct NewBuilder {
    /// The address, in lower case.
    pub email: String,
    /// The hash of the password, in PHC's form.
    pub password_hash: SecretString,
    /// What the builder is in the default organisation.
    pub role: Role,
}

impl Store {
    /// Makes an account, vouched for by the person at the machine, and a member of
    /// the default organisation. `Conflict` when the address has one.
    pub async fn create_builder(
        &self,
        actor: &Actor,
        new: NewBuilder,
        now: Timestamp,
    ) -> Result<Builder> {
        let org = self.default_organization().await?;
        let tx = self.write().await?;
        create(tx, &org.id, &actor.label(), new, now).await
    }

    /// Whether anybody has an account.
    pub async fn has_builders(&self) -> Result<bool> {
        let any = builder::Entity::find().one(self.read()).await?;
        Ok(any.is_some())
    }

    /// As [`Store::create_builder`], for the person at the machine. `Conflict` when
    /// there is any account: of several who come first, one does.
    pub async fn create_first_builder(&self, new: NewBuilder, now: Timestamp) -> Result<Builder> {
        let org = self.default_organization().await?;
        let tx = self.write().await?;
        // Whoever else comes first waits here.
        tx.execute(
            "UPDATE organization SET update_time = update_time WHERE id = $1",
            [org.id.as_str().into()],
        )
        .await?;
        if builder::Entity::find().one(tx.db()).await?.is_some() {
            return Err(StoreError::Conflict {
                what: "builder",
                detail: "the first one".to_owned(),
            });
        }
        create(tx, &org.id, &self.operator().label(), new, now).await
    }

    /// The account of an address and the hash of its password. It needs no scope:
    /// what is done with it is to find out who asks.
    pub async fn builder_by_email(&self, email: &str) -> Result<Option<(Builder, SecretString)>> {
        let row = builder::Entity::find()
            .filter(builder::Column::Email.eq(email))
            .one(self.read())
            .await?;
        Ok(row.map(|mut row| {
            let hash = SecretString::from(std::mem::take(&mut row.password_hash));
            (row.into(), hash)
        }))
    }

    /// The builder who asks; `None` when no builder does.
    pub async fn own_account(&self, actor: &Actor) -> Result<Option<Builder>> {
        let Some(id) = actor.builder_id() else {
            return Ok(None);
        };
        let row = builder::Entity::find_by_id(id).one(self.read()).await?;
        Ok(row.map(Builder::from))
    }

    /// Every account, oldest first, for the person at the machine; for anybody
    /// else none.
    pub async fn builders(&self, actor: &Actor) -> Result<Vec<Builder>> {
        if !actor.is_operator() {
            return Ok(Vec::new());
        }
        let rows = builder::Entity::find()
            .order_by_asc(builder::Column::Id)
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(Builder::from).collect())
    }

    /// Replaces the password of an account and ends its sessions.
    pub async fn set_password(
        &self,
        actor: &Actor,
        email: &str,
        password_hash: &SecretString,
        now: Timestamp,
    ) -> Result<Builder> {
        let missing = || StoreError::not_found("builder", email);
        let (known, _) = self.builder_by_email(email).await?.ok_or_else(missing)?;
        let tx = self.write().await?;
        tx.execute(
            "UPDATE builder SET password_hash = $2, update_time = $3 WHERE id = $1",
            [
                known.id.as_str().into(),
                password_hash.expose_secret().into(),
                ms(now).into(),
            ],
        )
        .await?;
        tx.execute(
            "DELETE FROM builder_session WHERE builder_id = $1",
            [known.id.as_str().into()],
        )
        .await?;
        let memberships = membership::Entity::find()
            .filter(membership::Column::BuilderId.eq(&known.id))
            .all(tx.db())
            .await?;
        for of in memberships {
            let (by, what) = (actor.label(), "builder.password");
            note_org(&tx, &of.org_id, &by, what, &known.id, now).await?;
        }
        tx.commit().await?;
        Ok(known)
    }
}

impl OrgTenant<'_> {
    /// The members, in the order in which their accounts were made.
    pub async fn builders(&self) -> Result<Vec<Builder>> {
        let rows = builder::Entity::find()
            .filter(
                builder::Column::Id
                    .in_subquery(membership::Entity::ids_of_members(self.scope.org_id())),
            )
            .order_by_asc(builder::Column::Id)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(Builder::from).collect())
    }

    /// Makes a builder with an account a member. `Conflict` when it is one.
    pub async fn add_member(&self, builder_id: &str, role: Role, now: Timestamp) -> Result<()> {
        let org = self.scope.org_id();
        let tx = self.store.write().await?;
        builder::Entity::find_by_id(builder_id)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("builder", builder_id))?;
        if !join(&tx, org, builder_id, role, now).await? {
            return Err(StoreError::Conflict {
                what: "membership",
                detail: format!("builder {builder_id}"),
            });
        }
        note_org(
            &tx,
            org,
            self.scope.by(),
            "membership.create",
            builder_id,
            now,
        )
        .await?;
        tx.commit().await
    }
}

/// Makes an account and a membership, and commits.
async fn create(
    tx: Tx<'_>,
    org_id: &str,
    by: &str,
    new: NewBuilder,
    now: Timestamp,
) -> Result<Builder> {
    let row = row(new.email, &new.password_hash, true, now);
    insert(tx.db(), row.clone())
        .await
        .map_err(|error| or_conflict(error, "builder", || "the e-mail address".to_owned()))?;
    join(&tx, org_id, &row.id, new.role, now).await?;
    note_org(&tx, org_id, by, "builder.create", &row.id, now).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// A new account as it lies in the table.
pub(super) fn row(
    email: String,
    password_hash: &SecretString,
    vouched: bool,
    now: Timestamp,
) -> builder::Model {
    builder::Model {
        id: ids::new(),
        email,
        password_hash: password_hash.expose_secret().to_owned(),
        vouched,
        create_time: At(now),
        update_time: None,
    }
}

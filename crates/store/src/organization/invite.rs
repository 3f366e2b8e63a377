//! Invitations. The token of a link is kept as a hash; whoever has the link may
//! take its place once, until it ends.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use secrecy::{ExposeSecret, SecretString};

use super::{Builder, OrgTenant, Role, builder, join};
use crate::audit::note_org;
use crate::columns::{At, ms};
use crate::entities::{builder as account, insert, invite, membership};
use crate::error::{Result, StoreError, or_conflict};
use crate::secrets::digest;
use crate::{Store, ids};

const PENDING: &str = "pending";
const ACCEPTED: &str = "accepted";
const REVOKED: &str = "revoked";

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteStatus {
    /// It may be accepted.
    Pending,
    /// It was.
    Accepted,
    /// It was taken back, or replaced by a later one.
    Revoked,
    /// Nobody accepted it in time.
    Expired,
}

impl InviteStatus {
    /// The contract's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => PENDING,
            Self::Accepted => ACCEPTED,
            Self::Revoked => REVOKED,
            Self::Expired => "expired",
        }
    }
}

/// An invitation, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The identifier.
    pub id: String,
    /// The organisation.
    pub org_id: String,
    /// Who is invited, in lower case.
    pub email: String,
    /// As what.
    pub role: Role,
    /// What has become of it.
    pub status: InviteStatus,
    /// Until when it may be accepted.
    pub expires_at: Timestamp,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Option<Timestamp>,
}

impl Invite {
    fn of(row: invite::Model, now: Timestamp) -> Result<Self> {
        let status = match row.status.as_str() {
            PENDING if row.expires_at.0 <= now => InviteStatus::Expired,
            PENDING => InviteStatus::Pending,
            ACCEPTED => InviteStatus::Accepted,
            REVOKED => InviteStatus::Revoked,
            _ => {
                return Err(StoreError::Corrupt {
                    table: "invite",
                    detail: "there is no such status".to_owned(),
                });
            }
        };
        Ok(Self {
            role: Role::stored(&row.role, "invite")?,
            id: row.id,
            org_id: row.org_id,
            email: row.email,
            status,
            expires_at: row.expires_at.0,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        })
    }
}

/// What an invitation is made from.
#[derive(Debug)]
pub struct NewInvite<'a> {
    /// Who is invited, in lower case.
    pub email: String,
    /// As what.
    pub role: Role,
    /// What the link carries.
    pub token: &'a SecretString,
    /// Until when it may be accepted.
    pub expires_at: Timestamp,
}

/// Who accepts an invitation.
#[derive(Debug)]
pub enum Joining {
    /// Somebody with an account.
    Known {
        /// Its identifier.
        builder_id: String,
    },
    /// Somebody who gets one by it, with this hash of a password.
    New {
        /// In PHC's form.
        password_hash: SecretString,
    },
}

impl Store {
    /// The invitation of a link's token. It needs no scope: the token is what it
    /// takes to see it.
    pub async fn invite_by_token(&self, token: &str, now: Timestamp) -> Result<Option<Invite>> {
        let row = invite::Entity::find()
            .filter(invite::Column::Digest.eq(digest(token)))
            .one(self.read())
            .await?;
        row.map(|row| Invite::of(row, now)).transpose()
    }

    /// The latest invitation of an address that may be accepted. The caller has
    /// seen to it that the address is that of whoever asks.
    pub async fn pending_invite_to(&self, email: &str, now: Timestamp) -> Result<Option<Invite>> {
        let row = invite::Entity::find()
            .filter(invite::Column::Email.eq(email))
            .filter(invite::Column::Status.eq(PENDING))
            .filter(invite::Column::ExpiresAt.gt(At(now)))
            .order_by_desc(invite::Column::Id)
            .one(self.read())
            .await?;
        row.map(|row| Invite::of(row, now)).transpose()
    }

    /// Accepts an invitation, once: makes the account, if there is to be one, and
    /// the membership. `Outdated` when it cannot be accepted any more, `Conflict`
    /// when the address has got an account meanwhile.
    pub async fn accept_invite(
        &self,
        invite: &Invite,
        joining: Joining,
        now: Timestamp,
    ) -> Result<Builder> {
        let tx = self.write().await?;
        let taken = tx
            .execute(
                "UPDATE invite SET status = $2, update_time = $3 \
                 WHERE id = $1 AND status = $4 AND expires_at > $3",
                [
                    invite.id.as_str().into(),
                    ACCEPTED.into(),
                    ms(now).into(),
                    PENDING.into(),
                ],
            )
            .await?;
        if taken == 0 {
            return Err(StoreError::Outdated);
        }
        let row = match joining {
            Joining::Known { builder_id } => account::Entity::find_by_id(&builder_id)
                .one(tx.db())
                .await?
                .ok_or_else(|| StoreError::not_found("builder", builder_id))?,
            Joining::New { password_hash } => {
                let row = builder::row(invite.email.clone(), &password_hash, false, now);
                insert(tx.db(), row.clone()).await.map_err(|error| {
                    or_conflict(error, "builder", || "the e-mail address".to_owned())
                })?;
                row
            }
        };
        join(&tx, &invite.org_id, &row.id, invite.role, now).await?;
        let by = format!("builder:{}", row.id);
        note_org(&tx, &invite.org_id, &by, "invite.accept", &invite.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }
}

impl OrgTenant<'_> {
    /// Invites an address; an earlier invitation of it that is pending is revoked.
    /// `Conflict` when the address is a member's.
    pub async fn create_invite(&self, new: NewInvite<'_>, now: Timestamp) -> Result<Invite> {
        let org = self.scope.org_id();
        let tx = self.store.write().await?;
        let known = account::Entity::find()
            .filter(account::Column::Email.eq(&new.email))
            .filter(account::Column::Id.in_subquery(membership::Entity::ids_of_members(org)))
            .one(tx.db())
            .await?;
        if let Some(known) = known {
            return Err(StoreError::Conflict {
                what: "membership",
                detail: format!("builder {}", known.id),
            });
        }
        tx.execute(
            "UPDATE invite SET status = $3, update_time = $4 \
             WHERE org_id = $1 AND email = $2 AND status = $5",
            [
                org.into(),
                new.email.as_str().into(),
                REVOKED.into(),
                ms(now).into(),
                PENDING.into(),
            ],
        )
        .await?;
        let row = invite::Model {
            id: ids::new(),
            org_id: org.to_owned(),
            email: new.email,
            role: new.role.as_str().to_owned(),
            digest: digest(new.token.expose_secret()),
            status: PENDING.to_owned(),
            expires_at: At(new.expires_at),
            create_time: At(now),
            update_time: None,
        };
        insert(tx.db(), row.clone()).await?;
        note_org(&tx, org, self.scope.by(), "invite.create", &row.id, now).await?;
        tx.commit().await?;
        Invite::of(row, now)
    }

    /// Every invitation of the organisation, oldest first.
    pub async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>> {
        let rows = invite::Entity::find()
            .filter(invite::Column::OrgId.eq(self.scope.org_id()))
            .order_by_asc(invite::Column::Id)
            .all(self.store.read())
            .await?;
        rows.into_iter().map(|row| Invite::of(row, now)).collect()
    }

    /// One invitation.
    pub async fn invite(&self, id: &str, now: Timestamp) -> Result<Invite> {
        let row = invite::Entity::find_by_id(id)
            .filter(invite::Column::OrgId.eq(self.scope.org_id()))
            .one(self.store.read())
            .await?;
        Invite::of(row.ok_or_else(|| StoreError::not_found("invite", id))?, now)
    }

    /// Takes an invitation back. `Outdated` when there is nothing to take back any
    /// more.
    pub async fn revoke_invite(&self, id: &str, now: Timestamp) -> Result<()> {
        let known = self.invite(id, now).await?;
        let tx = self.store.write().await?;
        let revoked = tx
            .execute(
                "UPDATE invite SET status = $2, update_time = $3 WHERE id = $1 AND status = $4",
                [
                    known.id.as_str().into(),
                    REVOKED.into(),
                    ms(now).into(),
                    PENDING.into(),
                ],
            )
            .await?;
        if revoked == 0 {
            return Err(StoreError::Outdated);
        }
        let (org, by) = (self.scope.org_id(), self.scope.by());
        note_org(&tx, org, by, "invite.revoke", id, now).await?;
        tx.commit().await
    }
}

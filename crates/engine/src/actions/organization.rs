//! Organisations: their names, their members, and who is invited.
//!
//! A builder sees the organisations that it is a member of. An owner says who else
//! belongs to one; a member works in its projects.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use store::{
    Actor, Builder, Invite, InviteStatus, Joining, NewInvite, OrgScope, Organization, Role,
    StoreError,
};

use super::builder::address;
use super::require_name;
use crate::{ActionError, Engine, password, random};

/// How long an invitation may be accepted.
const INVITATION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An invitation as it is made: the link is shown this once.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub invite: Invite,
    /// What whoever is invited opens.
    pub link: SecretString,
}

/// Creates an organisation, which the builder owns.
///
/// # Errors
/// [`ActionError::Forbidden`] for those who are no builders.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    label: String,
) -> Result<Organization, ActionError> {
    require_builder(actor)?;
    require_name("label", &label)?;
    let now = engine.clock.now();
    Ok(engine.store.create_organization(actor, label, now).await?)
}

/// Gives an organisation another name.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but its owners, [`ActionError::NotFound`]
pub async fn rename(
    engine: &Engine,
    actor: &Actor,
    org_id: &str,
    label: &str,
) -> Result<Organization, ActionError> {
    require_name("label", label)?;
    let scope = owned(engine, actor, org_id).await?;
    let org = engine.store.within_org(&scope);
    Ok(org.rename(label, engine.clock.now()).await?)
}

/// Makes a builder who has an account a member.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but owners, [`ActionError::NotFound`],
/// [`ActionError::BadRequest`] when it is a member already.
pub async fn add_member(
    engine: &Engine,
    actor: &Actor,
    org_id: &str,
    builder_id: &str,
) -> Result<(), ActionError> {
    let scope = owned(engine, actor, org_id).await?;
    let org = engine.store.within_org(&scope);
    let added = org.add_member(builder_id, Role::Member, engine.clock.now());
    added.await.map_err(|error| match error {
        StoreError::Conflict { .. } => ActionError::bad_request(
            "the builder is a member of this organization already",
            "There is nothing to do: GET /orgs/{orgId}/builders lists the members",
        ),
        other => other.into(),
    })
}

/// Gives a member another role.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but owners, [`ActionError::NotFound`],
/// [`ActionError::Conflict`] when there would be no owner any more.
pub async fn change_role(
    engine: &Engine,
    actor: &Actor,
    org_id: &str,
    builder_id: &str,
    role: Role,
) -> Result<(), ActionError> {
    let scope = owned(engine, actor, org_id).await?;
    let org = engine.store.within_org(&scope);
    let changed = org.change_role(builder_id, role, engine.clock.now());
    changed.await.map_err(no_owner)
}

/// Takes a member out; the account stays, and sees the organisation's projects no
/// more.
///
/// # Errors
/// As [`change_role`].
pub async fn remove_member(
    engine: &Engine,
    actor: &Actor,
    org_id: &str,
    builder_id: &str,
) -> Result<(), ActionError> {
    let scope = owned(engine, actor, org_id).await?;
    let org = engine.store.within_org(&scope);
    let removed = org.remove_member(builder_id, engine.clock.now());
    removed.await.map_err(no_owner)
}

/// Invites an address. An earlier invitation of it that is pending is revoked, so
/// this is also how a lost link is replaced.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but owners, [`ActionError::BadRequest`] when
/// it is the address of a member, or none.
pub async fn invite(
    engine: &Engine,
    actor: &Actor,
    org_id: &str,
    email: &str,
    role: Role,
) -> Result<Invited, ActionError> {
    let scope = owned(engine, actor, org_id).await?;
    let email = address(email)?;
    let now = engine.clock.now();
    let token = SecretString::from(random::token());
    let new = NewInvite {
        email,
        role,
        token: &token,
        expires_at: now.saturating_add(INVITATION).unwrap_or(now),
    };
    let org = engine.store.within_org(&scope);
    let made = org.create_invite(new, now).await;
    let invite = made.map_err(|error| match error {
        StoreError::Conflict { .. } => ActionError::bad_request(
            "this is the address of a member of this organization",
            "There is nothing to do: GET /orgs/{orgId}/builders lists the members",
        ),
        other => other.into(),
    })?;
    tracing::info!(invite = %invite.id, "somebody was invited");
    let link = format!(
        "{}/invite?token={}",
        engine.public_url(),
        token.expose_secret()
    );
    Ok(Invited {
        invite,
        link: link.into(),
    })
}

/// Takes an invitation back.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but owners, [`ActionError::NotFound`],
/// [`ActionError::BadRequest`] when it was accepted or revoked before.
pub async fn revoke_invite(
    engine: &Engine,
    actor: &Actor,
    org_id: &str,
    invite_id: &str,
) -> Result<(), ActionError> {
    let scope = owned(engine, actor, org_id).await?;
    let org = engine.store.within_org(&scope);
    let revoked = org.revoke_invite(invite_id, engine.clock.now()).await;
    revoked.map_err(|error| match error {
        StoreError::Outdated => ActionError::bad_request(
            "the invitation was accepted or revoked before",
            "Only one that is pending can be revoked",
        ),
        other => other.into(),
    })
}

/// The invitation behind a link, while it may be accepted.
///
/// # Errors
/// [`ActionError::BadRequest`] when it may not, or not any more.
pub async fn invitation(engine: &Engine, token: &str) -> Result<Invite, ActionError> {
    let found = engine
        .store
        .invite_by_token(token, engine.clock.now())
        .await?;
    found
        .filter(|invite| invite.status == InviteStatus::Pending)
        .ok_or_else(gone)
}

/// Accepts an invitation by its link, as somebody who has no account yet: the
/// password is that of the new one.
///
/// # Errors
/// [`ActionError::BadRequest`] when the link is good no more,
/// [`ActionError::Conflict`] when the address has an account.
pub async fn accept_link(
    engine: &Engine,
    token: &str,
    password: &SecretString,
) -> Result<Builder, ActionError> {
    let invite = invitation(engine, token).await?;
    if engine
        .store
        .builder_by_email(&invite.email)
        .await?
        .is_some()
    {
        return Err(has_account());
    }
    let password_hash = password::hash(password).await?;
    accept(engine, &invite, Joining::New { password_hash }).await
}

/// Accepts an invitation of the builder's own address: by its link's token, or
/// without it where the person at the machine vouches for the address. Nobody has
/// proved an address by getting a link from some organisation's owner, so that
/// alone must not open another organisation.
///
/// # Errors
/// [`ActionError::Forbidden`] for an address that is not the builder's,
/// [`ActionError::BadRequest`] where there is nothing to accept.
pub async fn accept_own(
    engine: &Engine,
    actor: &Actor,
    email: &str,
    token: Option<&str>,
) -> Result<Builder, ActionError> {
    let own = engine.store.own_account(actor).await?;
    let own = own.ok_or_else(no_builder)?;
    if address(email)? != own.email {
        return Err(ActionError::Forbidden {
            detail:
                "the invitation is for another address than that of the builder who has signed in"
                    .to_owned(),
        });
    }
    let invite = match token {
        Some(token) => invitation(engine, token).await?,
        None if own.vouched => {
            let now = engine.clock.now();
            let pending = engine.store.pending_invite_to(&own.email, now).await?;
            pending.ok_or_else(gone)?
        }
        None => {
            return Err(ActionError::Forbidden {
                detail: "nobody vouches for the address of this account: send the `token` of the invitation's link along"
                    .to_owned(),
            });
        }
    };
    if invite.email != own.email {
        return Err(gone());
    }
    let builder_id = own.id;
    accept(engine, &invite, Joining::Known { builder_id }).await
}

async fn accept(
    engine: &Engine,
    invite: &Invite,
    joining: Joining,
) -> Result<Builder, ActionError> {
    let now: Timestamp = engine.clock.now();
    let accepted = engine.store.accept_invite(invite, joining, now).await;
    let builder = accepted.map_err(|error| match error {
        StoreError::Outdated => gone(),
        StoreError::Conflict { .. } => has_account(),
        other => other.into(),
    })?;
    tracing::info!(invite = %invite.id, builder = %builder.id, "an invitation was accepted");
    Ok(builder)
}

/// The scope of an organisation that the actor owns.
async fn owned(engine: &Engine, actor: &Actor, org_id: &str) -> Result<OrgScope, ActionError> {
    if !actor.is_operator() {
        require_builder(actor)?;
    }
    let scope = engine.store.org_scope(actor, org_id).await?;
    match scope.role() {
        Role::Owner => Ok(scope),
        Role::Member => Err(ActionError::Forbidden {
            detail: "only an owner of the organization may do this".to_owned(),
        }),
    }
}

fn require_builder(actor: &Actor) -> Result<(), ActionError> {
    match actor.builder_id() {
        Some(_) => Ok(()),
        None => Err(no_builder()),
    }
}

fn no_builder() -> ActionError {
    ActionError::Forbidden {
        detail: "only a builder who has signed in may do this".to_owned(),
    }
}

fn no_owner(error: StoreError) -> ActionError {
    match error {
        StoreError::Conflict { .. } => ActionError::Conflict {
            detail: "an organization has at least one owner: make somebody else an owner first"
                .to_owned(),
        },
        other => other.into(),
    }
}

fn gone() -> ActionError {
    ActionError::bad_request(
        "there is no such invitation, or it was accepted, revoked or has expired",
        "Ask whoever invited you for a new one",
    )
}

fn has_account() -> ActionError {
    ActionError::Conflict {
        detail: "this address has an account already: sign in (POST /v1/sessions) and accept with POST /v1/invites:accept, the link's `token` included"
            .to_owned(),
    }
}

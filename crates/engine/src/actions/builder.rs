//! Builders: their accounts, and signing in.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use store::{Actor, Builder, NewBuilder, NewSession, Role, StoreError};

use crate::deliver::LinkKind;
use crate::{ActionError, Engine, password, random};

/// How long a session lasts.
const SESSION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long whoever has started the server may take to open what it printed.
const FIRST_VISIT: SignedDuration = SignedDuration::from_hours(24);
/// What a session's token begins with, which tells it from a JWT.
pub const SESSION_PREFIX: &str = "ligs_";
/// The longest e-mail address, in bytes (RFC 5321).
const LONGEST_EMAIL: usize = 254;

/// A builder who has signed in.
#[derive(Debug)]
pub struct Session {
    /// What opens it. It is kept nowhere.
    pub token: SecretString,
    /// Until when.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub builder: Builder,
}

/// Makes an account and a member of the default organisation.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but the person at the machine,
/// [`ActionError::Conflict`] when the address has an account.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    email: &str,
    password: &SecretString,
    role: Role,
) -> Result<Builder, ActionError> {
    require_operator(actor)?;
    let new = NewBuilder {
        email: address(email)?,
        password_hash: password::hash(password).await?,
        role,
    };
    Ok(engine
        .store
        .create_builder(actor, new, engine.clock.now())
        .await?)
}

/// What whoever starts a server opens to make its first account; `None` once there
/// is one. The link ends after a day, or with the first account.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but the person at the machine.
pub async fn first_link(
    engine: &Engine,
    actor: &Actor,
) -> Result<Option<SecretString>, ActionError> {
    require_operator(actor)?;
    if engine.store.has_builders().await? {
        return Ok(None);
    }
    let now = engine.clock.now();
    let ends_at = now.saturating_add(FIRST_VISIT).unwrap_or(Timestamp::MAX);
    let link = engine
        .links
        .sign_until(LinkKind::FirstVisit, &random::token(), ends_at);
    Ok(Some(link.into()))
}

/// Makes the first account, that of an owner, and signs it in. The caller has
/// checked the link of [`first_link`], which speaks for the person at the machine.
///
/// # Errors
/// [`ActionError::Conflict`] when there is an account already,
/// [`ActionError::BadRequest`] or [`ActionError::Invalid`] for an address or a
/// password that is none.
pub async fn create_first(
    engine: &Engine,
    email: &str,
    password: &SecretString,
) -> Result<Session, ActionError> {
    let new = NewBuilder {
        email: address(email)?,
        password_hash: password::hash(password).await?,
        role: Role::Owner,
    };
    let made = engine
        .store
        .create_first_builder(new, engine.clock.now())
        .await;
    let builder = made.map_err(|error| match error {
        StoreError::Conflict { .. } => ActionError::Conflict {
            detail: "this server has an account already: sign in, or ask one of its owners for an invitation"
                .to_owned(),
        },
        other => other.into(),
    })?;
    tracing::info!(builder = %builder.id, "the first account was made");
    begin(engine, builder).await
}

/// Replaces a password; whoever was signed in with it is no longer.
///
/// # Errors
/// [`ActionError::Forbidden`] for all but the person at the machine,
/// [`ActionError::NotFound`]
pub async fn set_password(
    engine: &Engine,
    actor: &Actor,
    email: &str,
    password: &SecretString,
) -> Result<Builder, ActionError> {
    require_operator(actor)?;
    let email = address(email)?;
    let hash = password::hash(password).await?;
    let now = engine.clock.now();
    Ok(engine.store.set_password(actor, &email, &hash, now).await?)
}

/// Signs in. `None` when there is no such account or the password is wrong, which
/// look alike and take as long.
///
/// # Errors
/// [`ActionError::Store`]
pub async fn sign_in(
    engine: &Engine,
    email: &str,
    password: &SecretString,
) -> Result<Option<Session>, ActionError> {
    let email = email.trim().to_lowercase();
    let (builder, hash) = engine.store.builder_by_email(&email).await?.unzip();
    if !password::verify(password, hash).await? {
        return Ok(None);
    }
    match builder {
        Some(builder) => Ok(Some(begin(engine, builder).await?)),
        None => Ok(None),
    }
}

/// Begins a session of a builder who has shown who it is.
async fn begin(engine: &Engine, builder: Builder) -> Result<Session, ActionError> {
    let now = engine.clock.now();
    let token = SecretString::from(format!("{SESSION_PREFIX}{}", random::token()));
    let expires_at = now.saturating_add(SESSION).unwrap_or(now);
    let new = NewSession {
        builder_id: &builder.id,
        token: &token,
        expires_at,
    };
    engine.store.begin_session(new, now).await?;
    tracing::info!(builder = %builder.id, "a builder signed in");
    Ok(Session {
        token,
        expires_at,
        builder,
    })
}

/// Ends a session. That of a token that opens none is ended already.
///
/// # Errors
/// [`ActionError::Store`]
pub async fn sign_out(engine: &Engine, token: &str) -> Result<(), ActionError> {
    Ok(engine.store.end_session(token).await?)
}

/// An e-mail address as it is kept: trimmed, in lower case.
///
/// # Errors
/// [`ActionError::BadRequest`] for what is plainly none.
pub(super) fn address(text: &str) -> Result<String, ActionError> {
    let text = text.trim().to_lowercase();
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts = text.rsplit_once('@');
    let whole = parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if plain && whole && text.len() <= LONGEST_EMAIL {
        return Ok(text);
    }
    Err(ActionError::bad_request(
        "this is no e-mail address",
        "Give one such as ada@example.com",
    ))
}

fn require_operator(actor: &Actor) -> Result<(), ActionError> {
    if actor.is_operator() {
        return Ok(());
    }
    Err(ActionError::Forbidden {
        detail: "accounts are made at the server's command line, or by an invitation".to_owned(),
    })
}

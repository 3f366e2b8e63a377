//! Groups as a whole: a customer who asks what is kept of them, or asks to be
//! forgotten.

use sha2::{Digest as _, Sha256};
use store::{Actor, ConnectionFilter, Group, InstallationFilter, StoreError, Tenant};

use super::oauth::Connect;
use super::{audit, require_full};
use crate::{ActionError, Engine};

/// Times that a group is cleared of what is connected and installed meanwhile.
const MOST_TRIES: usize = 8;

/// Lets somebody take everything of a group out, which the audit log notes.
///
/// # Errors
/// [`ActionError::NotFound`] when there is no such group.
pub async fn export(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    group_ref: &str,
) -> Result<Group, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let group = tenant.group(group_ref).await?;
    let subject = fingerprint(group_ref);
    audit(&tenant, actor, "group.export", &subject, engine.clock.now()).await?;
    Ok(group)
}

/// Erases a group: its installations with their operations, logs, reads and
/// messages, delivered or not; its connections with their credentials; the people
/// who connected for it alone; consents under way; notifications about it; and the
/// group itself. Its destinations are not told.
///
/// A read under way commits nothing any more, and a token that is being refreshed
/// is kept nowhere. Each installation goes as a whole, and the group last: what is
/// cut off half-way is simply asked for again.
///
/// # Errors
/// [`ActionError::NotFound`] when there is no such group; [`ActionError::Conflict`]
/// when it connects or installs again and again meanwhile.
pub async fn erase(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    group_ref: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    tenant.group(group_ref).await?;
    let mut tries = 0;
    loop {
        let erased = erase_once(engine, &tenant, group_ref).await;
        match erased {
            Err(StoreError::Outdated) if tries < MOST_TRIES => tries += 1,
            done => {
                done?;
                break;
            }
        }
    }
    let subject = fingerprint(group_ref);
    let now = engine.clock.now();
    audit(&tenant, actor, "group.erase", &subject, now).await?;
    tracing::info!(group = subject, "a group was erased");
    Ok(())
}

async fn erase_once(
    engine: &Engine,
    tenant: &Tenant<'_>,
    group_ref: &str,
) -> Result<(), StoreError> {
    let is_groups = |body: &serde_json::Value| {
        let connect: Option<Connect> = serde_json::from_value(body.clone()).ok();
        connect.is_some_and(|connect| connect.group_ref == group_ref)
    };
    tenant.forget_oauth_states(is_groups).await?;
    // What goes in between is none of our business.
    let gone = |done| match done {
        Err(StoreError::NotFound { .. }) => Ok(()),
        done => done,
    };
    let filter = InstallationFilter {
        integration_id: None,
        group_ref: Some(group_ref.to_owned()),
    };
    for installation in tenant.installations(filter).await? {
        let now = engine.clock.now();
        gone(tenant.erase_installation(&installation.id, now).await)?;
    }
    let filter = ConnectionFilter {
        group_ref: Some(group_ref.to_owned()),
        ..ConnectionFilter::default()
    };
    for connection in tenant.connections(filter).await? {
        let now = engine.clock.now();
        gone(tenant.erase_connection(&connection.id, now).await)?;
    }
    let notifications = tenant.notifications_about(group_ref).await?;
    tenant.erase_group(group_ref, &notifications).await
}

/// What the audit log calls a group that may be gone: whoever knows the name can
/// tell that it was meant, and nobody else can read it.
fn fingerprint(group_ref: &str) -> String {
    format!(
        "sha256:{}",
        hex::encode(Sha256::digest(group_ref.as_bytes()))
    )
}

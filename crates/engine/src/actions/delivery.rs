//! Deliveries: sending again what was delivered or given up, and letting go what
//! waits to be asked for.

use jiff::Timestamp;
use store::{Actor, Delivery, DeliveryStatus, InstallationFilter, Replay, ReplayOutcome};

use super::require_full;
use crate::{ActionError, Engine};

/// Which messages of a destination are replayed.
#[derive(Debug, Clone, Default)]
pub struct ReplayRange {
    /// `Dead`, also if absent, or `Delivered`.
    pub status: Option<DeliveryStatus>,
    /// Put in at this time or later.
    pub from: Option<Timestamp>,
    /// Put in before this time.
    pub to: Option<Timestamp>,
}

/// Replays one message: same id, same body, attempts from the first.
///
/// # Errors
/// [`ActionError::Conflict`] when it has not been delivered or given up yet.
pub async fn replay(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
) -> Result<Delivery, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    match tenant.replay_delivery(id, engine.clock.now()).await? {
        ReplayOutcome::Replayed => Ok(tenant.delivery(id).await?),
        ReplayOutcome::NotOver(status) => Err(ActionError::Conflict {
            detail: format!(
                "delivery `{id}` is {}: only what was delivered or is dead can be replayed",
                status.as_str()
            ),
        }),
    }
}

/// Replays the dead letters of a destination, or what it has taken; says how many
/// messages there were.
///
/// # Errors
/// [`ActionError::Invalid`] for another status, or a range that ends before it
/// begins.
pub async fn replay_range(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
    range: ReplayRange,
) -> Result<u64, ActionError> {
    require_full(actor)?;
    let status = range.status.unwrap_or(DeliveryStatus::Dead);
    match status {
        DeliveryStatus::Dead | DeliveryStatus::Delivered => {}
        DeliveryStatus::Held | DeliveryStatus::Pending => {
            return Err(ActionError::invalid(
                format!("messages that are {} cannot be replayed", status.as_str()),
                "Use the status dead or delivered",
            ));
        }
    }
    if let (Some(from), Some(to)) = (range.from, range.to)
        && to <= from
    {
        return Err(ActionError::invalid(
            "`to` is not after `from`",
            "`from` is the first moment of the range, `to` the first one after it",
        ));
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let replay = Replay {
        destination_id: tenant.destination(destination).await?.id,
        status,
        from: range.from,
        to: range.to,
    };
    Ok(tenant
        .replay_deliveries(&replay, engine.clock.now())
        .await?)
}

/// Lets the oldest `pages` messages go that wait to be asked for, of one object
/// of a group; says how many there were.
///
/// # Errors
/// [`ActionError::BadRequest`] when the group has no installation of the
/// integration.
pub async fn deliver_results(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    integration: &str,
    object: &str,
    group_ref: &str,
    pages: u32,
) -> Result<u32, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(integration).await?;
    let filter = InstallationFilter {
        integration_id: Some(integration.id.clone()),
        group_ref: Some(group_ref.to_owned()),
    };
    let Some(installation) = tenant.installations(filter).await?.pop() else {
        return Err(ActionError::bad_request(
            format!(
                "group `{group_ref}` has not installed integration `{}`",
                integration.name
            ),
            "Use the `groupRef` that the installation was created with",
        ));
    };
    let object = engine.provider_object_name(&integration, object);
    Ok(tenant
        .release_held(&installation.id, &object, pages, engine.clock.now())
        .await?)
}

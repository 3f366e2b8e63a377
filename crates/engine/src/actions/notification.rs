//! Who is told of what: topics, and the routes to and from them.

use store::{Actor, DestinationRoute, EventRoute, NotificationEvent, StoreError, Topic};

use super::require_full;
use crate::{ActionError, Engine};

/// The longest name of a topic, in characters.
const LONGEST_NAME: usize = 64;

/// Creates a topic.
///
/// # Errors
/// [`ActionError::Invalid`] for a name that cannot be one,
/// [`ActionError::Conflict`] for one that is taken.
pub async fn create_topic(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    name: &str,
) -> Result<Topic, ActionError> {
    require_full(actor)?;
    require_topic_name(name)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant.create_topic(name, engine.clock.now()).await?)
}

/// Gives a topic another name; its routes stay.
///
/// # Errors
/// As [`create_topic`], and [`ActionError::NotFound`].
pub async fn rename_topic(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    topic: &str,
    name: &str,
) -> Result<Topic, ActionError> {
    require_full(actor)?;
    require_topic_name(name)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant.rename_topic(topic, name, engine.clock.now()).await?)
}

/// Deletes a topic and the routes to and from it.
///
/// # Errors
/// [`ActionError::NotFound`]
pub async fn delete_topic(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    topic: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant.delete_topic(topic, engine.clock.now()).await?)
}

/// Routes an event to a topic.
///
/// # Errors
/// [`ActionError::Invalid`] for an unknown event or topic: the contract has no
/// 404 here. [`ActionError::Conflict`] when it is routed there already.
pub async fn route_event(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    event: &str,
    topic: &str,
) -> Result<EventRoute, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let event = NotificationEvent::of_word(event).ok_or_else(|| {
        let every: Vec<_> = NotificationEvent::every()
            .map(NotificationEvent::as_str)
            .collect();
        ActionError::invalid(
            format!("there is no event `{event}`"),
            format!("Events: {}", every.join(", ")),
        )
    })?;
    let tenant = engine.store.within(&scope);
    let created = tenant.create_event_route(event, topic, engine.clock.now());
    created.await.map_err(|error| match error {
        StoreError::NotFound { what, id } => ActionError::invalid(
            format!("{what} `{id}` was not found"),
            "Create the topic first, and give its id",
        ),
        other => other.into(),
    })
}

/// Deletes the route of an event.
///
/// # Errors
/// [`ActionError::NotFound`]
pub async fn unroute_event(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    route: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant.delete_event_route(route, engine.clock.now()).await?)
}

/// Lets a destination listen to a topic.
///
/// # Errors
/// [`ActionError::NotFound`] for an unknown topic or destination,
/// [`ActionError::Conflict`] when it listens already.
pub async fn route_topic(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    topic: &str,
    destination: &str,
) -> Result<DestinationRoute, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant
        .create_destination_route(topic, destination, engine.clock.now())
        .await?)
}

/// Deletes the route to a destination.
///
/// # Errors
/// [`ActionError::NotFound`]
pub async fn unroute_topic(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    route: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let now = engine.clock.now();
    Ok(tenant.delete_destination_route(route, now).await?)
}

/// Letters, numbers and dashes, as the contract says.
fn require_topic_name(name: &str) -> Result<(), ActionError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(plain) {
        return Ok(());
    }
    Err(ActionError::invalid(
        "`name` cannot be the name of a topic",
        format!("Use letters, numbers and dashes, at most {LONGEST_NAME} of them"),
    ))
}

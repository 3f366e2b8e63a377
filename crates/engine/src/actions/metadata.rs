//! What can be chosen, asked before anybody chooses: a revision hydrated for one
//! connection, and the metadata of one object in a customer's account.
//!
//! Nothing is changed here. A customer's token asks for its own group alone: a
//! connection of another group looks like one that is not there.

use std::collections::BTreeMap;

use connector::{Connector, Description, Failure};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use store::{Actor, Connection, ConnectionFilter, InstallationFilter, Integration};

use crate::calls::CallError;
use crate::metadata::{
    self, Found, HydratedIntegration, HydratedRevision, Lack, ObjectMetadata, Unseen,
};
use crate::read::in_words;
use crate::{ActionError, Engine};

/// Which revision, and through which connection its objects are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Hydration<'a> {
    /// The integration, by id or name.
    pub integration: &'a str,
    /// One of its revisions.
    pub revision: &'a str,
    /// A connection to its provider.
    pub connection: &'a str,
}

/// A revision with every field that its objects have in the customer's account.
///
/// An object that cannot be looked at has what the connector's table says, and why.
///
/// # Errors
/// [`ActionError::Provider`] when the credential is no good: then no object can be
/// looked at, and the customer has to connect again. [`ActionError::NotFound`].
pub async fn hydrate(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    asked: Hydration<'_>,
) -> Result<HydratedRevision, ActionError> {
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(asked.integration).await?;
    let revision = tenant.revision(asked.revision).await?;
    if revision.integration_id != integration.id {
        return Err(ActionError::NotFound {
            what: "revision",
            id: revision.id,
        });
    }
    let content: manifest::Integration = serde_json::from_value(revision.content)
        .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))?;
    let connection = tenant.connection(asked.connection).await?;
    if connection.provider != content.provider {
        return Err(ActionError::bad_request(
            format!(
                "connection `{}` is to {}, and the integration is with {}",
                connection.id, connection.provider, content.provider
            ),
            "Use a connection to the integration's provider",
        ));
    }
    let connector = connector(engine, &content.provider)?;
    let looks = content
        .read_objects()
        .map(|object| found(engine, connector, &connection, &object.object_name));
    let found: BTreeMap<_, _> = try_join_all(looks).await?.into_iter().collect();
    Ok(HydratedRevision {
        id: revision.id,
        spec_version: revision.spec_version,
        create_time: revision.create_time,
        content: metadata::hydrate(content, connector.describe(), found),
    })
}

/// What an integration says now, with the names of the connector's table. Nobody is
/// asked for it.
///
/// # Errors
/// [`ActionError::NotFound`] when there is no such provider here.
pub fn by_table(
    engine: &Engine,
    integration: &Integration,
) -> Result<HydratedIntegration, ActionError> {
    let content: manifest::Integration =
        serde_json::from_value(integration.latest_revision.content.clone())
            .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))?;
    let connector = connector(engine, &content.provider)?;
    Ok(metadata::hydrate(
        content,
        connector.describe(),
        BTreeMap::new(),
    ))
}

/// What is found out about an object, and what kept us from more.
async fn found(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    object_name: &str,
) -> Result<(String, Found), ActionError> {
    let (metadata, unseen) = metadata::describe(engine, connector, connection, object_name).await;
    let error = match unseen {
        None => None,
        Some(Unseen::Call(CallError::Provider(failure @ Failure::Unauthorized { .. }))) => {
            return Err(ActionError::Provider(failure));
        }
        Some(Unseen::Call(CallError::Store(error))) => return Err(error.into()),
        Some(Unseen::Call(CallError::Provider(failure))) => {
            Some((lack(&failure), in_words(&failure)))
        }
        Some(Unseen::Call(CallError::Budget { until })) => Some((
            Lack::Now,
            format!("The request budget is used up. Try again after {until}"),
        )),
        Some(Unseen::Slow) => Some((
            Lack::Now,
            "The provider did not answer in time. Try again in a while".to_owned(),
        )),
        Some(Unseen::Removed { announcement }) => Some((
            Lack::Removed,
            format!(
                "{} is not offered by {} any more (see {announcement})",
                metadata.display_name,
                connector.describe().display_name,
            ),
        )),
    };
    Ok((object_name.to_owned(), (metadata, error)))
}

fn lack(failure: &Failure) -> Lack {
    match failure {
        Failure::Gone { .. } => Lack::Removed,
        Failure::NotFound { .. } | Failure::Invalid { .. } => Lack::NotThere,
        Failure::Forbidden { .. } | Failure::Unauthorized { .. } => Lack::NotAllowed,
        Failure::Conflict { .. }
        | Failure::RateLimited { .. }
        | Failure::Unavailable { .. }
        | Failure::Protocol { .. } => Lack::Now,
    }
}

/// The metadata of an object in the account that a group has installed an
/// integration for. The object may be named as the app names it.
///
/// Where the provider cannot be asked, it is what the connector's table says.
///
/// # Errors
/// [`ActionError::NotFound`] without such an installation or object.
pub async fn of_installation(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    (integration, object): (&str, &str),
    group_ref: &str,
) -> Result<ObjectMetadata, ActionError> {
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(integration).await?;
    let filter = InstallationFilter {
        integration_id: Some(integration.id.clone()),
        group_ref: Some(group_ref.to_owned()),
    };
    let installation = tenant.installations(filter).await?.into_iter().next();
    let installation = installation.ok_or_else(|| ActionError::NotFound {
        what: "installation of group",
        id: group_ref.to_owned(),
    })?;
    let connection = tenant.connection(&installation.connection_id).await?;
    let content: manifest::Integration =
        serde_json::from_value(integration.latest_revision.content)
            .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))?;
    let declared = content.read_object(object);
    let name = declared.map_or(object, |declared| &declared.object_name);
    let mut metadata = in_account(engine, &connection, name).await?;
    metadata.mapped_object_name = declared.and_then(|declared| declared.map_to_name.clone());
    Ok(metadata)
}

/// The metadata of an object in the account that a group has connected.
///
/// Where the provider cannot be asked, it is what the connector's table says.
///
/// # Errors
/// [`ActionError::NotFound`] without such a connection, provider or object.
pub async fn of_connection(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    (provider, object): (&str, &str),
    group_ref: &str,
) -> Result<ObjectMetadata, ActionError> {
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let filter = ConnectionFilter {
        provider: Some(provider.to_owned()),
        group_ref: Some(group_ref.to_owned()),
        consumer_ref: None,
    };
    let connection = tenant.connections(filter).await?.into_iter().next();
    let connection = connection.ok_or_else(|| ActionError::NotFound {
        what: "connection of group",
        id: group_ref.to_owned(),
    })?;
    in_account(engine, &connection, object).await
}

async fn in_account(
    engine: &Engine,
    connection: &Connection,
    object_name: &str,
) -> Result<ObjectMetadata, ActionError> {
    let connector = connector(engine, &connection.provider)?;
    known(connector.describe(), object_name)?;
    let (metadata, unseen) = metadata::describe(engine, connector, connection, object_name).await;
    match unseen {
        Some(Unseen::Call(CallError::Store(error))) => Err(error.into()),
        Some(Unseen::Call(CallError::Provider(_) | CallError::Budget { .. }))
        | Some(Unseen::Slow | Unseen::Removed { .. })
        | None => Ok(metadata),
    }
}

/// Refuses what the provider has no object of.
fn known(description: &Description, object_name: &str) -> Result<(), ActionError> {
    match description.object(object_name) {
        Some(_) => Ok(()),
        None => Err(ActionError::NotFound {
            what: "object",
            id: object_name.to_owned(),
        }),
    }
}

/// The connector of a provider that something is stored for.
pub(super) fn connector<'a>(
    engine: &'a Engine,
    provider: &str,
) -> Result<&'a dyn Connector, ActionError> {
    let found = engine.registry.get(provider).map(AsRef::as_ref);
    found.ok_or_else(|| ActionError::NotFound {
        what: "provider",
        id: provider.to_owned(),
    })
}

/// What an interactive call that failed is answered.
pub(super) fn refused(error: CallError, now: Timestamp) -> ActionError {
    match error {
        CallError::Provider(failure) => ActionError::Provider(failure),
        CallError::Store(error) => error.into(),
        CallError::Budget { until } => {
            let wait_s = until.duration_since(now).as_secs().max(1);
            ActionError::Provider(Failure::RateLimited {
                retry_after_s: u64::try_from(wait_s).ok(),
            })
        }
    }
}

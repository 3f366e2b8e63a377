//! How far the customer of a link has come, what is lacking for the next step, and
//! the way back.

use store::{Connection, ConnectionFilter, Installation, InstallationFilter, Integration, Sync};

use super::Opened;
use crate::actions::{connection, installation};
use crate::{ActionError, Engine};

/// How far a customer has come.
#[derive(Debug)]
pub enum Standing {
    /// Nothing is connected.
    Unconnected,
    /// An account is connected, and nothing installed.
    Connected(Box<Connection>),
    /// It is installed.
    Installed(Box<Installed>),
}

/// What is installed.
#[derive(Debug)]
pub struct Installed {
    /// What it works through.
    pub connection: Connection,
    /// The installation.
    pub installation: Installation,
    /// What it reads.
    pub syncs: Vec<Sync>,
}

impl Standing {
    /// The account that is connected, if one is.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Unconnected => None,
            Self::Connected(connection) => Some(connection),
            Self::Installed(installed) => Some(&installed.connection),
        }
    }
}

/// How far the customer of a link has come with an integration.
///
/// # Errors
/// [`ActionError::Store`]
pub async fn standing(
    engine: &Engine,
    opened: &Opened,
    integration: &Integration,
) -> Result<Standing, ActionError> {
    let scope = opened.scope(engine).await?;
    let tenant = engine.store.within(&scope);
    let filter = InstallationFilter {
        integration_id: Some(integration.id.clone()),
        group_ref: Some(opened.link.group_ref.clone()),
    };
    if let Some(installation) = tenant.installations(filter).await?.into_iter().next() {
        return Ok(Standing::Installed(Box::new(Installed {
            connection: tenant.connection(&installation.connection_id).await?,
            syncs: tenant.syncs(&installation.id).await?,
            installation,
        })));
    }
    let filter = ConnectionFilter {
        provider: Some(integration.provider.clone()),
        group_ref: Some(opened.link.group_ref.clone()),
        consumer_ref: None,
    };
    let connection = tenant.connections(filter).await?.into_iter().next();
    Ok(connection.map_or(Standing::Unconnected, |connection| {
        Standing::Connected(Box::new(connection))
    }))
}

/// What the builder has not done yet, without which no customer can connect or
/// install; for the builder to read.
///
/// # Errors
/// [`ActionError::Store`]
pub async fn unprepared(
    engine: &Engine,
    opened: &Opened,
    manifest: &manifest::Integration,
) -> Result<Vec<String>, ActionError> {
    let scope = opened.scope(engine).await?;
    let tenant = engine.store.within(&scope);
    let provider = &manifest.provider;
    let mut lacking = Vec::new();
    if engine.registry.get(provider).is_none() {
        lacking.push(format!("this server has no provider {provider}"));
    }
    if tenant.provider_app_for(provider).await?.is_none() {
        lacking.push(format!("the project has no provider app for {provider}"));
    }
    let destinations = tenant.destinations().await?;
    for object in manifest.read_objects() {
        let name = &object.destination;
        if !destinations.iter().any(|known| known.name == *name) {
            let line = format!("the project has no destination {name}");
            if !lacking.contains(&line) {
                lacking.push(line);
            }
        }
    }
    Ok(lacking)
}

/// Uninstalls, or ends a connection that nothing is installed over.
///
/// # Errors
/// [`ActionError::Conflict`] when another integration works through the connection,
/// [`ActionError::Store`].
pub async fn disconnect(
    engine: &Engine,
    opened: &Opened,
    integration: &Integration,
) -> Result<(), ActionError> {
    let (actor, project) = (&opened.actor, &opened.link.project_id);
    match standing(engine, opened, integration).await? {
        Standing::Unconnected => Ok(()),
        Standing::Connected(connection) => {
            connection::delete(engine, actor, project, &connection.id).await
        }
        Standing::Installed(installed) => {
            let id = &installed.installation.id;
            installation::delete(engine, actor, project, &integration.id, id).await
        }
    }
}

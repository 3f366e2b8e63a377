//! Installations: one customer's use of an integration, from the install to the
//! uninstall.

mod json_patch;
mod mask;
mod pause;
mod update;

use connector::Connector;
use serde_json::Value;
use store::{
    Access, Actor, Connection, ConnectionFilter, Installation, Integration, NewInstallation,
    StoreError, Sync, Tenant,
};

pub use json_patch::{Operation, Step};
pub use pause::{PauseReads, pause};
pub use update::{ObjectPatch, Update, Whose, patch_object, update};

use super::require_name;
use crate::read::{Sampled, sample};
use crate::reconcile::{Plan, Reconciliation};
use crate::shape::{InstallationConfig, completed};
use crate::{ActionError, Engine};

/// Times that a change is planned again because something came in between.
const MOST_TRIES: usize = 8;

/// A request for an installation.
#[derive(Debug, Clone)]
pub struct Install {
    /// The integration, by id or name.
    pub integration: String,
    /// The customer.
    pub group_ref: String,
    /// The connection; the group's one for the provider where absent.
    pub connection_id: Option<String>,
    /// The revision that the config was made for; the latest where absent.
    pub revision_id: Option<String>,
    /// Who says so.
    pub created_by: Option<String>,
    /// `config.content`, as the API contract shapes it.
    pub content: Value,
    /// Whether nothing is read before anything is stored.
    pub skip_sampling: bool,
}

/// Installs: stores the config, and starts the backfills that it asks for.
///
/// # Errors
/// [`ActionError::Invalid`] with every cause when the config does not fit the
/// manifest, [`ActionError::Conflict`] when the group has an installation.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    install: Install,
) -> Result<Installation, ActionError> {
    require_name("groupRef", &install.group_ref)?;
    if actor
        .customer()
        .is_some_and(|(group, _)| group != install.group_ref)
    {
        return Err(ActionError::Forbidden {
            detail: "the token is for another group".to_owned(),
        });
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let mut tries = 0;
    loop {
        let integration = tenant.integration(&install.integration).await?;
        let new = planned(engine, actor, &tenant, &integration, &install).await?;
        match tenant.install(new, engine.clock.now()).await {
            // A deploy came in between: plan again.
            Err(StoreError::Outdated) if tries < MOST_TRIES => tries += 1,
            done => {
                let installation = done?;
                tracing::info!(installation = %installation.id, "installed");
                return Ok(installation);
            }
        }
    }
}

/// Uninstalls: reads stop at once, what waits to be delivered is dropped, and
/// nothing of the installation is left. Its connection goes with it, unless
/// another installation works through it.
///
/// # Errors
/// [`ActionError::NotFound`] when there is none.
pub async fn delete(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    integration: &str,
    installation: &str,
) -> Result<(), ActionError> {
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let found = tenant.installation(integration, installation).await?;
    tenant.uninstall(&found.id, engine.clock.now()).await?;
    tracing::info!(installation = %found.id, by = actor.label(), "uninstalled");
    Ok(())
}

/// Who installs, where nobody says so, as the stock React components do not: behind
/// a key for front ends it is the person who has connected.
fn installer(actor: &Actor, connection: &Connection) -> String {
    match (actor.access(), actor.customer()) {
        (Access::Frontend, None) => format!("consumer:{}", connection.consumer_ref),
        (Access::Frontend, Some(_)) | (Access::Full, _) => actor.label(),
    }
}

/// Everything that an installation is made from, checked.
async fn planned(
    engine: &Engine,
    actor: &Actor,
    tenant: &Tenant<'_>,
    integration: &Integration,
    install: &Install,
) -> Result<NewInstallation, ActionError> {
    let revision_id = match &install.revision_id {
        Some(id) if !id.is_empty() => tenant.revision(id).await?.id,
        _ => integration.latest_revision.id.clone(),
    };
    let connection = connection_for(tenant, install, &integration.provider).await?;
    let manifest = manifest_of(integration)?;
    let wanted = Wanted {
        integration,
        manifest: &manifest,
        connection: &connection,
        syncs: &[],
        skip_sampling: install.skip_sampling,
    };
    let before = InstallationConfig::default();
    let plan = plan(engine, tenant, &wanted, &before, &install.content).await?;
    let by = install.created_by.clone();
    let by = by.unwrap_or_else(|| installer(actor, &connection));
    Ok(NewInstallation {
        integration_id: integration.id.clone(),
        revision_id,
        planned_by: integration.latest_revision.id.clone(),
        connection_id: connection.id,
        group_ref: install.group_ref.clone(),
        created_by: by,
        config: completed(install.content.clone(), &integration.provider),
        objects: plan.add,
    })
}

/// What a plan is made from.
struct Wanted<'a> {
    integration: &'a Integration,
    manifest: &'a manifest::Integration,
    connection: &'a Connection,
    syncs: &'a [Sync],
    /// Whether nothing is read before anything is stored.
    skip_sampling: bool,
}

/// Plans the step to a new config.
///
/// # Errors
/// [`ActionError::Invalid`] with every cause when it does not fit the manifest.
async fn plan(
    engine: &Engine,
    tenant: &Tenant<'_>,
    wanted: &Wanted<'_>,
    before: &InstallationConfig,
    content: &Value,
) -> Result<Plan, ActionError> {
    let provider = &wanted.integration.provider;
    let connector = engine.registry.get(provider);
    let connector = connector.ok_or_else(|| ActionError::NotFound {
        what: "provider",
        id: provider.clone(),
    })?;
    let destinations = tenant.destinations().await?;
    let destinations: Vec<String> = destinations.into_iter().map(|d| d.name).collect();
    let reconciliation = Reconciliation {
        connector: connector.as_ref(),
        connection: wanted.connection,
        manifest: wanted.manifest,
        syncs: wanted.syncs,
        destinations: Some(&destinations),
        limits: engine.limits(),
        now: engine.clock.now(),
    };
    let plan = reconciliation.plan(before, &config_of(content)?);
    if plan.causes.is_empty() {
        if !wanted.skip_sampling {
            let (connector, connection) = (connector.as_ref(), wanted.connection);
            refuse_unknown_fields(engine, connector, connection, &plan.sampled).await?;
        }
        return Ok(plan);
    }
    Err(ActionError::Invalid {
        detail: "the config does not fit the integration".to_owned(),
        causes: plan.causes,
        remedy: Some("Mend the config, or create what is missing, and try again".to_owned()),
    })
}

/// Looks at one record of each object that is to be read on a schedule.
///
/// # Errors
/// [`ActionError::Invalid`] naming each field that does not exist.
async fn refuse_unknown_fields(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    sampled: &[Sampled],
) -> Result<(), ActionError> {
    let causes = sample(engine, connector, connection, sampled).await;
    if causes.is_empty() {
        return Ok(());
    }
    Err(ActionError::Invalid {
        detail: "the config names fields that do not exist".to_owned(),
        causes,
        remedy: Some(
            "Mend the names; if some records have the field, try again with ?skipSampling=true"
                .to_owned(),
        ),
    })
}

fn config_of(content: &Value) -> Result<InstallationConfig, ActionError> {
    serde_json::from_value(content.clone()).map_err(|error| {
        ActionError::invalid(
            format!("`config.content` is not as the API says: {error}"),
            "See the API's description",
        )
    })
}

fn manifest_of(integration: &Integration) -> Result<manifest::Integration, ActionError> {
    serde_json::from_value(integration.latest_revision.content.clone())
        .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))
}

async fn connection_for(
    tenant: &Tenant<'_>,
    install: &Install,
    provider: &str,
) -> Result<Connection, ActionError> {
    if let Some(id) = install.connection_id.as_ref().filter(|id| !id.is_empty()) {
        return named_connection(tenant, id, &install.group_ref, provider).await;
    }
    let filter = ConnectionFilter {
        provider: Some(provider.to_owned()),
        group_ref: Some(install.group_ref.clone()),
        consumer_ref: None,
    };
    tenant
        .connections(filter)
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| {
            ActionError::invalid(
                format!(
                    "group `{}` has no connection to {provider}",
                    install.group_ref
                ),
                "Let the customer connect first (POST /oauth-connect)",
            )
        })
}

/// A connection that is named: it must be of the same group and provider.
async fn named_connection(
    tenant: &Tenant<'_>,
    id: &str,
    group_ref: &str,
    provider: &str,
) -> Result<Connection, ActionError> {
    let connection = tenant.connection(id).await?;
    if connection.group_ref == group_ref && connection.provider == provider {
        return Ok(connection);
    }
    Err(ActionError::invalid(
        format!("connection `{id}` is not one of group `{group_ref}` to {provider}"),
        "Use a connection of the same group and of the integration's provider",
    ))
}

//! Provider apps: the builder's own OAuth client at a provider.

use store::{Actor, NewProviderApp, ProviderApp, ProviderAppChange, StoreError};

use secrecy::{ExposeSecret as _, SecretString};

use super::{require_full, require_name};
use crate::{ActionError, Engine};

/// Registers a provider app.
///
/// # Errors
/// [`ActionError::Invalid`] for an unknown provider or an empty client id or
/// secret, [`ActionError::Conflict`] when there is one already.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    new: NewProviderApp,
) -> Result<ProviderApp, ActionError> {
    require_full(actor)?;
    if engine.registry.get(&new.provider).is_none() {
        return Err(ActionError::invalid(
            format!("there is no provider `{}`", new.provider),
            format!("Providers of this server: {}", engine.registry.names()),
        ));
    }
    require_name("clientId", &new.client_id)?;
    require_secret(&new.client_secret)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let now = engine.clock.now();
    Ok(tenant.create_provider_app(new, now).await?)
}

/// Changes what is given of a provider app.
///
/// # Errors
/// [`ActionError::Invalid`] for an empty client id or secret.
pub async fn update(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
    change: ProviderAppChange,
) -> Result<ProviderApp, ActionError> {
    require_full(actor)?;
    if let Some(client_id) = &change.client_id {
        require_name("clientId", client_id)?;
    }
    if let Some(secret) = &change.client_secret {
        require_secret(secret)?;
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let now = engine.clock.now();
    Ok(tenant.change_provider_app(id, change, now).await?)
}

/// Deletes a provider app.
///
/// # Errors
/// [`ActionError::Invalid`] while connections refresh their tokens with it.
pub async fn delete(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    tenant
        .delete_provider_app(id, engine.clock.now())
        .await
        .map_err(|error| match error {
            StoreError::Conflict { detail, .. } => ActionError::invalid(
                format!("connections were made with this provider app ({detail})"),
                "Delete the connections first; to replace the client id or secret, update the provider app",
            ),
            other => other.into(),
        })
}

fn require_secret(secret: &SecretString) -> Result<(), ActionError> {
    if secret.expose_secret().is_empty() {
        return Err(ActionError::invalid(
            "`clientSecret` is empty",
            "Copy it from the provider's page",
        ));
    }
    Ok(())
}

//! Provider apps: the builder's own OAuth client at a provider.

use store::{Actor, NewProviderApp, ProviderApp};

use secrecy::ExposeSecret as _;

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
    if new.client_secret.expose_secret().is_empty() {
        return Err(ActionError::invalid(
            "`clientSecret` is empty",
            "Copy it from the provider's page",
        ));
    }
    let scope = engine.store.scope(actor, project).await?;
    Ok(engine
        .store
        .within(&scope)
        .create_provider_app(new, engine.clock.now())
        .await?)
}

//! API keys.

use secrecy::SecretString;
use store::{Actor, ApiKey, ApiKeyChange, NewApiKey};

use super::require_full;
use crate::{ActionError, Engine};

/// The scopes that a key can have.
const SCOPES: [&str; 2] = ["full", "frontend"];

/// Creates a key. The whole of it is returned this once and kept nowhere.
///
/// # Errors
/// [`ActionError::Invalid`] for an unknown scope.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    new: NewApiKey,
) -> Result<(ApiKey, SecretString), ActionError> {
    require_full(actor)?;
    check_scopes(&new.access)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant.create_api_key(new, engine.clock.now()).await?)
}

/// Changes the label, the scopes, or whether the key opens anything.
///
/// # Errors
/// [`ActionError::NotFound`], [`ActionError::Invalid`] for an unknown scope.
pub async fn update(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    key: &str,
    change: ApiKeyChange,
) -> Result<ApiKey, ActionError> {
    require_full(actor)?;
    check_scopes(change.access.as_deref().unwrap_or_default())?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let now = engine.clock.now();
    Ok(tenant.change_api_key(key, change, now).await?)
}

/// Deletes a key: from then on it opens nothing.
///
/// # Errors
/// [`ActionError::NotFound`]
pub async fn delete(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    key: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant.delete_api_key(key, engine.clock.now()).await?)
}

fn check_scopes(scopes: &[String]) -> Result<(), ActionError> {
    let unknown = scopes
        .iter()
        .find(|scope| !SCOPES.contains(&scope.as_str()));
    unknown.map_or(Ok(()), |unknown| {
        Err(ActionError::invalid(
            format!("there is no scope `{unknown}`"),
            "Use `full` or `frontend`",
        ))
    })
}

/// Revokes a key, named by its public part or by the whole of it.
///
/// # Errors
/// [`ActionError::NotFound`]
pub async fn revoke(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    key: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    engine
        .store
        .within(&scope)
        .revoke_api_key(key, engine.clock.now())
        .await?;
    Ok(())
}

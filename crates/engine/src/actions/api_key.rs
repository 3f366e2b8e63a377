//! API keys.

use secrecy::SecretString;
use store::{Actor, ApiKey, NewApiKey};

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
    if let Some(unknown) = new
        .access
        .iter()
        .find(|scope| !SCOPES.contains(&scope.as_str()))
    {
        return Err(ActionError::invalid(
            format!("there is no scope `{unknown}`"),
            "Use `full` or `frontend`",
        ));
    }
    let scope = engine.store.scope(actor, project).await?;
    Ok(engine
        .store
        .within(&scope)
        .create_api_key(new, engine.clock.now())
        .await?)
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

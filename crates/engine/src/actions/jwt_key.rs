//! JWT keys: the public halves of the keys that a builder signs tokens with.

use store::{Actor, JwtKey};

use super::{require_full, require_name};
use crate::{ActionError, Engine, jwt};

/// Registers a public key.
///
/// # Errors
/// [`ActionError::BadRequest`] for another algorithm than RS256 and for what is
/// no RSA public key of 2,048 to 8,192 bits.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    label: String,
    algorithm: &str,
    public_key_pem: String,
) -> Result<JwtKey, ActionError> {
    require_full(actor)?;
    require_name("label", &label)?;
    if algorithm != "RS256" {
        return Err(ActionError::bad_request(
            format!("`{algorithm}` is not supported"),
            "Sign with RS256",
        ));
    }
    if !jwt::is_public_key(&public_key_pem) {
        return Err(ActionError::bad_request(
            "`publicKeyPem` is not an RSA public key of 2048 to 8192 bits",
            "Make one with `openssl genrsa 2048 | tee private.pem | openssl rsa -pubout`, and keep private.pem to yourself",
        ));
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let now = engine.clock.now();
    Ok(tenant.create_jwt_key(label, public_key_pem, now).await?)
}

/// Changes the label, or whether tokens signed with it open anything.
///
/// # Errors
/// [`ActionError::NotFound`]
pub async fn update(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
    label: Option<String>,
    active: Option<bool>,
) -> Result<JwtKey, ActionError> {
    require_full(actor)?;
    if let Some(label) = &label {
        require_name("label", label)?;
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let now = engine.clock.now();
    Ok(tenant.change_jwt_key(id, label, active, now).await?)
}

/// Deletes a key.
///
/// # Errors
/// [`ActionError::NotFound`]
pub async fn delete(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(tenant.delete_jwt_key(id, engine.clock.now()).await?)
}

//! Everything that changes state for a person or a program: plain functions of an
//! [`Actor`] and typed input. API handlers, pages and commands only
//! extract and render; all of them call these.

pub mod api_key;
pub mod builder;
pub mod connection;
pub mod delivery;
pub mod destination;
pub mod group;
pub mod install_link;
pub mod installation;
pub mod integration;
pub mod jwt_key;
pub mod metadata;
pub mod notification;
pub mod oauth;
pub mod organization;
pub mod project;
pub mod provider_app;
pub mod read;
pub mod search;
pub mod upload;
pub mod write;

use jiff::Timestamp;
use store::{Access, Actor, Tenant};

use crate::error::ActionError;

/// Refuses keys that are made for browsers.
fn require_full(actor: &Actor) -> Result<(), ActionError> {
    match actor.access() {
        Access::Full => Ok(()),
        Access::Frontend => Err(ActionError::Forbidden {
            detail: "this key is for front ends only; use one with the `full` scope".to_owned(),
        }),
    }
}

/// Refuses a customer's token that acts for another group or person than its own.
fn require_own(actor: &Actor, group_ref: &str, consumer_ref: &str) -> Result<(), ActionError> {
    match actor.customer() {
        Some(own) if own != (group_ref, consumer_ref) => Err(ActionError::Forbidden {
            detail: "the token is for another group or consumer".to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Refuses an empty or overlong name.
fn require_name(what: &'static str, name: &str) -> Result<(), ActionError> {
    if name.trim().is_empty() {
        return Err(ActionError::invalid(
            format!("`{what}` is empty"),
            format!("Give `{what}` a value"),
        ));
    }
    if name.len() > 255 {
        return Err(ActionError::invalid(
            format!("`{what}` is longer than 255 bytes"),
            "Choose a shorter one",
        ));
    }
    Ok(())
}

/// Writes down what the actor did where the store changes nothing; changes are
/// written down by the store, in their transactions.
async fn audit(
    tenant: &Tenant<'_>,
    actor: &Actor,
    action: &str,
    subject: &str,
    now: Timestamp,
) -> Result<(), ActionError> {
    Ok(tenant.audit(&actor.label(), action, subject, now).await?)
}

//! Consents under way. The `state` is kept as a hash and works once; what has
//! to be remembered until the callback is sealed.

use jiff::Timestamp;
use serde_json::Value;

use crate::Store;
use crate::error::Result;
use crate::scope::{Scope, Tenant};

/// A consent that has been asked for.
#[derive(Debug)]
pub struct NewOAuthState<'a> {
    /// The `state` parameter as the provider will hand it back.
    pub state: &'a str,
    /// What the callback needs.
    pub body: Value,
    /// Until when the callback may come.
    pub expires_at: Timestamp,
}

/// What a `state` turned out to be.
#[derive(Debug)]
pub enum OAuthStateTaken {
    /// Known and in time.
    Valid {
        /// The project that asked for the consent.
        scope: Scope,
        /// What was remembered.
        body: Value,
    },
    /// Known, but too late.
    Expired,
    /// Never handed out, or taken already.
    Unknown,
}

impl Tenant<'_> {
    /// Remembers a consent under way.
    pub async fn save_oauth_state(&self, new: NewOAuthState<'_>, now: Timestamp) -> Result<()> {
        todo!()
    }
}

impl Store {
    /// Takes a `state`, so that it cannot be taken again. It needs no scope:
    /// the callback has no actor, and the state itself names the project.
    pub async fn take_oauth_state(&self, state: &str, now: Timestamp) -> Result<OAuthStateTaken> {
        todo!()
    }
}

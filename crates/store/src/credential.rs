//! Credentials of connections: sealed, versioned, and refreshed by one node at
//! a time.
//!
//! Every write is a compare-and-set on the version, so an answer that comes
//! late never overwrites a newer credential.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::Store;
use crate::connection::ConnectionStatus;
use crate::error::Result;

/// What opens a customer's account.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Tokens of an OAuth 2.0 consent.
    OAuth2 {
        /// Sent with every request.
        access_token: SecretString,
        /// Exchanged for a new pair.
        refresh_token: Option<SecretString>,
        /// When the access token expires.
        expires_at: Option<Timestamp>,
        /// The scopes that were granted.
        scopes: Vec<String>,
    },
    /// HTTP Basic.
    Basic {
        /// The user, an e-mail address for Bitbucket.
        username: String,
        /// The password or token.
        secret: SecretString,
    },
    /// A bearer token that is not refreshed.
    ApiKey(SecretString),
}

/// A credential as it is kept.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// The credential.
    pub credential: Credential,
    /// Counts the replacements.
    pub version: i64,
    /// Whether it works.
    pub status: ConnectionStatus,
    /// The OAuth client to refresh it with.
    pub provider_app_id: Option<String>,
    /// The project of the connection.
    pub project_id: String,
    /// The provider's name.
    pub provider: String,
}

impl Store {
    /// The credential of a connection.
    pub async fn credential(&self, connection_id: &str) -> Result<StoredCredential> {
        todo!()
    }

    /// Takes the lock under which a connection is refreshed, for at most
    /// `lease`. False when somebody else holds it.
    pub async fn lock_refresh(
        &self,
        connection_id: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<bool> {
        todo!()
    }

    /// Gives the lock back, if it is still the owner's.
    pub async fn unlock_refresh(&self, connection_id: &str, owner: &str) -> Result<()> {
        todo!()
    }

    /// Replaces the credential if its version is still the expected one; the
    /// status becomes `working`. False when it is not.
    pub async fn save_credential(
        &self,
        connection_id: &str,
        expected_version: i64,
        credential: Credential,
        now: Timestamp,
    ) -> Result<bool> {
        todo!()
    }

    /// Declares the credential dead if its version is still the expected one.
    /// False when it is not.
    pub async fn mark_bad_credentials(
        &self,
        connection_id: &str,
        expected_version: i64,
        now: Timestamp,
    ) -> Result<bool> {
        todo!()
    }
}

//! Credentials of connections: sealed, versioned, and refreshed by one node at
//! a time.
//!
//! Every write is a compare-and-set on the version, so an answer that comes
//! late never overwrites a newer credential.

use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::columns::{Words, ms};
use crate::connection::ConnectionStatus;
use crate::error::{Result, StoreError};
use crate::notification::{self, Happening};
use crate::secrets::{MasterKeys, Place};

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

/// A credential as it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Sealed {
    OAuth2 {
        access_token: String,
        refresh_token: Option<String>,
        expires_at: Option<Timestamp>,
        scopes: Vec<String>,
    },
    Basic {
        username: String,
        secret: String,
    },
    ApiKey {
        key: String,
    },
}

fn exposed(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}

/// Where the credential of a connection is sealed.
fn credential_at(row: &str) -> Place<'_> {
    Place {
        table: "connection",
        column: "credential",
        row,
    }
}

fn ms_of(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl Credential {
    /// The scopes that were granted.
    pub(crate) fn scopes(&self) -> Vec<String> {
        match self {
            Self::OAuth2 { scopes, .. } => scopes.clone(),
            Self::Basic { .. } | Self::ApiKey(_) => Vec::new(),
        }
    }

    /// When an access token was issued that is stored now.
    pub(crate) fn issued_ms(&self, now: Timestamp) -> Option<i64> {
        matches!(self, Self::OAuth2 { .. }).then(|| ms(now))
    }

    /// When the access token expires.
    pub(crate) fn expires_ms(&self) -> Option<i64> {
        match self {
            Self::OAuth2 { expires_at, .. } => expires_at.map(ms),
            Self::Basic { .. } | Self::ApiKey(_) => None,
        }
    }

    /// Sealed for a connection.
    pub(crate) fn seal(&self, keys: &MasterKeys, connection_id: &str) -> Result<Vec<u8>> {
        let sealed = match self {
            Self::OAuth2 {
                access_token,
                refresh_token,
                expires_at,
                scopes,
            } => Sealed::OAuth2 {
                access_token: exposed(access_token),
                refresh_token: refresh_token.as_ref().map(exposed),
                expires_at: *expires_at,
                scopes: scopes.clone(),
            },
            Self::Basic { username, secret } => Sealed::Basic {
                username: username.clone(),
                secret: exposed(secret),
            },
            Self::ApiKey(key) => Sealed::ApiKey { key: exposed(key) },
        };
        let json = serde_json::to_vec(&sealed)
            .map(Zeroizing::new)
            .map_err(corrupt)?;
        keys.seal(credential_at(connection_id), &json)
    }

    pub(crate) fn open(keys: &MasterKeys, connection_id: &str, sealed: &[u8]) -> Result<Self> {
        let json = keys.open(credential_at(connection_id), sealed)?;
        let sealed: Sealed = serde_json::from_slice(&json).map_err(corrupt)?;
        Ok(match sealed {
            Sealed::OAuth2 {
                access_token,
                refresh_token,
                expires_at,
                scopes,
            } => Self::OAuth2 {
                access_token: access_token.into(),
                refresh_token: refresh_token.map(SecretString::from),
                expires_at,
                scopes,
            },
            Sealed::Basic { username, secret } => Self::Basic {
                username,
                secret: secret.into(),
            },
            Sealed::ApiKey { key } => Self::ApiKey(key.into()),
        })
    }
}

/// Without serde's own words, which may repeat what it read.
fn corrupt(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        table: "connection",
        detail: format!(
            "the credential is not the JSON expected: {:?}",
            error.classify()
        ),
    }
}

impl Store {
    /// The credential of a connection.
    pub async fn credential(&self, connection_id: &str) -> Result<StoredCredential> {
        let select = self.backend().sql(
            "SELECT credential, credential_version, status, provider_app_id, project_id, provider \
             FROM connection WHERE id = $1",
            [connection_id.into()],
        );
        let row = self
            .read()
            .query_one_raw(select)
            .await?
            .ok_or_else(|| StoreError::not_found("connection", connection_id))?;
        let sealed: Vec<u8> = row.try_get("", "credential")?;
        Ok(StoredCredential {
            credential: Credential::open(&self.inner.keys, connection_id, &sealed)?,
            version: row.try_get("", "credential_version")?,
            status: row.try_get("", "status")?,
            provider_app_id: row.try_get("", "provider_app_id")?,
            project_id: row.try_get("", "project_id")?,
            provider: row.try_get("", "provider")?,
        })
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
        let tx = self.write().await?;
        let until = ms(now).saturating_add(ms_of(lease));
        let locked = tx
            .execute(
                "UPDATE connection SET refresh_owner = $2, refresh_until = $3 WHERE id = $1 \
                 AND (refresh_owner IS NULL OR refresh_owner = $2 OR refresh_until <= $4)",
                [
                    connection_id.into(),
                    owner.into(),
                    until.into(),
                    ms(now).into(),
                ],
            )
            .await?;
        tx.commit().await?;
        Ok(locked == 1)
    }

    /// Gives the lock back, if it is still the owner's.
    pub async fn unlock_refresh(&self, connection_id: &str, owner: &str) -> Result<()> {
        let tx = self.write().await?;
        tx.execute(
            "UPDATE connection SET refresh_owner = NULL, refresh_until = NULL \
             WHERE id = $1 AND refresh_owner = $2",
            [connection_id.into(), owner.into()],
        )
        .await?;
        tx.commit().await
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
        let sealed = credential.seal(&self.inner.keys, connection_id)?;
        let mut tx = self.write().await?;
        let saved = tx
            .execute(
                "UPDATE connection SET credential = $3, credential_version = $2 + 1, \
                 status = 'working', scopes = $4, access_issued_at = $5, access_expires_at = $6, \
                 update_time = $7 WHERE id = $1 AND credential_version = $2",
                [
                    connection_id.into(),
                    expected_version.into(),
                    sealed.into(),
                    Words(credential.scopes()).into(),
                    credential.issued_ms(now).into(),
                    credential.expires_ms().into(),
                    ms(now).into(),
                ],
            )
            .await?;
        if saved == 1 {
            tx.changes_passages();
            let refreshed = Happening::ConnectionRefreshed(connection_id);
            notification::tell(&mut tx, refreshed, now).await?;
        }
        tx.commit().await?;
        Ok(saved == 1)
    }

    /// Declares the credential dead if its version is still the expected one,
    /// and tells it with `error`, which the builder reads. False when it is
    /// another one, or dead already.
    pub async fn mark_bad_credentials(
        &self,
        connection_id: &str,
        expected_version: i64,
        error: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let marked = tx
            .execute(
                "UPDATE connection SET status = 'bad_credentials', update_time = $3 \
                 WHERE id = $1 AND credential_version = $2 AND status <> 'bad_credentials'",
                [
                    connection_id.into(),
                    expected_version.into(),
                    ms(now).into(),
                ],
            )
            .await?;
        if marked == 1 {
            tx.changes_passages();
            notification::tell_of_death(&mut tx, connection_id, error, now).await?;
        }
        tx.commit().await?;
        Ok(marked == 1)
    }
}

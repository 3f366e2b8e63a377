//! Consents under way. The `state` is kept as a hash and leads to one connection;
//! what has to be remembered until the callback is sealed.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::Value;

use crate::Store;
use crate::columns::ms;
use crate::error::{Result, StoreError, or_conflict};
use crate::scope::{Scope, Tenant};
use crate::secrets::{Place, digest};
use crate::statement::time;

/// How long an expired state is still told from an unknown one.
const FORGET_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;

/// A consent that has been asked for.
pub struct NewOAuthState<'a> {
    /// The `state` parameter as the provider will hand it back.
    pub state: &'a str,
    /// What the callback needs.
    pub body: Value,
    /// Until when the callback may come.
    pub expires_at: Timestamp,
}

/// State and body are secrets, so neither is shown.
impl std::fmt::Debug for NewOAuthState<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewOAuthState")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What a `state` turned out to be.
pub enum OAuthStateTaken {
    /// Known and in time.
    Valid {
        /// The project that asked for the consent.
        scope: Scope,
        /// What was remembered.
        body: Value,
    },
    /// Known, but too late.
    Expired {
        /// What was remembered.
        body: Value,
    },
    /// Never handed out, or taken already.
    Unknown,
}

/// The body is a secret, so it is not shown.
impl std::fmt::Debug for OAuthStateTaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Valid { scope, .. } => f
                .debug_struct("Valid")
                .field("scope", scope)
                .finish_non_exhaustive(),
            Self::Expired { .. } => f.write_str("Expired"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// Where the body of a state is sealed.
fn body_at(row: &str) -> Place<'_> {
    Place {
        table: "oauth_state",
        column: "body",
        row,
    }
}

impl Tenant<'_> {
    /// Remembers a consent under way.
    pub async fn save_oauth_state(&self, new: NewOAuthState<'_>, now: Timestamp) -> Result<()> {
        let digest = digest(new.state);
        let body = new.body.to_string();
        let sealed = self
            .store
            .inner
            .keys
            .seal(body_at(&digest), body.as_bytes())?;
        let tx = self.store.write().await?;
        // What nobody came back for a day after it expired is of no use.
        tx.execute(
            "DELETE FROM oauth_state WHERE expires_at < $1",
            [(ms(now) - FORGET_AFTER_MS).into()],
        )
        .await?;
        tx.execute(
            "INSERT INTO oauth_state (digest, project_id, group_ref, body, expires_at, create_time) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            [
                digest.into(),
                self.scope.project_id().into(),
                self.scope.group_ref().into(),
                sealed.into(),
                ms(new.expires_at).into(),
                ms(now).into(),
            ],
        )
        .await
        .map_err(|error| or_conflict(error, "OAuth state", || "it was handed out before".to_owned()))?;
        tx.commit().await
    }
}

impl Tenant<'_> {
    /// Forgets the consents under way whose body is `about` what the caller looks
    /// for. Bodies are sealed, so each is opened here.
    pub async fn forget_oauth_states(&self, about: impl Fn(&Value) -> bool) -> Result<()> {
        let select = self.store.backend().sql(
            "SELECT digest, body FROM oauth_state WHERE project_id = $1 ORDER BY digest",
            [self.scope.project_id().into()],
        );
        let tx = self.store.write().await?;
        for row in tx.db().query_all_raw(select).await? {
            let digest: String = row.try_get("", "digest")?;
            let sealed: Vec<u8> = row.try_get("", "body")?;
            // What cannot be opened leads nobody back either, and ends by itself.
            let Ok(body) = self.store.inner.keys.open(body_at(&digest), &sealed) else {
                continue;
            };
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            if about(&body) {
                let delete = "DELETE FROM oauth_state WHERE digest = $1";
                tx.execute(delete, [digest.into()]).await?;
            }
        }
        tx.commit().await
    }
}

impl Store {
    /// Takes a `state`, so that it cannot be taken again. It needs no scope:
    /// the callback has no actor, and the state itself names the project.
    pub async fn take_oauth_state(&self, state: &str, now: Timestamp) -> Result<OAuthStateTaken> {
        let digest = digest(state);
        let tx = self.write().await?;
        let take = self.backend().sql(
            "DELETE FROM oauth_state WHERE digest = $1 \
             RETURNING project_id, group_ref, body, expires_at",
            [digest.as_str().into()],
        );
        let row = tx.db().query_one_raw(take).await?;
        tx.commit().await?;
        self.opened(&digest, row, now)
    }

    /// What a `state` is, without taking it.
    pub async fn find_oauth_state(&self, state: &str, now: Timestamp) -> Result<OAuthStateTaken> {
        let digest = digest(state);
        let find = self.backend().sql(
            "SELECT project_id, group_ref, body, expires_at FROM oauth_state WHERE digest = $1",
            [digest.as_str().into()],
        );
        let row = self.read().query_one_raw(find).await?;
        self.opened(&digest, row, now)
    }

    fn opened(
        &self,
        digest: &str,
        row: Option<QueryResult>,
        now: Timestamp,
    ) -> Result<OAuthStateTaken> {
        let Some(row) = row else {
            return Ok(OAuthStateTaken::Unknown);
        };
        let sealed: Vec<u8> = row.try_get("", "body")?;
        let body = self.inner.keys.open(body_at(digest), &sealed)?;
        let body = serde_json::from_slice(&body).map_err(|error| StoreError::Corrupt {
            table: "oauth_state",
            detail: error.to_string(),
        })?;
        if time(&row, "expires_at")? <= now {
            return Ok(OAuthStateTaken::Expired { body });
        }
        Ok(OAuthStateTaken::Valid {
            scope: Scope::found(
                row.try_get("", "project_id")?,
                row.try_get("", "group_ref")?,
            ),
            body,
        })
    }
}

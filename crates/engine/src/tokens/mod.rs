//! Credentials that are fit to be used now.
//!
//! An access token is refreshed ahead of its end, and after a 401; by one task at
//! a time over all nodes; and the new pair is stored before it is used, since
//! with rotation the old refresh token dies. A refused refresh is believed only
//! if the store still holds the pair that was refused.

mod refresh;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use connector::Description;
use jiff::{SignedDuration, Timestamp};
use outbound::{Credential as Sent, Outbound};
use secrecy::ExposeSecret as _;
use store::{Credential, Store, StoreError, StoredCredential};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;

/// Tokens that end sooner than this are refreshed first.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How long a new credential that was refused is not refreshed again for the sake
/// of requests that others put together, and how many are remembered.
const REFUSED_LASTS: SignedDuration = SignedDuration::from_mins(1);
const REFUSED_MOST: usize = 1_000;

/// A credential ready for a request.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// What goes into the request.
    pub credential: Sent,
    /// Which write of the stored credential this is.
    pub version: i64,
    /// Whom the provider counts the call for: the OAuth client, whichever
    /// customer it acts for; else the token itself. Never to be shown.
    pub(crate) counted_as: String,
    /// The provider app of that client.
    pub(crate) provider_app_id: Option<String>,
}

impl Fresh {
    /// A credential that is what it is.
    pub(crate) fn held(credential: &Sent) -> Self {
        let counted_as = match credential {
            Sent::Bearer(token) => token.expose_secret().to_owned(),
            Sent::Basic { username, .. } => username.clone(),
        };
        Self {
            credential: credential.clone(),
            version: 0,
            counted_as,
            provider_app_id: None,
        }
    }

    /// A credential as it is stored, and the client of its provider app.
    pub(crate) fn of(stored: StoredCredential, client_id: Option<String>) -> Self {
        let (credential, token) = match stored.credential {
            Credential::OAuth2 { access_token, .. } => {
                (Sent::Bearer(access_token.clone()), access_token)
            }
            Credential::ApiKey(key) => (Sent::Bearer(key.clone()), key),
            Credential::Basic { username, secret } => (
                Sent::Basic {
                    username,
                    password: secret.clone(),
                },
                secret,
            ),
        };
        Self {
            credential,
            version: stored.version,
            counted_as: client_id.unwrap_or_else(|| token.expose_secret().to_owned()),
            provider_app_id: stored.provider_app_id,
        }
    }
}

/// When a program that looks at a token wants it refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// In any case.
    Force,
    /// If it has ended.
    IfExpired,
}

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The provider refused for good; the customer must connect again.
    #[error("{message}")]
    Refused {
        /// The provider's words and the remedy.
        message: String,
    },
    /// It may work later.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The credentials of all connections.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub(crate) store: Store,
    pub(crate) outbound: Outbound,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) owner: Arc<str>,
    pub(crate) callback_url: Arc<str>,
    /// Refreshes under way, which outlive whoever asked for them.
    pub(crate) refreshes: TaskTracker,
    /// Where those of this process wait that want the same connection refreshed:
    /// a thousand who ask the database ten times a second would wear it out.
    pub(crate) queues: refresh::Queues,
    /// Credentials that were refused when they were new.
    pub(crate) refused: Refused,
}

/// For each connection the version, and when it was refused.
pub(crate) type Refused = Arc<Mutex<HashMap<String, (i64, Timestamp)>>>;

impl Tokens {
    /// Waits until no refresh is under way: a pair that the provider has rotated
    /// already is stored before the store is closed.
    pub(crate) async fn settled(&self) {
        self.refreshes.close();
        self.refreshes.wait().await;
    }

    /// A credential that should be accepted, refreshed if it ends soon.
    ///
    /// # Errors
    /// When the provider refuses for good, cannot be reached, or the store fails.
    pub async fn fresh(
        &self,
        description: &Description,
        connection_id: &str,
    ) -> Result<Fresh, TokenError> {
        let stored = self.store.credential(connection_id).await?;
        if self.clock.now() < good_until(&stored) {
            return self.ready(stored).await;
        }
        match self
            .refreshed(description, connection_id, stored.version)
            .await
        {
            // Ahead of time the old token still works: a provider that is down
            // for a minute stops nobody.
            Err(TokenError::Unavailable { .. }) if !ends_before(&stored, self.clock.now()) => {
                self.ready(stored).await
            }
            other => other,
        }
    }

    /// Refreshes now, or if the access token has ended. A credential that has
    /// nothing to refresh it with is left as it is.
    ///
    /// # Errors
    /// As [`Tokens::fresh`].
    pub async fn refresh(
        &self,
        description: &Description,
        connection_id: &str,
        when: Refresh,
    ) -> Result<(), TokenError> {
        let stored = self.store.credential(connection_id).await?;
        let refreshable = is_refreshable(&stored);
        let wanted = when == Refresh::Force || ends_before(&stored, self.clock.now());
        if refreshable && wanted {
            self.refreshed(description, connection_id, stored.version)
                .await?;
        }
        Ok(())
    }

    /// After a 401 for the credential of `version`: a newer one, refreshed if
    /// nobody has yet; `None` when this kind of credential cannot be refreshed.
    pub(crate) async fn after_refusal(
        &self,
        description: &Description,
        connection_id: &str,
        version: i64,
    ) -> Result<Option<Fresh>, TokenError> {
        let stored = self.store.credential(connection_id).await?;
        if stored.version != version {
            return self.ready(stored).await.map(Some);
        }
        if is_refreshable(&stored) {
            let refreshed = self.refreshed(description, connection_id, version);
            return refreshed.await.map(Some);
        }
        let message = "the provider refused the credential, and it is of a kind that cannot be refreshed: the customer must connect again";
        self.store
            .mark_bad_credentials(connection_id, version, message, self.clock.now())
            .await?;
        Ok(None)
    }

    /// As [`Tokens::after_refusal`], for a request that somebody else put together:
    /// `None` also where the refused credential is one of [`Tokens::refused_new`].
    /// Then it is the request that the provider refuses, and another token would not
    /// help. A credential that cannot be refreshed is not declared dead: other
    /// requests may still be allowed to it.
    pub(crate) async fn after_passed_refusal(
        &self,
        description: &Description,
        connection_id: &str,
        version: i64,
    ) -> Result<Option<Fresh>, TokenError> {
        let stored = self.store.credential(connection_id).await?;
        if stored.version != version {
            return self.ready(stored).await.map(Some);
        }
        if !is_refreshable(&stored) || self.was_refused(connection_id, version) {
            return Ok(None);
        }
        let refreshed = self.refreshed(description, connection_id, version);
        refreshed.await.map(Some)
    }

    /// A credential that came of a refusal was refused too, or the refused request
    /// could not be sent again to find that out.
    pub(crate) fn refused_new(&self, connection_id: &str, version: i64) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if refused.len() >= REFUSED_MOST {
            refused.retain(|_, (_, at)| now.duration_since(*at) < REFUSED_LASTS);
        }
        refused.insert(connection_id.to_owned(), (version, now));
    }

    fn was_refused(&self, connection_id: &str, version: i64) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        refused.get(connection_id).is_some_and(|(known, at)| {
            *known == version && now.duration_since(*at).abs() < REFUSED_LASTS
        })
    }

    async fn ready(&self, stored: StoredCredential) -> Result<Fresh, TokenError> {
        let client_id = match &stored.provider_app_id {
            Some(app_id) => Some(self.store.client_of(app_id).await?.0),
            None => None,
        };
        Ok(Fresh::of(stored, client_id))
    }
}

/// Until when a credential is used as it is. A token that cannot be refreshed is
/// good to its end; others are refreshed ahead of it.
pub(crate) fn good_until(stored: &StoredCredential) -> Timestamp {
    let ahead = if is_refreshable(stored) {
        AHEAD
    } else {
        SignedDuration::ZERO
    };
    match &stored.credential {
        Credential::OAuth2 {
            expires_at: Some(end),
            ..
        } => end.saturating_sub(ahead).unwrap_or(Timestamp::MIN),
        Credential::OAuth2 {
            expires_at: None, ..
        }
        | Credential::Basic { .. }
        | Credential::ApiKey(_) => Timestamp::MAX,
    }
}

/// Whether there is something to refresh the credential with.
fn is_refreshable(stored: &StoredCredential) -> bool {
    matches!(
        &stored.credential,
        Credential::OAuth2 {
            refresh_token: Some(_),
            ..
        }
    )
}

/// Whether the credential is an access token that ends before `time`.
fn ends_before(stored: &StoredCredential, time: Timestamp) -> bool {
    match &stored.credential {
        Credential::OAuth2 {
            expires_at: Some(end),
            ..
        } => *end <= time,
        Credential::OAuth2 {
            expires_at: None, ..
        }
        | Credential::Basic { .. }
        | Credential::ApiKey(_) => false,
    }
}

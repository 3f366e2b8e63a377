//! A refresh: one at a time for a connection, over all nodes, and one pair that is
//! stored before it is used. Those who waited are told what came of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use connector::Description;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use store::{Credential, StoredCredential};

use super::{Fresh, TokenError, Tokens};
use crate::metrics;
use crate::oauth::{App, OAuthError};

/// How long the token endpoint may take.
const TIME_OUT: Duration = Duration::from_secs(20);
/// How often a new pair is offered to a store that fails, and the pause between.
const SAVE_ATTEMPTS: u32 = 60;
const SAVE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long one refresh may hold the lock: longer than that, and short enough for
/// others to take over from a node that died.
const LOCK: SignedDuration = SignedDuration::from_secs(30);
/// How long others wait for the one that refreshes, and how often they look.
const PATIENCE: SignedDuration = SignedDuration::from_secs(45);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// For each connection the turn of one.
pub(crate) type Queues = Arc<Mutex<HashMap<String, Weak<Turn>>>>;

/// Whose turn it is, and how the last one ended.
type Turn = tokio::sync::Mutex<Option<Ended>>;

/// A refresh that has ended: those who waited for it are told the same, and ask
/// neither the store nor the provider again.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What was to be refreshed.
    version: i64,
    at: Timestamp,
    outcome: Outcome,
}

#[derive(Debug, Clone)]
enum Outcome {
    Refreshed(Fresh),
    Refused(String),
    Unavailable(String),
}

impl Outcome {
    fn of(refreshed: &Result<Fresh, TokenError>) -> Option<Self> {
        match refreshed {
            Ok(fresh) => Some(Self::Refreshed(fresh.clone())),
            Err(TokenError::Refused { message }) => Some(Self::Refused(message.clone())),
            Err(TokenError::Unavailable { message }) => Some(Self::Unavailable(message.clone())),
            Err(TokenError::Store(_)) => None,
        }
    }

    fn told(self) -> Result<Fresh, TokenError> {
        match self {
            Self::Refreshed(fresh) => Ok(fresh),
            Self::Refused(message) => Err(TokenError::Refused { message }),
            Self::Unavailable(message) => Err(TokenError::Unavailable { message }),
        }
    }
}

impl Tokens {
    /// Where to wait for one's turn.
    fn queue(&self, connection_id: &str) -> Arc<Turn> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(connection_id).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue: Arc<Turn> = Arc::default();
        queues.insert(connection_id.to_owned(), Arc::downgrade(&queue));
        queue
    }

    /// A credential newer than `version`, by refreshing or by waiting for the
    /// one who does.
    pub(super) async fn refreshed(
        &self,
        description: &Description,
        connection_id: &str,
        version: i64,
    ) -> Result<Fresh, TokenError> {
        // One holder is one call, not one process: its own tasks wait as others do.
        let holder = format!("{}/{}", self.owner, uuid::Uuid::now_v7().simple());
        let began = self.clock.now();
        let give_up = began.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
        let queue = self.queue(connection_id);
        let mut turn = queue.lock().await;
        let same = |ended: &&Ended| ended.version == version && ended.at >= began;
        if let Some(ended) = turn.as_ref().filter(same) {
            return ended.outcome.clone().told();
        }
        let stored = self.store.credential(connection_id).await?;
        if stored.version != version {
            return self.ready(stored).await;
        }
        loop {
            let now = self.clock.now();
            if now > give_up {
                let message =
                    "another process has been refreshing the token for too long".to_owned();
                return Err(TokenError::Unavailable { message });
            }
            let store = &self.store;
            if store
                .lock_refresh(connection_id, &holder, now, LOCK)
                .await?
            {
                let refreshed = self
                    .refresh_alone(description, connection_id, version, holder)
                    .await;
                let at = self.clock.now();
                *turn = Outcome::of(&refreshed).map(|outcome| Ended {
                    version,
                    at,
                    outcome,
                });
                return refreshed;
            }
            let stored = self.store.credential(connection_id).await?;
            if stored.version != version {
                return self.ready(stored).await;
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
    }

    /// Refreshes under the lock and gives it back; in a task of its own, since a
    /// caller that goes away must not take a new pair with it that is not stored.
    async fn refresh_alone(
        &self,
        description: &Description,
        connection_id: &str,
        version: i64,
        holder: String,
    ) -> Result<Fresh, TokenError> {
        let (this, description, id) = (self.clone(), description.clone(), connection_id.to_owned());
        let task = self.refreshes.spawn(async move {
            let result = this.refresh_locked(&description, &id, version).await;
            this.store.unlock_refresh(&id, &holder).await?;
            result
        });
        task.await.unwrap_or_else(|_| {
            let message = "the refresh of the token was cut off".to_owned();
            Err(TokenError::Unavailable { message })
        })
    }

    async fn refresh_locked(
        &self,
        description: &Description,
        connection_id: &str,
        version: i64,
    ) -> Result<Fresh, TokenError> {
        let stored = self.store.credential(connection_id).await?;
        if stored.version != version {
            return self.ready(stored).await;
        }
        let Credential::OAuth2 {
            refresh_token: Some(refresh_token),
            ..
        } = &stored.credential
        else {
            let message = "the access token has ended and there is no refresh token: the customer must connect again";
            self.store
                .mark_bad_credentials(connection_id, version, message, self.clock.now())
                .await?;
            return Err(TokenError::Refused {
                message: message.to_owned(),
            });
        };
        let traded = self.trade(description, &stored, refresh_token).await;
        metrics::refresh(match &traded {
            Ok(_) => "refreshed",
            Err(OAuthError::Refused { .. }) => "refused",
            Err(_) => "unavailable",
        });
        match traded {
            Ok(credential) => {
                self.save(connection_id, version, credential).await?;
                let stored = self.store.credential(connection_id).await?;
                self.ready(stored).await
            }
            Err(OAuthError::Refused {
                message,
                grant_is_dead: true,
            }) => self.believe_refusal(connection_id, version, &message).await,
            Err(OAuthError::Refused {
                message,
                grant_is_dead: false,
            }) => Err(TokenError::Refused {
                message: format!(
                    "the token endpoint refused this provider app: {message}. Check its client id and secret"
                ),
            }),
            Err(error) => Err(TokenError::Unavailable {
                message: error.to_string(),
            }),
        }
    }

    /// Stores a new pair. With rotation it is the only copy, so a store that fails
    /// for a while is asked again for as long as others may think this one alive.
    async fn save(
        &self,
        connection_id: &str,
        version: i64,
        credential: Credential,
    ) -> Result<(), TokenError> {
        let mut left = SAVE_ATTEMPTS;
        loop {
            let (now, copy) = (self.clock.now(), credential.clone());
            match self
                .store
                .save_credential(connection_id, version, copy, now)
                .await
            {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    tracing::warn!(
                        connection_id,
                        "the credential changed while it was being refreshed"
                    );
                    return Ok(());
                }
                Err(error) if left == 0 => return Err(error.into()),
                Err(error) => {
                    tracing::error!(%error, connection_id, "a new token could not be stored; trying again");
                    left -= 1;
                    self.clock.sleep(SAVE_AGAIN_AFTER).await;
                }
            }
        }
    }

    async fn trade(
        &self,
        description: &Description,
        stored: &StoredCredential,
        refresh_token: &SecretString,
    ) -> Result<Credential, OAuthError> {
        let Some(app_id) = &stored.provider_app_id else {
            let message = "the connection's provider app was deleted".to_owned();
            return Err(OAuthError::Refused {
                message,
                grant_is_dead: false,
            });
        };
        let (client_id, secret) =
            self.store
                .client_of(app_id)
                .await
                .map_err(|error| OAuthError::Unavailable {
                    message: error.to_string(),
                })?;
        let app = App::new(description, &client_id, &secret, &self.callback_url)?;
        let refresh = app.refresh(&self.outbound, refresh_token, self.clock.now());
        let late = |_| OAuthError::Unavailable {
            message: "the token endpoint did not answer in time".to_owned(),
        };
        tokio::time::timeout(TIME_OUT, refresh)
            .await
            .map_err(late)?
    }

    /// The store is read once more: with rotation, a refusal is what the loser
    /// of a race sees, and the winner's pair is already there.
    async fn believe_refusal(
        &self,
        connection_id: &str,
        version: i64,
        message: &str,
    ) -> Result<Fresh, TokenError> {
        let stored = self.store.credential(connection_id).await?;
        if stored.version != version {
            return self.ready(stored).await;
        }
        let message = format!(
            "the provider refused the refresh token ({message}): the customer must connect again"
        );
        self.store
            .mark_bad_credentials(connection_id, version, &message, self.clock.now())
            .await?;
        tracing::warn!(
            connection_id,
            "the provider refused the refresh token; the customer must connect again"
        );
        Err(TokenError::Refused { message })
    }
}

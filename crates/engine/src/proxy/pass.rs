//! Whether a key may call through an installation: asked of the store in one
//! statement, and kept for a moment, since a call costs less than that statement.

use std::sync::Arc;

use connector::{Connector, Description};
use jiff::Timestamp;
use outbound::{Authorization, Door};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use store::{Access, Passage, PassageWanted, StoreError};

use super::kept::{Key, Moment};
use crate::Engine;
use crate::pay::Bill;
use crate::tokens::{Fresh, good_until};

/// What a caller says of itself and of where the call belongs.
#[derive(Debug)]
pub struct PassAsk<'a> {
    /// The whole API key.
    pub key: &'a SecretString,
    /// The project, by id or name.
    pub project: &'a str,
    /// The installation, and
    pub installation_id: Option<&'a str>,
    /// the integration, by id or name, and
    pub integration: Option<&'a str>,
    /// the customer: all that is given must hold.
    pub group_ref: Option<&'a str>,
}

/// Why a call is not passed on.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// No such key, or no more.
    #[error("the API key is not valid")]
    Key,
    /// A key for front ends.
    #[error("this key is for front ends only")]
    NotFull,
    /// The manifest says nothing of passing calls on, or no.
    #[error("the integration does not enable the proxy")]
    NotInManifest,
    /// The customer's config says nothing of it, or no.
    #[error("the installation does not enable the proxy")]
    NotInConfig,
    /// The provider is none that calls are passed on to.
    #[error("no calls can be passed on to the provider `{0}`")]
    Unsupported(String),
    /// The credential cannot be put into a header.
    #[error("the connection's credential has characters that no header can have")]
    Unsendable,
    /// The store failed, or has no such project or installation.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A permission to call, with everything that calling takes.
#[derive(Debug)]
pub struct Pass {
    pub(crate) project_id: String,
    pub(crate) integration_id: String,
    pub(crate) installation_id: String,
    pub(crate) config_id: String,
    pub(crate) connection_id: String,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) door: Door,
    pub(super) held: Held,
    /// The accounts of the provider's resource groups, and of what is in none.
    pub(super) bills: Vec<(Option<&'static str>, Arc<Bill>)>,
    /// Whether the project wants its calls kept as operations.
    pub(super) keeps_calls: bool,
}

/// A credential as it is sent.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) authorization: Authorization,
    pub(super) version: i64,
    /// From then on it has to be refreshed first.
    pub(super) good_until: Timestamp,
}

impl Pass {
    /// The provider's table.
    #[must_use]
    pub fn description(&self) -> &Description {
        self.connector.describe()
    }
}

/// What is asked, and nothing of which could be read in it.
fn key_of(ask: &PassAsk<'_>) -> Key {
    let mut hash = Sha256::new();
    let parts = [
        Some(ask.key.expose_secret()),
        Some(ask.project),
        ask.installation_id,
        ask.integration,
        ask.group_ref,
    ];
    for part in parts {
        // Nothing is not the same as an empty name.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    hash.finalize().into()
}

/// The one switch of a manifest or a config.
#[derive(Debug, Deserialize)]
struct Switched {
    proxy: Option<Switch>,
}

#[derive(Debug, Deserialize)]
struct Switch {
    enabled: Option<bool>,
}

/// Whether a manifest's integration, or a config, says yes. What cannot be read
/// says nothing.
fn is_enabled(json: &str) -> bool {
    let read: Result<Switched, _> = serde_json::from_str(json);
    let switch = read.ok().and_then(|switched| switched.proxy);
    switch.and_then(|switch| switch.enabled).unwrap_or(false)
}

impl Engine {
    /// The permission for a call, if there is one.
    ///
    /// # Errors
    /// [`PassError`]
    pub async fn pass(&self, ask: &PassAsk<'_>) -> Result<Arc<Pass>, PassError> {
        let (key, now) = (key_of(ask), self.moment());
        let slot = self.proxy.passes.slot(key, now);
        if let Some(pass) = slot.get(now) {
            return Ok(pass);
        }
        let _alone = slot.asking.lock().await;
        // Read before the store is asked: what changes meanwhile ends the pass.
        let now = self.moment();
        if let Some(pass) = slot.get(now) {
            return Ok(pass);
        }
        slot.set(None);
        match self.look(ask).await {
            Ok(pass) => {
                slot.set(Some((now, Arc::clone(&pass))));
                Ok(pass)
            }
            Err(error) => {
                self.proxy.passes.forget(&key);
                Err(error)
            }
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            at: self.clock.now(),
            changes: self.store.passages_changed(),
        }
    }

    /// Asks the store.
    async fn look(&self, ask: &PassAsk<'_>) -> Result<Arc<Pass>, PassError> {
        let wanted = PassageWanted {
            project: ask.project,
            installation_id: ask.installation_id,
            integration: ask.integration,
            group_ref: ask.group_ref,
        };
        let passage = self.store.passage(ask.key.expose_secret(), &wanted).await?;
        let Some(passage) = passage else {
            return Err(self.why_not(ask).await?);
        };
        self.admitted(passage).map(Arc::new)
    }

    fn admitted(&self, passage: Passage) -> Result<Pass, PassError> {
        match passage.access {
            Access::Full => {}
            Access::Frontend => return Err(PassError::NotFull),
        }
        if !is_enabled(&passage.manifest) {
            return Err(PassError::NotInManifest);
        }
        if !is_enabled(&passage.config) {
            return Err(PassError::NotInConfig);
        }
        let provider = &passage.credential.provider;
        let unsupported = || PassError::Unsupported(provider.clone());
        let connector = self.registry.get(provider).ok_or_else(unsupported)?;
        let door = self.proxy.door(provider).ok_or_else(unsupported)?;
        let good_until = good_until(&passage.credential);
        let fresh = Fresh::of(passage.credential, passage.client_id);
        let authorization =
            Authorization::of(&fresh.credential).map_err(|_| PassError::Unsendable)?;
        let description = connector.describe();
        let groups = description.groups.iter().map(|group| Some(group.name));
        let id = Some(passage.connection_id.as_str());
        let bills = groups
            .chain([None])
            .map(|group| (group, self.calls.bill(description, &fresh, id, group)));
        Ok(Pass {
            bills: bills.collect(),
            project_id: passage.project_id,
            integration_id: passage.integration_id,
            installation_id: passage.installation_id,
            config_id: passage.config_id,
            connection_id: passage.connection_id,
            connector: Arc::clone(connector),
            door: door.clone(),
            held: Held {
                authorization,
                version: fresh.version,
                good_until,
            },
            keeps_calls: passage.keeps_proxied,
        })
    }

    /// What is missing, by the ordinary ways.
    async fn why_not(&self, ask: &PassAsk<'_>) -> Result<PassError, StoreError> {
        let key = ask.key.expose_secret();
        let Some(actor) = self.store.authenticate_api_key(key).await? else {
            return Ok(PassError::Key);
        };
        if actor.access() == Access::Frontend {
            return Ok(PassError::NotFull);
        }
        let scope = self.store.scope(&actor, ask.project).await?;
        let tenant = self.store.within(&scope);
        if let Some(integration) = ask.integration {
            tenant.integration(integration).await?;
        }
        let named = match (ask.installation_id, ask.group_ref) {
            (Some(id), _) => id.to_owned(),
            (None, Some(group)) => format!("of group {group}"),
            (None, None) => String::new(),
        };
        let what = "installation";
        Ok(StoreError::NotFound { what, id: named }.into())
    }
}

//! Whether a key may call through an installation: asked of the store in one
//! statement, and kept for a moment, since a call costs less than that statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use connector::{Connector, Description};
use jiff::Timestamp;
use outbound::{Authorization, Door};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use store::{Access, Passage, PassageWanted, StoreError};
use tokio::sync::Mutex as Waiting;

use super::PASS_LASTS;
use crate::Engine;
use crate::pay::Bill;
use crate::tokens::{Fresh, good_until};

/// Passes that are kept before all of them are forgotten.
const MOST: usize = 20_000;

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
    seen_at: Timestamp,
    changes: u64,
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

    fn holds(&self, now: Timestamp, changes: u64) -> bool {
        let age = now.duration_since(self.seen_at);
        self.changes == changes && !age.is_negative() && age < PASS_LASTS
    }
}

/// The passes of one process, by a hash of what was asked.
#[derive(Debug, Default)]
pub(super) struct Passes {
    slots: Mutex<HashMap<[u8; 32], Arc<Slot>>>,
}

#[derive(Debug, Default)]
struct Slot {
    pass: Mutex<Option<Arc<Pass>>>,
    /// Held by the one who asks the store.
    asking: Waiting<()>,
}

impl Slot {
    fn get(&self, now: Timestamp, changes: u64) -> Option<Arc<Pass>> {
        let pass = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        pass.as_ref()
            .filter(|pass| pass.holds(now, changes))
            .map(Arc::clone)
    }

    fn set(&self, new: Option<Arc<Pass>>) {
        *self.pass.lock().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

impl Passes {
    fn slot(&self, ask: &PassAsk<'_>) -> ([u8; 32], Arc<Slot>) {
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
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let key: [u8; 32] = hash.finalize().into();
        if slots.len() >= MOST && !slots.contains_key(&key) {
            slots.clear();
        }
        (key, Arc::clone(slots.entry(key).or_default()))
    }

    /// Whoever is refused takes up no room.
    fn forget(&self, key: &[u8; 32]) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.remove(key);
    }
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
        let (key, slot) = self.proxy.passes.slot(ask);
        let (now, changes) = (self.clock.now(), self.store.passages_changed());
        if let Some(pass) = slot.get(now, changes) {
            return Ok(pass);
        }
        let _alone = slot.asking.lock().await;
        // Read before the store is asked: what changes meanwhile ends the pass.
        let (now, changes) = (self.clock.now(), self.store.passages_changed());
        if let Some(pass) = slot.get(now, changes) {
            return Ok(pass);
        }
        slot.set(None);
        match self.look(ask, now, changes).await {
            Ok(pass) => {
                slot.set(Some(Arc::clone(&pass)));
                Ok(pass)
            }
            Err(error) => {
                self.proxy.passes.forget(&key);
                Err(error)
            }
        }
    }

    /// Asks the store.
    async fn look(
        &self,
        ask: &PassAsk<'_>,
        now: Timestamp,
        changes: u64,
    ) -> Result<Arc<Pass>, PassError> {
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
        self.admitted(passage, now, changes).map(Arc::new)
    }

    fn admitted(&self, passage: Passage, now: Timestamp, changes: u64) -> Result<Pass, PassError> {
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
            seen_at: now,
            changes,
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

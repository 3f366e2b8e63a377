//! What happens between the API, the provider and the destination.
//!
//! - [`actions`] is the only place that changes state for a person or a program.
//! - [`calls`] is the only door to a provider.
//! - [`Worker`] reads and delivers in the background.
//!
//! The engine never names a provider: it is handed a [`Registry`] at start-up.

pub mod actions;
mod archive;
mod backoff;
mod budget;
pub mod calls;
mod clock;
mod deliver;
mod error;
mod oauth;
mod random;
mod read;
mod registry;
mod schedule;
mod shape;
mod tokens;
mod worker;

use std::sync::Arc;

use outbound::Outbound;
use secrecy::SecretSlice;
use store::Store;
use tokio_util::sync::CancellationToken;

pub use budget::{Budget, OwnBudget};
pub use calls::{BudgetOverride, Calls};
pub use clock::{Clock, SystemClock};
pub use deliver::{LinkError, LinkKind, Links};
pub use error::ActionError;
pub use read::{DirectError, DirectRead, Pause};
pub use registry::Registry;
pub use shape::{InstallationConfig, ReadConfig, ReadObjectConfig, pick};
pub use store::{Access, Actor, Scope};
pub use tokens::Tokens;
pub use worker::Worker;

/// What an engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The way out.
    pub outbound: Outbound,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The providers.
    pub registry: Registry,
    /// Where browsers and providers reach this server, such as
    /// `https://ligature.example`.
    pub public_url: String,
    /// Signs download links; the same on every node.
    pub link_key: SecretSlice<u8>,
    /// The shortest allowed time between scheduled reads, in seconds.
    pub min_schedule_s: u32,
    /// Request limits set by the operator.
    pub budgets: Vec<BudgetOverride>,
}

/// The engine of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The store, for reading; changes go through [`actions`].
    pub store: Store,
    /// The providers.
    pub registry: Registry,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Links to big results.
    pub links: Links,
    pub(crate) outbound: Outbound,
    pub(crate) calls: Calls,
    pub(crate) callback_url: Arc<str>,
    pub(crate) min_schedule_s: u32,
    owner: Arc<str>,
}

impl Engine {
    /// Puts an engine together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let owner: Arc<str> = format!("node-{}", uuid::Uuid::now_v7().simple()).into();
        let public_url = parts.public_url.trim_end_matches('/');
        let callback_url: Arc<str> = format!("{public_url}/callbacks/v1/oauth").into();
        let tokens = Tokens {
            store: parts.store.clone(),
            outbound: parts.outbound.clone(),
            clock: Arc::clone(&parts.clock),
            owner: Arc::clone(&owner),
            callback_url: Arc::clone(&callback_url),
        };
        let calls = Calls {
            outbound: parts.outbound.clone(),
            clock: Arc::clone(&parts.clock),
            budget: Arc::new(parts.store.clone()),
            tokens: Some(tokens),
            budgets: parts.budgets.into(),
        };
        Self {
            links: Links::new(public_url, parts.link_key),
            store: parts.store,
            registry: parts.registry,
            clock: parts.clock,
            outbound: parts.outbound,
            calls,
            callback_url,
            min_schedule_s: parts.min_schedule_s,
            owner,
        }
    }

    /// The background work of this process.
    #[must_use]
    pub fn worker(&self) -> Worker {
        Worker {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            owner: Arc::clone(&self.owner),
            cut: CancellationToken::new(),
            reader: read::Reader {
                store: self.store.clone(),
                calls: self.calls.clone(),
                clock: Arc::clone(&self.clock),
                registry: self.registry.clone(),
            },
            delivery: deliver::Delivery {
                store: self.store.clone(),
                outbound: self.outbound.clone(),
                clock: Arc::clone(&self.clock),
                owner: Arc::clone(&self.owner),
                links: self.links.clone(),
            },
        }
    }

    /// The provider's name of an object that may be named as the app names it.
    #[must_use]
    pub fn provider_object_name(&self, integration: &store::Integration, name: &str) -> String {
        let content = integration.latest_revision.content.clone();
        let manifest: Option<manifest::Integration> = serde_json::from_value(content).ok();
        let object = manifest
            .as_ref()
            .and_then(|manifest| manifest.read_object(name));
        object.map_or_else(|| name.to_owned(), |object| object.object_name.clone())
    }

    /// The OAuth redirect target, to be registered with the provider.
    #[must_use]
    pub fn callback_url(&self) -> &str {
        &self.callback_url
    }
}

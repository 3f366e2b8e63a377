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
mod budgets;
pub mod calls;
mod clock;
mod deliver;
mod error;
mod jwt;
pub mod metadata;
pub mod metrics;
mod oauth;
mod password;
mod pay;
mod proxy;
mod prune;
mod random;
mod read;
mod reconcile;
mod reconciler;
mod registry;
mod results;
mod room;
mod schedule;
mod shape;
mod tokens;
mod trace;
mod worker;
mod write;

use std::sync::Arc;

use outbound::{Objects, Outbound};
use secrecy::SecretSlice;
use store::{Retention, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use budget::{Budget, OwnBudget};
pub use budgets::RequestBudget;
pub use calls::{BudgetOverride, CallError, Calls};
pub use clock::{Clock, SystemClock};
pub use deliver::{LinkError, LinkKind, Links, TestAnswer, Tested};
pub use error::ActionError;
pub use jwt::JwtError;
pub use outbound::{SendError, Upload, UploadEnd};
pub use proxy::{Pass, PassAsk, PassError, Passing, Relayed, StreamFailure, Streamed};
pub use read::{DirectError, DirectRead, Pause};
pub use registry::Registry;
pub use results::ResultStream;
pub use shape::{
    BackfillConfig, DynamicMapping, InstallationConfig, ReadConfig, ReadFilter, ReadObjectConfig,
    pick, sends,
};
pub use store::{Access, Actor, Scope};
pub use tokens::{Refresh, Tokens};
pub use worker::Worker;
pub use write::{DirectWrite, DirectWriteError};

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
    /// Where results too big for a row are kept; `None` keeps them in rows.
    pub objects: Option<Objects>,
    /// Signs download links; the same on every node.
    pub link_key: SecretSlice<u8>,
    /// Signed them before, or does on other nodes, while the key is replaced.
    pub previous_link_key: Option<SecretSlice<u8>>,
    /// How long things are kept.
    pub retention: Retention,
    /// What may wait to be delivered; reading waits beyond it.
    pub outbox_max_bytes: u64,
    /// The shortest allowed time between scheduled reads, in seconds.
    pub min_schedule_s: u32,
    /// Request limits set by the operator.
    pub budgets: Vec<BudgetOverride>,
    /// Most messages a second for a project, over all nodes; 0 is no limit.
    pub delivery_rate: u32,
    /// The share of calls passed on that are kept as operations, from 0 to 1.
    pub proxy_sample: f64,
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
    public_url: Arc<str>,
    pub(crate) min_schedule_s: u32,
    gauges: metrics::Gauges,
    delivery_rate: u32,
    pub(crate) proxy: proxy::Proxy,
    results: results::Results,
    room: room::Room,
    retention: Retention,
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
            refreshes: TaskTracker::new(),
            queues: Arc::default(),
            refused: Arc::default(),
        };
        let calls = Calls {
            outbound: parts.outbound.clone(),
            clock: Arc::clone(&parts.clock),
            budget: Arc::new(parts.store.clone()),
            tokens: Some(tokens),
            budgets: parts.budgets.into(),
        };
        let proxy = proxy::Proxy::new(
            &parts.registry,
            &parts.outbound,
            parts.store.clone(),
            Arc::clone(&parts.clock),
            parts.proxy_sample,
        );
        Self {
            proxy,
            gauges: metrics::Gauges::new(parts.store.clone(), Arc::clone(&parts.clock)),
            links: Links::new(public_url, parts.link_key, parts.previous_link_key),
            results: results::Results {
                store: parts.store.clone(),
                objects: parts.objects,
            },
            room: room::Room::new(parts.store.clone(), parts.outbox_max_bytes),
            retention: parts.retention,
            store: parts.store,
            registry: parts.registry,
            clock: parts.clock,
            outbound: parts.outbound,
            calls,
            callback_url,
            public_url: public_url.into(),
            min_schedule_s: parts.min_schedule_s,
            delivery_rate: parts.delivery_rate,
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
                results: self.results.clone(),
                room: self.room.clone(),
            },
            writer: write::Writer {
                store: self.store.clone(),
                calls: self.calls.clone(),
                clock: Arc::clone(&self.clock),
                registry: self.registry.clone(),
            },
            pruner: prune::Pruner {
                store: self.store.clone(),
                objects: self.results.objects.clone(),
                clock: Arc::clone(&self.clock),
                retention: self.retention,
            },
            reconciler: reconciler::Reconciler {
                store: self.store.clone(),
                clock: Arc::clone(&self.clock),
                registry: self.registry.clone(),
                limits: self.limits(),
            },
            delivery: deliver::Delivery {
                store: self.store.clone(),
                outbound: self.outbound.clone(),
                clock: Arc::clone(&self.clock),
                owner: Arc::clone(&self.owner),
                links: self.links.clone(),
                rate: self.delivery_rate,
            },
        }
    }

    /// Waits until no token is being refreshed any more, and every call that was
    /// passed on is written down: to be called before the store is closed, since a
    /// pair that is not stored is lost.
    pub async fn tokens_settled(&self) {
        if let Some(tokens) = &self.calls.tokens {
            tokens.settled().await;
        }
        self.proxy.settled().await;
    }

    /// What this server asks of schedules.
    pub(crate) fn limits(&self) -> manifest::Limits {
        manifest::Limits {
            min_schedule_seconds: self.min_schedule_s,
        }
    }

    /// What a message carries, as its destination would get it now: with a link
    /// made now where its result is fetched by one.
    ///
    /// # Errors
    /// [`ActionError::Internal`] when what is stored is not JSON.
    pub fn delivery_payload(
        &self,
        message_id: &str,
        stored: &store::DeliveryPayload,
    ) -> Result<serde_json::Value, ActionError> {
        deliver::payload(message_id, stored, &self.links, self.clock.now())
            .map_err(|error| ActionError::Internal(error.to_string()))
    }

    /// The array that a message's `result` would have held. It needs no actor:
    /// the caller has checked a signed link.
    ///
    /// # Errors
    /// [`ActionError::NotFound`], [`ActionError::Objects`].
    pub async fn message_result(&self, message_id: &str) -> Result<ResultStream, ActionError> {
        self.results.fetch(message_id).await
    }

    /// The door to the providers.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
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

    /// Brings the gauges up to date, for a scrape.
    pub async fn refresh_gauges(&self) {
        metrics::expect(&self.registry);
        metrics::proxy_open(self.proxy.open());
        self.gauges.refresh().await;
    }

    /// Where browsers reach this server, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The OAuth redirect target, to be registered with the provider.
    #[must_use]
    pub fn callback_url(&self) -> &str {
        &self.callback_url
    }
}

//! A node: an engine with a worker and a store of its own, in a runtime of its
//! own, so that it can die as a process does, wherever it is.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bitbucket::{Bitbucket, Endpoints};
use engine::{Clock as _, Engine, Parts, Registry};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use secrecy::SecretSlice;
use store::{Faults, Moment, Retention, Settings, Store, StoreError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::SimulatedClock;
use crate::provider::loopback;

/// What went wrong, in order.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// One more line of the log.
pub(crate) fn note(log: &Log, line: String) {
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(line);
}

/// Makes one node's transactions fail.
#[derive(Debug)]
pub(crate) struct Injector {
    name: String,
    random: Mutex<SmallRng>,
    /// Failures and deaths in ten thousand moments.
    failures: AtomicU32,
    deaths: AtomicU32,
    down: AtomicBool,
    frozen: watch::Sender<bool>,
    /// The node died by itself, or was killed.
    pub(crate) dead: CancellationToken,
    log: Log,
}

impl Injector {
    pub(crate) fn new(name: String, seed: u64, log: Log) -> Self {
        Self {
            name,
            random: Mutex::new(SmallRng::seed_from_u64(seed)),
            failures: AtomicU32::new(0),
            deaths: AtomicU32::new(0),
            down: AtomicBool::new(false),
            frozen: watch::Sender::new(false),
            dead: CancellationToken::new(),
            log,
        }
    }

    /// How many of ten thousand moments fail, and in how many the node dies.
    pub(crate) fn rate(&self, failures: u32, deaths: u32) {
        self.failures.store(failures, Ordering::Relaxed);
        self.deaths.store(deaths, Ordering::Relaxed);
    }

    /// Whether the node is cut off from the database.
    pub(crate) fn cut_off(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// Whether nothing that it does gets on.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    async fn pass(&self, moment: Moment) -> bool {
        if self.dead.is_cancelled() {
            pending::<()>().await;
        }
        if moment == Moment::Begin {
            let mut frozen = self.frozen.subscribe();
            frozen.wait_for(|frozen| !frozen).await.ok();
        }
        if self.down.load(Ordering::Relaxed) {
            return false;
        }
        let drawn: u32 = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            random.random_range(0..10_000)
        };
        let failures = self.failures.load(Ordering::Relaxed);
        if drawn < failures {
            note(&self.log, format!("{}: {moment:?} fails", self.name));
            return false;
        }
        if drawn < failures + self.deaths.load(Ordering::Relaxed) {
            note(&self.log, format!("{}: dies at {moment:?}", self.name));
            self.dead.cancel();
            pending::<()>().await;
        }
        true
    }
}

impl Faults for Injector {
    fn at(&self, moment: Moment) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(self.pass(moment))
    }
}

/// Where nodes stand.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) provider_url: String,
}

impl Ground {
    /// An engine on a store.
    pub(crate) fn engine(&self, store: Store) -> Engine {
        let endpoints = Endpoints {
            api_url: self.provider_url.clone(),
            oauth_url: self.provider_url.clone(),
        };
        let provider = Bitbucket::new(&endpoints).expect("the sandbox has an address");
        Engine::new(Parts {
            store,
            outbound: loopback(std::slice::from_ref(&self.provider_url)),
            clock: self.clock.clone(),
            registry: Registry::new(vec![Arc::new(provider)]),
            public_url: "http://localhost:8080".to_owned(),
            objects: None,
            link_key: SecretSlice::from(vec![9; 32]),
            previous_link_key: None,
            retention: Retention::of_days(30),
            outbox_max_bytes: u64::MAX,
            delivery_rate: 0,
            proxy_sample: 0.0,
            min_schedule_s: 600,
            budgets: Vec::new(),
        })
    }

    /// Starts a node.
    pub(crate) async fn start(&self, injector: Injector) -> anyhow::Result<Node> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let injector = Arc::new(injector);
        let (ground, faults) = (self.clone(), Arc::clone(&injector));
        let store = runtime
            .spawn(async move {
                let store = ground.open().await?;
                let faulty = store.clone().with_faults(faults);
                let worker = ground.engine(faulty).worker();
                tokio::spawn(worker.run(CancellationToken::new()));
                anyhow::Ok(store)
            })
            .await??;
        Ok(Node {
            injector,
            store: Some(store),
            runtime: Some(runtime),
        })
    }

    /// A process that died a moment ago may not have let go of its file yet.
    async fn open(&self) -> anyhow::Result<Store> {
        for _ in 0..2_000 {
            match Store::open(self.settings.clone(), self.clock.now()).await {
                Ok(store) => return Ok(store),
                Err(StoreError::Busy { .. }) => tokio::time::sleep(Duration::from_millis(2)).await,
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("the database file was never given back")
    }
}

/// A node that runs.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) injector: Arc<Injector>,
    /// Its store, without the failures.
    pub(crate) store: Option<Store>,
    runtime: Option<Runtime>,
}

impl Node {
    /// Ends it wherever it is: nothing is rolled back, given back or said.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.injector.dead.cancel();
        self.store = None;
        let Some(runtime) = self.runtime.take() else {
            return Ok(());
        };
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10)))
            .await
            .context("a runtime ends")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.injector.dead.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

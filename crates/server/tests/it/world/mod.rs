//! A whole Ligature in this process, on free loopback ports: the provider's
//! look-alike, the server over its engine and store, the worker, and the app that
//! receives. Each test has its own.

pub(crate) mod api;
pub(crate) mod browser;
mod clock;
mod consent;
pub(crate) mod customer;
pub(crate) mod people;
pub(crate) mod provider;
pub(crate) mod receiver;
mod rows;
pub(crate) mod steps;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bitbucket::{Bitbucket, Endpoints};
use engine::{Clock as _, Engine, Parts, Registry, actions};
use outbound::{Objects, Outbound, Settings, Silence};
use secrecy::{ExposeSecret as _, SecretSlice};
use store::{Backend, NewApiKey, Retention, Store};
use testing::TestStore;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use api::{Answer, Api};
pub(crate) use clock::TestClock;
pub(crate) use provider::Provider;
pub(crate) use receiver::Receiver;

/// The project of every world.
pub(crate) const PROJECT: &str = "acme-app";
/// The manifest that worlds deploy.
pub(crate) const MANIFEST: &str = include_str!("../manifest.yaml");
/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a world is made of.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sandbox: sandbox::Options,
    /// Where the provider's API is, if not at the sandbox.
    pub(crate) api_url: Option<String>,
    /// How long the provider may say nothing while something streams.
    pub(crate) silence: Silence,
    /// Where the server is said to be, if not where it listens.
    pub(crate) public_url: Option<String>,
    /// Request limits that the operator has set.
    pub(crate) budgets: Vec<engine::BudgetOverride>,
    /// Whether the worker runs.
    pub(crate) works: bool,
    /// Whether messages may go to loopback.
    pub(crate) may_reach_loopback: bool,
    /// Most messages a second for a project; 0 is no limit.
    pub(crate) delivery_rate: u32,
    /// The share of calls passed on that are kept as operations.
    pub(crate) proxy_sample: f64,
    /// Where big results go.
    pub(crate) objects: Option<Objects>,
    /// What may wait to be delivered.
    pub(crate) outbox_max_bytes: u64,
    /// What keeps clients from wearing the server out.
    pub(crate) protections: server::Protections,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            sandbox: provider::small(),
            api_url: None,
            silence: Silence::default(),
            public_url: None,
            budgets: Vec::new(),
            works: true,
            may_reach_loopback: true,
            delivery_rate: 0,
            proxy_sample: 1.0,
            objects: None,
            outbox_max_bytes: u64::MAX,
            protections: server::Protections::default(),
        }
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) provider: Provider,
    pub(crate) receiver: Receiver,
    pub(crate) engine: Engine,
    /// A client with a key for everything.
    pub(crate) api: Api,
    stop: CancellationToken,
    store: TestStore,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl World {
    /// A whole one.
    pub(crate) async fn start(store: TestStore) -> Self {
        Self::planned(store, Plan::default()).await
    }

    /// One whose worker rests.
    pub(crate) async fn idle(store: TestStore) -> Self {
        Self::planned(
            store,
            Plan {
                works: false,
                ..Plan::default()
            },
        )
        .await
    }

    pub(crate) async fn planned(store: TestStore, plan: Plan) -> Self {
        let clock = Arc::new(TestClock::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let callback_url = format!("{origin}/callbacks/v1/oauth");
        let options = sandbox::Options {
            callback_url,
            ..plan.sandbox
        };
        let client = outbound(true, &[], Silence::default());
        let provider = Provider::start(options, client.clone()).await;
        let endpoints = Endpoints {
            api_url: plan.api_url.unwrap_or_else(|| provider.url()),
            oauth_url: provider.url(),
        };
        let origins = [endpoints.api_url.clone(), provider.url()];
        let outbound = outbound(plan.may_reach_loopback, &origins, plan.silence);
        let public_url = plan.public_url.as_ref().unwrap_or(&origin);
        let parts = parts(&store, outbound, &clock, &endpoints, public_url);
        let engine = Engine::new(Parts {
            objects: plan.objects,
            outbox_max_bytes: plan.outbox_max_bytes,
            budgets: plan.budgets,
            delivery_rate: plan.delivery_rate,
            proxy_sample: plan.proxy_sample,
            ..parts
        });
        let stop = CancellationToken::new();
        let service = server::service(engine.clone(), &plan.protections);
        let (protections, drain) = (plan.protections, stop.clone());
        tokio::spawn(async move { server::serve(listener, service, &protections, drain).await });
        let mut world = Self {
            api: Api {
                outbound: client,
                origin,
                key: None,
                bearer: None,
            },
            receiver: Receiver::start().await,
            clock,
            provider,
            engine,
            stop,
            store,
        };
        world.add_project(PROJECT).await;
        world.api.key = Some(world.add_key(PROJECT, &[]).await);
        if plan.works {
            world.work();
        }
        world
    }

    /// Lets the worker work from now on.
    pub(crate) fn work(&self) {
        tokio::spawn(self.engine.worker().run(self.stop.clone()));
    }

    /// Lets another node's worker work beside it, which shares nothing with it but
    /// the database. On SQLite that is one store, which is all that there can be.
    pub(crate) async fn work_elsewhere(&self) {
        let store = match self.store.backend() {
            Backend::Sqlite => Store::clone(&self.store),
            Backend::Postgres => Store::open(self.store.settings.clone(), self.now())
                .await
                .unwrap(),
        };
        let endpoints = Endpoints {
            api_url: self.provider.url(),
            oauth_url: self.provider.url(),
        };
        let outbound = outbound(true, &[self.provider.url()], Silence::default());
        let parts = parts(&store, outbound, &self.clock, &endpoints, &self.api.origin);
        let engine = Engine::new(parts);
        tokio::spawn(engine.worker().run(self.stop.clone()));
    }

    pub(crate) async fn add_project(&self, name: &str) {
        let operator = self.engine.store.operator();
        let created = actions::project::create(
            &self.engine,
            &operator,
            name.to_owned(),
            "Acme App".to_owned(),
            None,
        );
        created.await.unwrap();
    }

    /// A new key of a project, the whole of it.
    pub(crate) async fn add_key(&self, project: &str, scopes: &[&str]) -> String {
        let operator = self.engine.store.operator();
        let access = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let new = NewApiKey {
            label: None,
            access,
            whole: None,
        };
        let (_, key) = actions::api_key::create(&self.engine, &operator, project, new)
            .await
            .unwrap();
        key.expose_secret().to_owned()
    }

    /// Looks again and again until `look` finds something.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// The time, as the server sees it.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}

/// A path of the project, from the server's origin.
pub(crate) fn path(rest: &str) -> String {
    format!("/v1/projects/{PROJECT}{rest}")
}

/// What an engine is made of where a plan says nothing else.
fn parts(
    store: &Store,
    outbound: Outbound,
    clock: &Arc<TestClock>,
    endpoints: &Endpoints,
    origin: &str,
) -> Parts {
    let bitbucket = Bitbucket::new(endpoints).unwrap();
    Parts {
        store: store.clone(),
        outbound,
        clock: Arc::<TestClock>::clone(clock),
        registry: Registry::new(vec![Arc::new(bitbucket)]),
        public_url: origin.to_owned(),
        objects: None,
        link_key: SecretSlice::from(vec![9; 32]),
        previous_link_key: None,
        retention: Retention::of_days(30),
        outbox_max_bytes: u64::MAX,
        min_schedule_s: 600,
        budgets: Vec::new(),
        delivery_rate: 0,
        proxy_sample: 1.0,
    }
}

fn outbound(may_reach_loopback: bool, origins: &[String], silence: Silence) -> Outbound {
    let mut settings = Settings::new("test");
    settings.silence = silence;
    if may_reach_loopback {
        settings.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    }
    settings.provider_origins = origins.to_vec();
    Outbound::new(&settings).unwrap()
}

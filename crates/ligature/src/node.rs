//! One process of Ligature: the store opened, the engine put together, the
//! listeners bound, the workers started; and all of it stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::{ActionError, Actor, Clock as _, Engine, Parts, Registry, SystemClock, actions};
use secrecy::{ExposeSecret as _, SecretString};
use server::Protections;
use store::{
    Backend, NewApiKey, Role as OrgRole, Rotation, RotationStep, Settings, Store, StoreError,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Database, NodeFlags, Role};
use crate::console;

/// How often a node compares its clock with the database's.
const COMPARE_CLOCKS_EVERY: Duration = Duration::from_secs(60);
/// Secrets that are wrapped anew in one transaction.
const ROTATION_BATCH: u32 = 200;
/// Secrets between two lines in the log.
const TELL_EVERY: u64 = 1_000;
/// The pause after the store failed.
const ROTATE_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How long everything under way may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// How long a refresh of a token may go on: as long as its endpoint may take, and
/// a little to store what it says.
const REFRESH: Duration = Duration::from_secs(25);
/// How long what is cut may take to give back what it held, and the store to close.
const LAST: Duration = Duration::from_secs(2);

/// How often PostgreSQL is tried at the start.
const OPEN_TRIES: u32 = 4;
/// The pause between two of these.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How a node is stopped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    /// Nothing new; what is under way may end.
    pub(crate) drain: CancellationToken,
    /// At once.
    pub(crate) cut: CancellationToken,
}

/// Opens the store. Whoever was frozen while it did so finds its connection to
/// PostgreSQL closed, and a database that has just been started refuses for a
/// moment; neither ends a node.
async fn open_store(settings: &Settings, clock: &SystemClock) -> Result<Store, StoreError> {
    let local = settings.url.starts_with("sqlite:");
    let mut tries = if local { 1 } else { OPEN_TRIES };
    loop {
        tries -= 1;
        match Store::open(settings.clone(), clock.now()).await {
            Err(StoreError::Unreachable(error)) if tries > 0 => {
                tracing::warn!(%error, "the database could not be reached; trying again");
                clock.sleep(OPEN_AGAIN_AFTER).await;
            }
            opened => return opened,
        }
    }
}

/// A node that is ready to serve.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) engine: Engine,
    clock: Arc<SystemClock>,
    protections: Protections,
}

impl Node {
    /// Opens the store and puts the engine together.
    ///
    /// # Errors
    /// When a setting is unusable or the database cannot be reached.
    pub(crate) async fn open(database: Database, flags: &NodeFlags) -> anyhow::Result<Self> {
        let bitbucket = flags.provider.bitbucket()?;
        let clock = Arc::new(SystemClock::default());
        let store = open_store(&database.settings, &clock)
            .await
            .context("the store cannot be opened")?;
        if let Some(time) = store.database_time().await? {
            clock.follow(time);
        }
        let outbound = flags.outbound()?;
        let objects = flags.keep.objects(database.own_dir.as_deref(), &outbound)?;
        let engine = Engine::new(Parts {
            store,
            outbound,
            objects,
            clock: clock.clone(),
            registry: Registry::new(vec![Arc::new(bitbucket)]),
            public_url: flags.public_url.clone(),
            link_key: database.link_key,
            previous_link_key: database.previous_link_key,
            retention: flags.keep.retention(),
            outbox_max_bytes: flags.keep.outbox_max_bytes,
            min_schedule_s: flags.min_schedule_seconds,
            budgets: flags.provider.budgets(),
            delivery_rate: flags.delivery_rate,
            proxy_sample: flags.proxy_sample,
        });
        Ok(Self {
            engine,
            clock,
            protections: flags.protection.protections(),
        })
    }

    /// Whoever sits at the machine.
    pub(crate) fn operator(&self) -> Actor {
        self.engine.store.operator()
    }

    /// Creates a project and a key of it, unless they are there.
    ///
    /// # Errors
    /// When the store fails, or the key belongs to another project.
    pub(crate) async fn bootstrap(&self, project: &str, key: &SecretString) -> anyhow::Result<()> {
        let engine = &self.engine;
        let operator = self.operator();
        if let Err(StoreError::NotFound { .. }) = engine.store.scope(&operator, project).await {
            let new = actions::project::create(
                engine,
                &operator,
                project.to_owned(),
                String::new(),
                None,
            );
            match new.await {
                Ok(_) => tracing::info!(project, "the bootstrap project was created"),
                // Another node that starts at the same time was quicker.
                Err(ActionError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let known = engine
            .store
            .authenticate_api_key(key.expose_secret())
            .await?;
        let Some(actor) = known else {
            let new = NewApiKey {
                label: Some("bootstrap".to_owned()),
                access: Vec::new(),
                whole: Some(key.clone()),
            };
            match actions::api_key::create(engine, &operator, project, new).await {
                Ok(_) => tracing::info!(project, "the bootstrap API key was created"),
                // Another node was quicker; or it was revoked, and stays so.
                Err(ActionError::Conflict { .. }) => {
                    tracing::warn!(
                        project,
                        "the bootstrap API key is there already, or was revoked"
                    );
                }
                Err(error) => return Err(error.into()),
            }
            return Ok(());
        };
        engine
            .store
            .scope(&actor, project)
            .await
            .map(|_| ())
            .context("LIGATURE_BOOTSTRAP_API_KEY is already a key of another project")
    }

    /// Creates a builder who owns the organisation, unless the address has an
    /// account: its password stays as it is then.
    ///
    /// # Errors
    /// When the store fails, or the address or the password is none.
    pub(crate) async fn bootstrap_admin(
        &self,
        email: &str,
        password: &SecretString,
    ) -> anyhow::Result<()> {
        let operator = self.operator();
        let create =
            actions::builder::create(&self.engine, &operator, email, password, OrgRole::Owner);
        match create.await {
            Ok(builder) => tracing::info!(builder = %builder.id, "the admin's account was created"),
            Err(ActionError::Conflict { .. }) => {
                tracing::debug!("the admin has an account already");
            }
            Err(error) => {
                return Err(error)
                    .context("LIGATURE_ADMIN_EMAIL and LIGATURE_ADMIN_PASSWORD cannot be used");
            }
        }
        Ok(())
    }

    /// Prints where the first account is made, while there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn tell_first_link(&self) -> anyhow::Result<()> {
        let link = actions::builder::first_link(&self.engine, &self.operator()).await?;
        let Some(link) = link else { return Ok(()) };
        console::line(
            "Nobody has an account yet. Open this link to make the first one; it is good once, for a day:",
        )?;
        Ok(console::line(&format!("  {}", link.expose_secret()))?)
    }

    /// Refuses a part that this node's database cannot be shared by.
    ///
    /// # Errors
    /// When the role is a part, and the database SQLite.
    pub(crate) fn may_be(&self, role: Role) -> anyhow::Result<()> {
        anyhow::ensure!(
            role == Role::All || self.engine.store.backend() == Backend::Postgres,
            "a part of the work needs others to do the rest, and SQLite has room for one process: \
             use PostgreSQL (LIGATURE_DATABASE_URL=postgres://…), or leave LIGATURE_ROLE at `all`"
        );
        Ok(())
    }

    /// Does everything, until `drain`. As [`Node::run_as`].
    ///
    /// # Errors
    /// None today.
    pub(crate) async fn run(
        self,
        listeners: Vec<TcpListener>,
        drain: CancellationToken,
    ) -> anyhow::Result<()> {
        let cut = CancellationToken::new();
        self.run_as(Role::All, listeners, Stop { drain, cut }).await
    }

    /// Serves on `listeners` and works, as `role` says, until `stop`; then ends
    /// within [`DRAIN`] and a little. What did not end by then goes on where it
    /// was last committed, here or on another node.
    ///
    /// # Errors
    /// None today.
    pub(crate) async fn run_as(
        self,
        role: Role,
        listeners: Vec<TcpListener>,
        stop: Stop,
    ) -> anyhow::Result<()> {
        let tasks = TaskTracker::new();
        for listener in listeners {
            let (engine, protections) = (self.engine.clone(), self.protections.clone());
            tasks.spawn(serve(role, listener, engine, protections, stop.clone()));
        }
        match role {
            Role::All | Role::Worker => {
                let worker = self.engine.worker().cut_by(stop.cut.clone());
                tasks.spawn(worker.run(stop.drain.clone()));
            }
            Role::Api => {}
        }
        let (store, clock) = (self.engine.store.clone(), self.clock.clone());
        tasks.spawn(compare_clocks(store, clock, stop.drain.clone()));
        tasks.spawn(keep_metrics(stop.drain.clone()));
        tasks.spawn(rotate(self.engine.store.clone(), stop.drain.clone()));
        tasks.close();
        stop.drain.cancelled().await;
        tokio::select! {
            () = tasks.wait() => {}
            () = tokio::time::sleep(DRAIN) => {}
            () = stop.cut.cancelled() => {}
        }
        stop.cut.cancel();
        if tokio::time::timeout(LAST, tasks.wait()).await.is_err() {
            tracing::warn!("some work did not end in time; it goes on where it was last committed");
        }
        // Not even a second signal loses a pair that the provider has rotated.
        if tokio::time::timeout(REFRESH, self.engine.tokens_settled())
            .await
            .is_err()
        {
            tracing::error!(
                "a refresh of a token did not end in time; if the provider has rotated it, the customer must connect again"
            );
        }
        // A connection in the hands of what was cut would be waited for.
        tokio::time::timeout(LAST, self.engine.store.close())
            .await
            .ok();
        Ok(())
    }
}

/// Serves until `stop`: then accepts nothing more, and lets requests under way end.
async fn serve(
    role: Role,
    listener: TcpListener,
    engine: Engine,
    protections: Protections,
    stop: Stop,
) {
    let drain = stop.drain.clone();
    let served = async {
        match role {
            Role::All | Role::Api => {
                let service = server::service(engine, &protections);
                server::serve(listener, service, &protections, drain).await;
            }
            Role::Worker => {
                let service = server::health_router(engine);
                server::serve(listener, service, &protections, drain).await;
            }
        }
    };
    tokio::select! {
        () = served => {}
        () = stop.cut.cancelled() => {}
    }
}

/// Keeps this node's clock level with the database's, so that leases mean the
/// same on every node.
async fn compare_clocks(store: Store, clock: Arc<SystemClock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(COMPARE_CLOCKS_EVERY) => {}
            () = stop.cancelled() => return,
        }
        match store.database_time().await {
            Ok(Some(time)) => clock.follow(time),
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, "the database's time could not be read"),
        }
    }
}

/// Keeps what was observed small, whether anybody scrapes or not.
async fn keep_metrics(stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(server::UPKEEP_EVERY) => server::keep_metrics(),
            () = stop.cancelled() => return,
        }
    }
}

/// Wraps everything sealed under the previous key anew, while the node serves.
async fn rotate(store: Store, stop: CancellationToken) {
    if !store.is_rotating() {
        return;
    }
    tracing::info!("the secret key is being replaced: both keys are good meanwhile");
    let (mut rotation, mut told) = (Rotation::default(), 0);
    while !stop.is_cancelled() {
        match store.rotate(&mut rotation, ROTATION_BATCH).await {
            Ok(RotationStep::More { table, wrapped }) if wrapped >= told + TELL_EVERY => {
                told = wrapped;
                tracing::info!(table, wrapped, "the secret key is being replaced");
            }
            Ok(RotationStep::More { .. }) => {}
            Ok(RotationStep::Done { wrapped: 0, failed }) => {
                if failed > 0 {
                    tracing::error!(failed, "some secrets are sealed under neither key");
                } else {
                    tracing::info!(
                        "every secret is sealed under LIGATURE_SECRET_KEY: once all nodes have it, LIGATURE_SECRET_KEY_PREVIOUS can go"
                    );
                }
                return;
            }
            // Once more: others may have sealed something behind us.
            Ok(RotationStep::Done { wrapped, .. }) => {
                tracing::info!(wrapped, "the secret key was replaced; looking once more");
                (rotation, told) = (Rotation::default(), 0);
            }
            Err(error) => {
                tracing::warn!(%error, "the secret key could not be replaced further; it is tried again");
                tokio::select! {
                    () = tokio::time::sleep(ROTATE_AGAIN_AFTER) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}

/// Listens on each address. A machine without IPv6 has no `[::1]`: that one may
/// be missing as long as another is there.
///
/// # Errors
/// When an address is taken or none can be had.
pub(crate) async fn listen(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                anyhow::bail!(
                    "{address} is in use by another program; choose another with LIGATURE_LISTEN"
                )
            }
            Err(error) if address.is_ipv6() => {
                tracing::debug!(%address, %error, "not listening there")
            }
            Err(error) => return Err(error).with_context(|| format!("cannot listen on {address}")),
        }
    }
    anyhow::ensure!(!listeners.is_empty(), "there is no address to listen on");
    Ok(listeners)
}

/// The signals by which a process is asked to stop, caught from now on.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Catches them.
    ///
    /// # Errors
    /// When the system does not let us.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Resolves at the next SIGINT or SIGTERM.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.ok();
    }
}

/// Resolves at SIGINT or SIGTERM.
pub(crate) async fn asked_to_stop() {
    match Signals::catch() {
        Ok(mut signals) => signals.next().await,
        Err(error) => {
            tracing::error!(%error, "signals cannot be caught; only Ctrl-C stops this");
            tokio::signal::ctrl_c().await.ok();
        }
    }
}

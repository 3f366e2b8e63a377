//! Everything of one simulation: nodes, provider, receiver, and the account.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use engine::Clock as _;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{ConnectionStatus, Examination, Store};
use testing::TestStore;

use super::account::{Account, settled_truly};
use super::{Database, Outcome};
use crate::clock::SimulatedClock;
use crate::node::{Ground, Injector, Log, Node, note};
use crate::provider::{Provider, WORKSPACE};
use crate::receiver::Receiver;
use crate::setup;

/// The customer whose account is kept.
pub(super) const GROUP: &str = "g";
/// Looks between two at the connection.
const TOKENS_EVERY: u32 = 8;
/// What a look at the store shows.
#[derive(Debug)]
pub(super) struct Look {
    /// No run is under way, and no message waits.
    pub(super) is_over: bool,
    /// Something is in somebody's hands, or due.
    pub(super) is_busy: bool,
    /// When something is due next.
    pub(super) next_due_in: SignedDuration,
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) provider: Provider,
    pub(super) receiver: Receiver,
    seed: u64,
    ground: Ground,
    provider_clock: sandbox::Clock,
    log: Log,
    account: Account,
    connection_id: String,
    rate: (u32, u32),
    started: u64,
    refusals: u32,
    looks: u32,
    database: Database,
    /// The store that was set up; on PostgreSQL it goes on to be looked through.
    home: TestStore,
}

impl World {
    pub(super) async fn start(seed: u64, database: Database) -> anyhow::Result<Option<Self>> {
        let home = match database {
            Database::Sqlite => testing::sqlite().await,
            Database::Postgres => match testing::postgres().await {
                Some(home) => home,
                None => return Ok(None),
            },
        };
        let provider_clock = sandbox::Clock::fixed(testing::START);
        let provider = Provider::start(sandbox::Options {
            seed,
            repositories: u32::try_from(30 + seed % 31)?,
            projects: 12,
            members: 3,
            hooks: 1,
            variables: 1,
            snippets: 1,
            workspaces: vec![WORKSPACE.to_owned()],
            max_pagelen: 10,
            token_chars: 64,
            clock: provider_clock.clone(),
            ..sandbox::Options::default()
        })
        .await?;
        let ground = Ground {
            settings: home.settings.clone(),
            clock: Arc::new(SimulatedClock::new(testing::START)),
            provider_url: provider.url(),
        };
        let mut world = Self {
            nodes: Vec::new(),
            receiver: Receiver::start().await?,
            provider,
            seed,
            ground,
            provider_clock,
            log: Log::default(),
            account: Account::default(),
            connection_id: String::new(),
            rate: (0, 0),
            started: 0,
            refusals: 0,
            looks: 0,
            database,
            home,
        };
        world.set_up().await?;
        let nodes = match database {
            Database::Sqlite => {
                Store::clone(&world.home).close().await;
                1
            }
            Database::Postgres => 2,
        };
        for _ in 0..nodes {
            let node = world.new_node().await?;
            world.nodes.push(node);
        }
        Ok(Some(world))
    }

    async fn set_up(&mut self) -> anyhow::Result<()> {
        let engine = self.ground.engine(Store::clone(&self.home));
        setup::project(&engine, &self.provider, &self.receiver, "*/10 * * * *").await?;
        self.connection_id = setup::connect(&engine, &self.provider, GROUP).await?;
        setup::install(&engine, GROUP).await
    }

    pub(super) async fn new_node(&mut self) -> anyhow::Result<Node> {
        self.started += 1;
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(self.started);
        let name = format!("node #{}", self.started);
        let injector = Injector::new(name, seed, Arc::clone(&self.log));
        injector.rate(self.rate.0, self.rate.1);
        self.ground.start(injector).await
    }

    /// A store to look through, which nothing makes fail.
    fn store(&self) -> anyhow::Result<Store> {
        match self.database {
            Database::Postgres => Ok(Store::clone(&self.home)),
            Database::Sqlite => {
                let node = self.nodes.first().context("there is a node")?;
                node.store.clone().context("the node lives")
            }
        }
    }

    pub(super) fn note(&self, line: &str) {
        note(&self.log, line.to_owned());
    }

    /// How often transactions fail from now on, and nodes die.
    pub(super) fn rate(&mut self, failures: u32, deaths: u32) {
        self.rate = (failures, deaths);
        for node in &self.nodes {
            node.injector.rate(failures, deaths);
        }
    }

    pub(super) async fn fault(&self, path: &str, action: &Value, times: u32) -> anyhow::Result<()> {
        self.note(&format!("provider: {path} {action} {times}×"));
        let rule = json!({ "path": path, "times": times, "action": action });
        self.provider.control(Method::POST, "faults", &rule).await?;
        Ok(())
    }

    pub(super) async fn expire_access(&self) -> anyhow::Result<()> {
        let which = json!({ "expire_access": true });
        self.provider
            .control(Method::POST, "tokens", &which)
            .await?;
        Ok(())
    }

    /// Lets time pass, and the nodes do what it brings; the dead come back.
    pub(super) async fn step(&mut self, by: SignedDuration) -> anyhow::Result<Look> {
        self.ground.clock.advance(by);
        self.provider_clock.advance(by);
        tokio::time::sleep(Duration::from_millis(1)).await;
        for place in 0..self.nodes.len() {
            if self.nodes[place].injector.dead.is_cancelled() {
                self.nodes[place].kill().await?;
                self.nodes[place] = self.new_node().await.context("a node starts again")?;
            }
        }
        self.look().await
    }

    /// No more faults.
    pub(super) async fn mend(&mut self) -> anyhow::Result<()> {
        self.note("the faults are over");
        self.rate(0, 0);
        self.provider
            .control(Method::DELETE, "faults", &Value::Null)
            .await?;
        self.receiver.inbox().mend();
        Ok(())
    }

    /// Checks what must always be true, and says how far things are.
    ///
    /// On SQLite it looks through the node, and one that is dead keeps for ever what
    /// it had in its hands, connections too: then there is nothing to see until it
    /// is buried.
    pub(super) async fn look(&mut self) -> anyhow::Result<Look> {
        let dead = self.nodes[0].injector.dead.clone();
        let through_node = self.database == Database::Sqlite;
        tokio::select! {
            look = self.look_through() => look,
            () = dead.cancelled(), if through_node => Ok(Look {
                is_over: false,
                is_busy: true,
                next_due_in: SignedDuration::ZERO,
            }),
        }
    }

    async fn look_through(&mut self) -> anyhow::Result<Look> {
        let store = self.store()?;
        let seen = store.examine().await.context("a look at the store")?;
        self.account
            .check(&store, &seen, &self.provider.truth)
            .await?;
        settled_truly(&seen, &self.receiver.inbox())?;
        self.looks += 1;
        if self.looks.is_multiple_of(TOKENS_EVERY) {
            self.mind_the_tokens(&store).await?;
        }
        let now = self.ground.clock.now();
        Ok(look_of(&seen, now))
    }

    /// A connection is bad only when the provider has refused it; then the
    /// customer connects again.
    async fn mind_the_tokens(&mut self, store: &Store) -> anyhow::Result<()> {
        let credential = store.credential(&self.connection_id).await?;
        if credential.status != ConnectionStatus::BadCredentials {
            return Ok(());
        }
        let path = "calls?path=/site/oauth2/access_token";
        let calls = self
            .provider
            .control(Method::GET, path, &Value::Null)
            .await?;
        let refused = calls["calls"].as_array().into_iter().flatten();
        let refused = refused.filter(|call| call["status"] == 400).count();
        anyhow::ensure!(
            refused > usize::try_from(self.refusals)?,
            "the connection counts as bad, and the provider never refused it"
        );
        self.note("the provider has refused the refresh token; the customer connects again");
        let engine = self.ground.engine(store.clone());
        setup::connect(&engine, &self.provider, GROUP).await?;
        self.refusals = u32::try_from(refused)?;
        Ok(())
    }

    /// The first record that has not arrived as it is now.
    pub(super) fn missing(&self) -> Option<String> {
        let inbox = self.receiver.inbox();
        let missing = self.provider.truth.iter().find(|((object, key), version)| {
            let place = (GROUP.to_owned(), object.clone(), key.clone());
            let taken = inbox.records.get(&place);
            !taken.is_some_and(|taken| taken.versions.contains_key(*version))
        });
        missing.map(|((object, key), version)| format!("{object} {key} of {version}"))
    }

    /// How often the provider has refused a refresh token.
    #[cfg(test)]
    pub(super) fn refusals(&self) -> u32 {
        self.refusals
    }

    /// Has the connection's token refreshed if it has ended, as a process of its
    /// own would; time goes on until that is done.
    #[cfg(test)]
    pub(super) async fn refresh(&self) -> anyhow::Result<()> {
        let engine = self.ground.engine(self.store()?);
        let refreshed = setup::refresh(&engine, &self.connection_id);
        let time = async {
            loop {
                self.ground.clock.advance(SignedDuration::from_millis(100));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            refreshed = refreshed => refreshed,
            () = time => Ok(()),
        }
    }

    /// The store as it is.
    #[cfg(test)]
    pub(super) async fn examine(&self) -> anyhow::Result<Examination> {
        Ok(self.store()?.examine().await?)
    }

    /// More customers with the same two objects.
    #[cfg(test)]
    pub(super) async fn install_others(&self, count: u32) -> anyhow::Result<()> {
        let engine = self.ground.engine(self.store()?);
        for number in 0..count {
            setup::connect(&engine, &self.provider, &format!("other-{number}")).await?;
        }
        for number in 0..count {
            setup::install(&engine, &format!("other-{number}")).await?;
        }
        Ok(())
    }

    /// The store in words, for whoever has to find out why.
    pub(super) async fn state(&self) -> anyhow::Result<String> {
        let seen = self.store()?.examine().await?;
        let pending = seen.messages.iter().filter(|m| m.status != "delivered");
        let pending: Vec<_> = pending.collect();
        let now = self.ground.clock.now();
        Ok(format!(
            "now {now}; {:?}; {:?}; not delivered: {pending:?}",
            seen.syncs, seen.work
        ))
    }

    pub(super) async fn outcome(
        mut self,
        seed: u64,
        failure: Option<String>,
        took: Duration,
    ) -> Outcome {
        for node in &mut self.nodes {
            node.kill().await.ok();
        }
        let faults = self
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let duplicates = self.receiver.inbox().duplicates();
        Store::clone(&self.home).close().await;
        Outcome {
            seed,
            faults,
            failure,
            took,
            duplicates,
            looks: self.looks,
            refusals: self.refusals,
        }
    }
}

fn look_of(seen: &Examination, now: Timestamp) -> Look {
    let pending = seen.messages.iter().filter(|m| m.status == "pending");
    let pending: Vec<_> = pending.collect();
    let running = seen.syncs.iter().any(|sync| sync.operation_id.is_some());
    let held = seen.work.iter().any(|work| work.owner.is_some())
        || pending.iter().any(|message| message.owner.is_some());
    let due = seen
        .work
        .iter()
        .filter_map(|work| work.next_at)
        .chain(pending.iter().map(|message| message.next_at));
    let next = due.min().unwrap_or(now);
    Look {
        is_over: !running && pending.is_empty(),
        is_busy: held || next <= now,
        next_due_in: next.duration_since(now),
    }
}

//! Processes of the binary on one PostgreSQL, killed and frozen at random while
//! customers' data changes; then the ledger: what the provider has, against what
//! the receiver took.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bitbucket::{Bitbucket, Endpoints};
use engine::{Clock as _, Engine, Parts, Registry, SystemClock};
use http::Method;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use secrecy::{SecretSlice, SecretString};
use serde_json::json;
use store::{MasterKeys, Retention, Settings, Store};

use crate::provider::{Provider, WORKSPACE, loopback};
use crate::receiver::Receiver;
use crate::setup;

/// 32 bytes in base64.
const SECRET_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// Between two looks at the store and two changes of data.
const TICK: Duration = Duration::from_millis(250);
/// How long a blow waits for a moment at which the nodes have work in their hands.
const MOST_PATIENT: Duration = Duration::from_secs(20);
/// What each answer of the provider takes.
const LATENCY_MS: u32 = 150;
/// Longer than a lease.
const FROZEN_FOR: Duration = Duration::from_secs(34);
/// How long a killed node stays away.
const AWAY_FOR: Duration = Duration::from_secs(4);

/// What is to happen.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The binary.
    pub binary: PathBuf,
    /// An empty PostgreSQL database.
    pub database_url: String,
    /// Processes.
    pub nodes: usize,
    /// Customers, each with two objects.
    pub installations: u32,
    /// Repositories of the one workspace that all of them read.
    pub repositories: u32,
    /// How long processes are killed and frozen.
    pub chaos_for: Duration,
    /// How long everything may then take to come right.
    pub settle_within: Duration,
    /// Decides what happens to whom.
    pub seed: u64,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Processes killed.
    pub kills: u32,
    /// Processes frozen for longer than a lease.
    pub freezes: u32,
    /// Records that the provider has at the end, over all customers.
    pub records: usize,
    /// Those that were not taken in the version that they have at the end.
    pub missing: Vec<String>,
    /// Distinct messages.
    pub messages: usize,
    /// Messages taken more than once.
    pub duplicates: u32,
    /// Messages with a wrong signature, or of one id with two bodies.
    pub forged: u32,
    /// The longest time until the work of a node that was killed or frozen was
    /// done with or in other hands.
    pub longest_takeover: Duration,
    /// The longest time without a message.
    pub longest_gap: Duration,
    /// How long it took to come right once nothing more was done to the nodes.
    pub settled_in: Duration,
    /// Processes that ended by themselves, which none may.
    pub ended: u32,
}

impl Ledger {
    /// Whether nothing was lost, forged, or ended by itself.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.forged == 0 && self.ended == 0
    }

    /// The figures, a line each.
    #[must_use]
    pub fn table(&self) -> String {
        let lines = [
            ("nodes killed", self.kills.to_string()),
            ("nodes frozen beyond their lease", self.freezes.to_string()),
            ("nodes that ended by themselves", self.ended.to_string()),
            ("records at the provider", self.records.to_string()),
            ("records missing", self.missing.len().to_string()),
            ("messages", self.messages.to_string()),
            ("messages delivered again", self.duplicates.to_string()),
            ("messages forged", self.forged.to_string()),
            ("longest takeover", seconds(self.longest_takeover)),
            ("longest time without a message", seconds(self.longest_gap)),
            ("came right after", seconds(self.settled_in)),
        ];
        let line = |(what, figure): &(&str, String)| format!("{what:<34} {figure:>10}");
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// One process, and what was done to it last.
#[derive(Debug)]
struct Process {
    child: Option<Child>,
    back_at: Option<Instant>,
}

/// Does what the plan says.
///
/// # Errors
/// When something cannot be set up. What was lost is in the ledger.
pub async fn run(plan: Plan) -> anyhow::Result<Ledger> {
    let provider = Provider::start(sandbox::Options {
        repositories: plan.repositories,
        projects: 12,
        workspaces: vec![WORKSPACE.to_owned()],
        token_chars: 256,
        // Half a minute after its issue each token is due for a refresh.
        access_token_seconds: 330,
        ..sandbox::Options::default()
    })
    .await?;
    let latency = json!({ "ms": LATENCY_MS });
    provider.control(Method::PUT, "latency", &latency).await?;
    let receiver = Receiver::start().await?;
    let engine = observer(&plan, &provider).await?;
    setup::project(&engine, &provider, &receiver, "* * * * *").await?;
    let mut chaos = Chaos {
        random: SmallRng::seed_from_u64(plan.seed),
        processes: Vec::new(),
        ledger: Ledger::default(),
        watched: Vec::new(),
        groups: (0..plan.installations)
            .map(|n| format!("customer-{n}"))
            .collect(),
        provider,
        receiver,
        engine,
        plan,
    };
    for _ in 0..chaos.plan.nodes {
        let child = Some(chaos.launch()?);
        chaos.processes.push(Process {
            child,
            back_at: None,
        });
    }
    for group in chaos.groups.clone() {
        setup::connect(&chaos.engine, &chaos.provider, &group).await?;
        setup::install(&chaos.engine, &group).await?;
    }
    chaos.rage().await?;
    chaos.settle().await?;
    Ok(chaos.account())
}

/// An engine that does no work, to set things up with and look at the store.
async fn observer(plan: &Plan, provider: &Provider) -> anyhow::Result<Engine> {
    let clock = Arc::new(SystemClock::default());
    let settings = Settings {
        url: plan.database_url.clone(),
        schema: None,
        keys: MasterKeys::parse(&SecretString::from(SECRET_KEY), None)?,
        max_connections: 4,
    };
    let endpoints = Endpoints {
        api_url: provider.url(),
        oauth_url: provider.url(),
    };
    Ok(Engine::new(Parts {
        store: Store::open(settings, clock.now()).await?,
        outbound: loopback(&[provider.url()]),
        clock,
        registry: Registry::new(vec![Arc::new(Bitbucket::new(&endpoints)?)]),
        public_url: "http://localhost:8080".to_owned(),
        objects: None,
        link_key: SecretSlice::from(vec![9; 32]),
        previous_link_key: None,
        retention: Retention::of_days(30),
        outbox_max_bytes: u64::MAX,
        delivery_rate: 0,
        proxy_sample: 0.0,
        min_schedule_s: 60,
        budgets: Vec::new(),
    }))
}

struct Chaos {
    plan: Plan,
    engine: Engine,
    provider: Provider,
    receiver: Receiver,
    groups: Vec<String>,
    processes: Vec<Process>,
    /// Work whose owner something was done to: the subject, its owner, since when.
    watched: Vec<(String, String, Instant)>,
    random: SmallRng,
    ledger: Ledger,
}

impl Chaos {
    fn launch(&self) -> anyhow::Result<Child> {
        let mut command = Command::new(&self.plan.binary);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LIGATURE_")) {
            command.env_remove(name);
        }
        command
            .arg("serve")
            .env("LIGATURE_LISTEN", "127.0.0.1:0")
            .env("LIGATURE_DATABASE_URL", &self.plan.database_url)
            .env("LIGATURE_SECRET_KEY", SECRET_KEY)
            .env("LIGATURE_BITBUCKET_API_URL", self.provider.url())
            .env("LIGATURE_BITBUCKET_OAUTH_URL", self.provider.url())
            .env("LIGATURE_BITBUCKET_BUDGET", "0")
            .env("LIGATURE_ALLOW_PRIVATE_NETWORKS", "127.0.0.0/8")
            .env("LIGATURE_MIN_SCHEDULE_SECONDS", "60")
            .env("LIGATURE_LOG", "off")
            .stdin(Stdio::null())
            .spawn()
            .context("the binary starts")
    }

    /// Kills and freezes, and changes the data meanwhile.
    async fn rage(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + self.plan.chaos_for;
        let mut next = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            self.provider.mutate("churn", 1).await?;
            let late = next + MOST_PATIENT;
            let now = Instant::now();
            if now >= late || (now >= next && self.held().await?.len() >= self.plan.nodes) {
                self.strike().await?;
                let pause = self.random.random_range(3_000..9_000);
                next = Instant::now() + Duration::from_millis(pause);
            }
            self.tick().await?;
        }
        Ok(())
    }

    /// Work that somebody has, and who.
    async fn held(&self) -> anyhow::Result<Vec<(String, String)>> {
        let work = self.engine.store.examine().await?.work;
        let held = work.into_iter();
        let held = held.filter_map(|work| Some((work.subject_id, work.owner?)));
        Ok(held.collect())
    }

    /// Does something to a random node; one at least is left alone.
    async fn strike(&mut self) -> anyhow::Result<()> {
        let well: Vec<usize> = (0..self.processes.len())
            .filter(|place| self.processes[*place].back_at.is_none())
            .collect();
        if well.len() < 2 {
            return Ok(());
        }
        let place = well[self.random.random_range(0..well.len())];
        let held = self.held().await?.into_iter();
        let now = Instant::now();
        self.watched
            .extend(held.map(|(subject, owner)| (subject, owner, now)));
        let freezes = self.random.random_bool(0.4);
        let process = &mut self.processes[place];
        if freezes {
            let child = process.child.as_ref().context("it runs")?;
            signal(child, "-STOP")?;
            process.back_at = Some(now + FROZEN_FOR);
            self.ledger.freezes += 1;
        } else {
            let mut child = process.child.take().context("it runs")?;
            child.kill()?;
            child.wait()?;
            process.back_at = Some(now + AWAY_FOR);
            self.ledger.kills += 1;
        }
        Ok(())
    }

    /// Lets a moment pass: whose time has come is back, and the store is looked at.
    async fn tick(&mut self) -> anyhow::Result<()> {
        tokio::time::sleep(TICK).await;
        let now = Instant::now();
        for place in 0..self.processes.len() {
            if self.processes[place].back_at.is_some_and(|at| at <= now) {
                self.bring_back(place)?;
            }
            let ended = match &mut self.processes[place].child {
                Some(child) => child.try_wait()?.is_some(),
                None => false,
            };
            if ended {
                self.ledger.ended += 1;
                self.processes[place].child = Some(self.launch()?);
            }
        }
        let work = self.engine.store.examine().await?.work;
        let ledger = &mut self.ledger;
        self.watched.retain(|(subject, owner, since)| {
            let still = work
                .iter()
                .any(|row| row.subject_id == *subject && row.owner.as_ref() == Some(owner));
            if !still {
                ledger.longest_takeover = ledger.longest_takeover.max(since.elapsed());
            }
            still
        });
        Ok(())
    }

    fn bring_back(&mut self, place: usize) -> anyhow::Result<()> {
        match &self.processes[place].child {
            Some(child) => signal(child, "-CONT")?,
            None => self.processes[place].child = Some(self.launch()?),
        }
        self.processes[place].back_at = None;
        Ok(())
    }

    /// Nothing more is done to anybody: everything has to come right.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        for place in 0..self.processes.len() {
            if self.processes[place].back_at.is_some() {
                self.bring_back(place)?;
            }
        }
        while begun.elapsed() < self.plan.settle_within && !self.missing().is_empty() {
            self.tick().await?;
        }
        self.ledger.settled_in = begun.elapsed();
        Ok(())
    }

    /// What was not taken in the version that it has now.
    fn missing(&self) -> Vec<String> {
        let inbox = self.receiver.inbox();
        let expected = self.groups.iter().flat_map(|group| {
            let records = self.provider.truth.iter();
            records.map(move |((object, key), version)| (group, object, key, version))
        });
        expected
            .filter(|(group, object, key, version)| {
                let place = ((*group).clone(), (*object).clone(), (*key).clone());
                let taken = inbox.records.get(&place);
                !taken.is_some_and(|taken| taken.versions.contains_key(*version))
            })
            .map(|(group, object, key, version)| format!("{group}: {object} {key} of {version}"))
            .collect()
    }

    fn account(mut self) -> Ledger {
        let missing = self.missing();
        let inbox = self.receiver.inbox();
        Ledger {
            records: self.provider.truth.len() * self.groups.len(),
            missing,
            messages: inbox.messages.len(),
            duplicates: inbox.duplicates(),
            forged: inbox.forged,
            longest_gap: inbox.longest_gap,
            ..std::mem::take(&mut self.ledger)
        }
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().filter_map(|p| p.child.as_mut()) {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Sends a signal by name, such as `-STOP`.
fn signal(child: &Child, name: &str) -> anyhow::Result<()> {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()?;
    anyhow::ensure!(sent.success(), "kill {name} did not work");
    Ok(())
}

/// An empty database for a plan; `None` where PostgreSQL is not installed.
pub async fn database(name: &str) -> Option<String> {
    testing::postgres_schema(name, SECRET_KEY).await
}

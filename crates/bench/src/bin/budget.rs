//! A backfill of thousands of pages beside two hundred scheduled reads and
//! people who call, under a limit that lets one call in five through, on one
//! node or several: does anybody starve, and is anybody refused?
//!
//! The provider is the look-alike, which enforces its limit over a rolling
//! window. Both windows are shortened alike: what takes five hours under a limit
//! of 1,000 calls an hour takes three minutes here. Pages hold ten records
//! instead of a hundred, so that the limit is what is measured and not the
//! machine.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bitbucket::{Bitbucket, Endpoints};
use clap::Parser;
use connector::{Connector, Description, Failure, Intent, Outcome, Request, Response, State};
use engine::calls::{Caller, Lane};
use engine::{BudgetOverride, Clock as _, Engine, Parts, Registry, SystemClock};
use jiff::Timestamp;
use outbound::Outbound;
use secrecy::SecretSlice;
use serde_json::{Value, json};
use store::{
    Credential, MasterKeys, NewConnection, NewDestination, NewInstallation, NewProject,
    NewProviderApp, NewRevision, NewSync, OperationStatus, ReadType, Retention, Scope, Settings,
    Store,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Records on a page.
const PAGE: u32 = 10;
/// Records that scheduled reads find changed: three pages.
const CHANGED: u32 = 25;
/// How often the operations are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How large, and how tight.
#[derive(Debug, Parser)]
struct Flags {
    /// Pages of the backfill
    #[arg(long, default_value_t = 5_000)]
    pages: u32,
    /// Scheduled reads, each of an installation of its own
    #[arg(long, default_value_t = 200)]
    reads: u32,
    /// Calls in a window, there and here
    #[arg(long, default_value_t = 1_000)]
    limit: u32,
    /// The length of the window in seconds
    #[arg(long, default_value_t = 36)]
    window: u32,
    /// Milliseconds between two calls of people
    #[arg(long, default_value_t = 500)]
    person_every: u64,
    /// Nodes; more than one share a PostgreSQL that is started for it
    #[arg(long, default_value_t = 1)]
    nodes: usize,
    /// Stop after so many seconds, finished or not
    #[arg(long, default_value_t = 900)]
    at_most: u64,
}

/// Bitbucket with small pages.
#[derive(Debug)]
struct SmallPages(Bitbucket);

impl Connector for SmallPages {
    fn describe(&self) -> &Description {
        self.0.describe()
    }

    fn start(&self, intent: &Intent) -> Result<State, Failure> {
        self.0.start(intent)
    }

    fn step(&self, state: &State) -> Result<Request, Failure> {
        let mut request = self.0.step(state)?;
        request.url = request
            .url
            .replace("pagelen=100", &format!("pagelen={PAGE}"));
        Ok(request)
    }

    fn advance(&self, state: &State, response: &Response) -> Outcome {
        self.0.advance(state, response)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let flags = Flags::parse();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let options = sandbox::Options {
        repositories: flags.pages * PAGE,
        workspaces: vec!["acme".to_owned()],
        rate_limit: Some(flags.limit),
        rate_window_seconds: u64::from(flags.window),
        token_chars: 64,
        ..sandbox::Options::default()
    };
    let token = options.access_token.clone();
    let provider = sandbox::start(listener, options)?;
    let mut settings = outbound::Settings::new("bench");
    settings.allowed_networks = vec!["127.0.0.0/8".parse()?];
    settings.provider_origins = vec![provider.url()];
    let outbound = Outbound::new(&settings)?;
    touch(&outbound, &provider.url()).await?;

    let directory = tempfile::tempdir()?;
    let settings = database(&flags, directory.path())?;
    let mut engines = Vec::new();
    for _ in 0..flags.nodes.max(1) {
        engines.push(node(&settings, &outbound, &provider.url(), &flags).await?);
    }
    let first = engines.first().context("there is no node")?.clone();
    let crowd = Crowd::install(&first, &flags, &token).await?;

    let stop = CancellationToken::new();
    let began = Instant::now();
    let workers: Vec<_> = engines
        .iter()
        .map(|engine| tokio::spawn(engine.worker().run(stop.clone())))
        .collect();
    let people = tokio::spawn(people(
        first.clone(),
        crowd.connection.clone(),
        Duration::from_millis(flags.person_every),
        stop.clone(),
    ));
    let progress = crowd.watch(&first, &flags, began).await?;
    let stats = control(&outbound, &provider.url(), "GET", "stats", &Value::Null).await?;
    let spent = first.store.budget_snapshot(first.clock.now()).await?;
    stop.cancel();
    let people = people.await??;
    for worker in workers {
        worker.await?;
    }
    report(&flags, &progress, &people, &stats, spent.first());
    for engine in engines {
        engine.store.clone().close().await;
    }
    provider.stop().await;
    let refused = stats.get("rate_limited").and_then(Value::as_u64);
    let refused = refused.unwrap_or(u64::MAX);
    anyhow::ensure!(refused == 0, "the provider refused {refused} calls");
    anyhow::ensure!(
        people.refused == 0,
        "{} calls of people were refused",
        people.refused
    );
    Ok(())
}

/// One SQLite file, or one PostgreSQL for all nodes.
fn database(flags: &Flags, directory: &std::path::Path) -> Result<Settings> {
    let url = if flags.nodes > 1 {
        testing::postgres_url()
            .context("several nodes need PostgreSQL's programs on this machine")?
            .to_owned()
    } else {
        format!("sqlite:{}", directory.join("ligature.db").display())
    };
    Ok(Settings {
        url,
        schema: None,
        keys: MasterKeys::new([7; 32], None),
        max_connections: 24,
    })
}

async fn node(
    settings: &Settings,
    outbound: &Outbound,
    url: &str,
    flags: &Flags,
) -> Result<Engine> {
    let clock = Arc::new(SystemClock::default());
    let store = Store::open(settings.clone(), clock.now()).await?;
    if let Some(time) = store.database_time().await? {
        clock.follow(time);
    }
    let endpoints = Endpoints {
        api_url: url.to_owned(),
        oauth_url: url.to_owned(),
    };
    Ok(Engine::new(Parts {
        store,
        outbound: outbound.clone(),
        clock,
        registry: Registry::new(vec![Arc::new(SmallPages(Bitbucket::new(&endpoints)?))]),
        public_url: "http://127.0.0.1:1".to_owned(),
        objects: None,
        link_key: SecretSlice::from(vec![9; 32]),
        previous_link_key: None,
        retention: Retention::of_days(30),
        outbox_max_bytes: u64::MAX,
        min_schedule_s: 60,
        delivery_rate: 0,
        proxy_sample: 0.0,
        budgets: vec![BudgetOverride {
            group: bitbucket::REPOSITORIES_GROUP,
            limit: flags.limit,
            window_s: flags.window,
        }],
    }))
}

/// Lets some records change now, for scheduled reads to find.
async fn touch(outbound: &Outbound, url: &str) -> Result<()> {
    for index in 0..CHANGED {
        let touch = json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "index": index });
        control(outbound, url, "POST", "mutations", &touch).await?;
    }
    Ok(())
}

/// Asks the look-alike something past its API.
async fn control(
    outbound: &Outbound,
    url: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<Value> {
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{url}/_sandbox/{path}"))
        .body(body)?;
    let answer = outbound.whole(request).await?;
    let status = answer.status();
    anyhow::ensure!(
        status.is_success(),
        "the look-alike answered {status} to {path}"
    );
    Ok(serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
}

/// Everyone who is installed.
struct Crowd {
    scope: Scope,
    connection: String,
    backfill: String,
    reads: Vec<String>,
}

/// How one read went.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    records: i64,
    /// Seconds until the first page, and until the end.
    begun_s: Option<f64>,
    ended_s: Option<f64>,
}

impl Crowd {
    /// One customer with a backfill, and many with a read on schedule that is due
    /// now; all through one provider app.
    async fn install(engine: &Engine, flags: &Flags, token: &str) -> Result<Self> {
        let (store, now) = (&engine.store, engine.clock.now());
        let operator = store.operator();
        let new = NewProject {
            name: "bench".to_owned(),
            app_name: "Bench".to_owned(),
            org_id: None,
        };
        let project = store.create_project(&operator, new, now).await?;
        let scope = store.scope(&operator, &project.id).await?;
        let tenant = store.within(&scope);
        let app = NewProviderApp {
            external_ref: None,
            provider: "bitbucket".to_owned(),
            client_id: "bench".to_owned(),
            client_secret: "bench".to_owned().into(),
            scopes: Vec::new(),
            metadata: None,
        };
        let app = tenant.create_provider_app(app, now).await?;
        let hook = NewDestination {
            name: "hook".to_owned(),
            kind: "webhook".to_owned(),
            metadata: json!({ "url": "http://127.0.0.1:9/" }),
        };
        tenant.create_destination(hook, now).await?;
        tenant.upsert_consumer("ada", None, now).await?;
        let revision = NewRevision {
            name: "bench".to_owned(),
            provider: "bitbucket".to_owned(),
            spec_version: "1.0.0".to_owned(),
            content: json!({
                "name": "bench", "provider": "bitbucket",
                "read": { "objects": [{
                    "objectName": "repositories", "destination": "hook",
                    "schedule": "0 0 1 1 *", "requiredFields": [{ "fieldName": "uuid" }],
                }] },
            }),
        };
        let integration = tenant.deploy(vec![revision], false, now).await?;
        let integration = integration.into_iter().next().context("no integration")?;
        let mut crowd = Self {
            scope,
            connection: String::new(),
            backfill: String::new(),
            reads: Vec::new(),
        };
        for n in 0..=flags.reads {
            let group = format!("group-{n}");
            crowd
                .customer(engine, &group, &app.id, &integration, token)
                .await?;
        }
        Ok(crowd)
    }

    /// One more customer: the first has the backfill.
    async fn customer(
        &mut self,
        engine: &Engine,
        group: &str,
        app_id: &str,
        integration: &store::Integration,
        token: &str,
    ) -> Result<()> {
        let now = engine.clock.now();
        let since: Timestamp = "2026-06-02T00:00:00Z".parse()?;
        let is_backfill = self.backfill.is_empty();
        let tenant = engine.store.within(&self.scope);
        tenant.upsert_group(group, None, now).await?;
        let connection = NewConnection {
            id: None,
            provider: "bitbucket".to_owned(),
            provider_app_id: Some(app_id.to_owned()),
            group_ref: group.to_owned(),
            consumer_ref: "ada".to_owned(),
            auth_scheme: "oauth2/authorizationCode".to_owned(),
            provider_metadata: json!({ "workspace": { "value": "acme" } }),
            provider_workspace_ref: Some("acme".to_owned()),
            credential: Credential::OAuth2 {
                access_token: token.to_owned().into(),
                refresh_token: None,
                expires_at: None,
                scopes: Vec::new(),
            },
        };
        let connection = tenant.upsert_connection(connection, now).await?;
        let new = NewInstallation {
            integration_id: integration.id.clone(),
            revision_id: integration.latest_revision.id.clone(),
            planned_by: integration.latest_revision.id.clone(),
            connection_id: connection.id.clone(),
            group_ref: group.to_owned(),
            created_by: "operator".to_owned(),
            config: json!({ "read": { "objects": { "repositories": {} } } }),
            objects: vec![NewSync {
                object_name: "repositories".to_owned(),
                run: is_backfill.then_some(ReadType::Backfill),
                since: None,
                watermark: (!is_backfill).then_some(since),
                due_at: (!is_backfill).then_some(now),
            }],
        };
        let installation = tenant.install(new, now).await?;
        if is_backfill {
            self.connection = connection.id;
            self.backfill = installation.id;
        } else {
            self.reads.push(installation.id);
        }
        Ok(())
    }

    /// Looks at everyone's operation until all have ended.
    async fn watch(&self, engine: &Engine, flags: &Flags, began: Instant) -> Result<Vec<Progress>> {
        let tenant = engine.store.within(&self.scope);
        let ids: Vec<&String> = std::iter::once(&self.backfill).chain(&self.reads).collect();
        let mut all = vec![Progress::default(); ids.len()];
        while began.elapsed() < Duration::from_secs(flags.at_most) {
            for (progress, id) in all.iter_mut().zip(&ids) {
                if progress.ended_s.is_some() {
                    continue;
                }
                let (operations, _) = tenant.operations(id, 1, None).await?;
                let Some(operation) = operations.first() else {
                    continue;
                };
                let at = began.elapsed().as_secs_f64();
                progress.records = operation.records_processed;
                if progress.records > 0 {
                    progress.begun_s.get_or_insert(at);
                }
                if operation.status == OperationStatus::Success {
                    progress.ended_s = Some(at);
                }
            }
            if all.iter().all(|progress| progress.ended_s.is_some()) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(all)
    }
}

/// What people met.
#[derive(Debug, Default)]
struct People {
    waits_s: Vec<f64>,
    refused: usize,
}

/// Calls in the interactive lane at a steady pace.
async fn people(
    engine: Engine,
    connection: String,
    every: Duration,
    stop: CancellationToken,
) -> Result<People> {
    let connector = engine.registry.get("bitbucket").context("no provider")?;
    let origin = &connector.describe().origin;
    let mut request = Request::get(format!("{origin}/2.0/repositories/acme?pagelen=1"));
    request.group = Some(bitbucket::REPOSITORIES_GROUP);
    let mut people = People::default();
    while !stop.is_cancelled() {
        let caller = Caller::Connection(&connection);
        let began = Instant::now();
        let sent = engine
            .calls()
            .send(connector.as_ref(), caller, Lane::Interactive, &request);
        match sent.await {
            Ok(response) if response.status == 200 => {
                people.waits_s.push(began.elapsed().as_secs_f64());
            }
            Ok(_) | Err(_) => people.refused += 1,
        }
        tokio::time::sleep(every).await;
    }
    Ok(people)
}

fn report(
    flags: &Flags,
    progress: &[Progress],
    people: &People,
    stats: &Value,
    spent: Option<&store::BudgetSnapshot>,
) {
    let Some((backfill, reads)) = progress.split_first() else {
        return;
    };
    let number = |path| stats.pointer(path).cloned().unwrap_or_default();
    let refused = number("/rate_limited");
    let calls = number("/calls/~12.0~1repositories");
    println!(
        "limit            {} calls in {} s, {} node(s)",
        flags.limit, flags.window, flags.nodes
    );
    println!("calls answered   {calls}, 429s {refused}");
    if let Some(spent) = spent {
        let used = spent.used;
        println!(
            "in the window    interactive {}, scheduled {}, backfill {}",
            used.interactive, used.scheduled, used.backfill
        );
    }
    println!(
        "interactive      {} calls, {} refused, {}",
        people.waits_s.len(),
        people.refused,
        spread(&people.waits_s)
    );
    let first: Vec<f64> = reads.iter().filter_map(|read| read.begun_s).collect();
    let ended: Vec<f64> = reads.iter().filter_map(|read| read.ended_s).collect();
    println!("scheduled reads  {} of {} ended", ended.len(), reads.len());
    println!("  first page     {}", spread(&first));
    println!("  end            {}", spread(&ended));
    let mut by_records: BTreeMap<i64, usize> = BTreeMap::new();
    for read in reads {
        *by_records.entry(read.records).or_default() += 1;
    }
    let by_records: Vec<String> = by_records
        .iter()
        .map(|(records, n)| format!("{n} with {records}"))
        .collect();
    println!("  records        {}", by_records.join(", "));
    let ends: Vec<String> = ended.iter().map(|end| format!("{end:.0}")).collect();
    println!("  each ended at  {} s", ends.join(" "));
    let end = backfill.ended_s.map_or("not ended".to_owned(), |end| {
        format!("ended after {end:.0} s")
    });
    println!(
        "backfill         {} records ({} pages), {end}",
        backfill.records,
        backfill.records / i64::from(PAGE)
    );
}

/// Median and worst.
fn spread(seconds: &[f64]) -> String {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let worst = sorted.last().copied().unwrap_or(0.0);
    format!("median {median:.2} s, worst {worst:.2} s")
}

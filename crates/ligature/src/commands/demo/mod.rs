//! `ligature demo`: the main job on real parts. A sandbox stands in for Bitbucket
//! and an inbox for the app; everything between them is the server as it is, and
//! the demo uses it as an app would: over HTTP, with an API key.

mod api;
mod consent;
mod inbox;
mod outcome;
mod progress;
mod walk;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use engine::{ActionError, actions};
use secrecy::{ExposeSecret as _, SecretString};
use store::Role;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::sandbox::SandboxFlags;
use super::user::made_password;
use crate::config::{Networks, NodeFlags, ProtectionFlags, ProviderFlags, StoreFlags};
use crate::console;
use crate::keep::KeepFlags;
use crate::node::{self, Node};
use inbox::Inbox;
use walk::Walk;

/// The PostgreSQL schema that the demo keeps to.
const SCHEMA: &str = "ligature_demo";
/// Whom somebody who looks around signs in as.
const ACCOUNT: &str = "demo@localhost";

/// See it work, with nothing to set up.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Stop after the table; exit 0 only if everything expected was delivered
    #[arg(long)]
    once: bool,
    /// The server's address (default: a free port)
    #[arg(long, env = "LIGATURE_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where files are kept
    #[arg(
        long,
        env = "LIGATURE_DATA_DIR",
        default_value = "./ligature-demo",
        value_name = "DIR"
    )]
    data_dir: PathBuf,
    /// The database: postgres://…, in a schema of its own (default: SQLite in the data directory)
    #[arg(
        long,
        env = "LIGATURE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
    /// What secrets are sealed with (default: made at the first start)
    #[arg(
        long,
        env = "LIGATURE_SECRET_KEY",
        value_name = "BASE64",
        hide_env_values = true
    )]
    secret_key: Option<SecretString>,
    #[command(flatten)]
    sandbox: SandboxFlags,
}

impl Demo {
    /// Shows the main job, prints the table, and keeps serving unless `--once`.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(self.listen.unwrap_or(free)).await?;
        let server_url = format!("http://{}", listener.local_addr()?);
        let options = self
            .sandbox
            .options(format!("{server_url}/callbacks/v1/oauth"));
        let sandbox = sandbox::start(TcpListener::bind(free).await?, options.clone())?;
        let flags = self.node_flags(&server_url, &sandbox.url());
        let inbox = Inbox::start(TcpListener::bind(free).await?, flags.outbound()?)?;
        console::line("Ligature demo")?;
        console::line(&format!(
            "  sandbox   {}  a look-alike of Bitbucket Cloud: workspace {} with {} repositories, {} projects",
            sandbox.url(),
            options.workspaces.first().map_or("", String::as_str),
            options.repositories,
            options.projects,
        ))?;
        console::line(&format!("  server    {server_url}"))?;
        console::line(&format!("  inbox     {}", inbox.url()))?;

        let node = Node::open(self.store_flags().settle(Some(SCHEMA.to_owned()))?, &flags).await?;
        let stop = CancellationToken::new();
        let outbound = flags.outbound()?;
        let (project, key) = walk::project_and_key(&node).await?;
        let providers = node.engine.registry.descriptions();
        let objects = providers.flat_map(|provider| provider.objects);
        let removed = objects.filter(|object| object.removed.is_some());
        let removed = removed.map(|object| object.name).collect();
        console::line(&format!("✓ Created project {project} and an API key"))?;
        let password = match self.once {
            true => None,
            false => Some(account(&node).await?),
        };
        let serving = tokio::spawn(node.run(vec![listener], stop.clone()));

        let walk = Walk {
            api: api::Api::new(outbound, server_url.clone(), key),
            project,
            sandbox: &options,
            inbox: &inbox,
            removed,
        };
        let outcome = tokio::select! {
            outcome = walk.run() => outcome?,
            () = node::asked_to_stop() => anyhow::bail!("stopped before the end"),
        };
        console::line("")?;
        console::line(&outcome.table())?;
        let complete = outcome.is_complete();
        console::line(&outcome.verdict(started.elapsed()))?;
        if let Some(password) = password {
            console::line(&format!(
                "Still serving: open {server_url} and sign in as {ACCOUNT} with the password {}. Press Ctrl-C to stop.",
                password.expose_secret()
            ))?;
            node::asked_to_stop().await;
        }
        stop.cancel();
        // A node that is stopped between two pages ends within its own patience.
        tokio::time::timeout(Duration::from_secs(25), serving).await???;
        sandbox.stop().await;
        Ok(if complete {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn store_flags(&self) -> StoreFlags {
        StoreFlags {
            data_dir: self.data_dir.clone(),
            database_url: self.database_url.clone(),
            secret_key: self.secret_key.clone(),
            secret_key_previous: None,
        }
    }

    /// Loopback may be reached, since everything here is on it; and the budget is
    /// as large as the sandbox's limit, as an operator would set it.
    fn node_flags(&self, server_url: &str, sandbox_url: &str) -> NodeFlags {
        NodeFlags {
            public_url: server_url.to_owned(),
            provider: ProviderFlags {
                bitbucket_api_url: sandbox_url.to_owned(),
                bitbucket_oauth_url: sandbox_url.to_owned(),
                bitbucket_budget: self.sandbox.rate_limit.unwrap_or(0),
                bitbucket_budget_window_seconds: u32::try_from(self.sandbox.rate_window)
                    .unwrap_or(u32::MAX)
                    .max(1),
                ca_bundle: None,
            },
            min_schedule_seconds: 600,
            delivery_rate: 0,
            proxy_sample: 1.0,
            allow_private_networks: Networks(vec![
                ipnet::Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into(),
            ]),
            otlp_endpoint: None,
            protection: ProtectionFlags::none(),
            keep: KeepFlags::default(),
        }
    }
}

/// An account for whoever looks around, with a password of this run's own.
async fn account(node: &Node) -> anyhow::Result<SecretString> {
    let (engine, operator) = (&node.engine, node.operator());
    let password = made_password();
    let made = actions::builder::create(engine, &operator, ACCOUNT, &password, Role::Owner).await;
    match made {
        Ok(_) => {}
        Err(ActionError::Conflict { .. }) => {
            actions::builder::set_password(engine, &operator, ACCOUNT, &password).await?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(password)
}

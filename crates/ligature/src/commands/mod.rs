//! The commands, one file each.

mod api_key;
mod backup;
mod check;
mod counter;
mod delivery;
mod demo;
mod deploy;
mod install_link;
mod invite;
mod migrate;
mod project;
mod read;
mod restore;
mod sandbox;
mod serve;
mod server_client;
mod user;
mod write;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{NodeFlags, StoreFlags};
use crate::console;
use crate::logging::LogFlags;
use crate::node::Node;

/// A self-hosted integration server that speaks Ampersand's API.
#[derive(Debug, Parser)]
#[command(name = "ligature", version, propagate_version = true)]
pub(crate) struct Ligature {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: API, OAuth callback, reads and deliveries
    Serve(serve::Serve),
    /// See it work, with nothing to set up: sandbox, server and a webhook inbox
    Demo(demo::Demo),
    /// Validate an amp.yaml
    Check(check::Check),
    /// Validate an amp.yaml and deploy it to a server
    Deploy(deploy::Deploy),
    /// Run a local look-alike of Bitbucket Cloud
    Sandbox(sandbox::Sandbox),
    /// Read an object straight to standard output, as JSON Lines
    Read(read::Read),
    /// Write records from standard input straight to Bitbucket, as JSON Lines
    Write(write::Write),
    /// Create and list projects
    #[command(subcommand)]
    Project(project::Project),
    /// Create, list and revoke API keys
    #[command(subcommand)]
    ApiKey(api_key::ApiKey),
    /// Create and list builders' accounts
    #[command(subcommand)]
    User(user::User),
    /// Invite builders, by a link
    #[command(subcommand)]
    Invite(invite::Invite),
    /// Make links to the hosted install page
    #[command(subcommand)]
    InstallLink(install_link::InstallLink),
    /// List deliveries and replay them
    #[command(subcommand)]
    Delivery(delivery::Delivery),
    /// Write everything to one file, while the server runs
    Backup(backup::Backup),
    /// Put a backup into an empty store, of either kind of database
    Restore(restore::Restore),
    /// Bring the database to this version, as a start would
    Migrate(migrate::Migrate),
    /// Print the version
    Version,
}

impl Ligature {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever the command could not do.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let default = match self.command {
            Command::Serve(_) | Command::Sandbox(_) => "info",
            _ => "warn",
        };
        let traces = match &self.command {
            Command::Serve(serve) => serve.traces()?,
            _ => None,
        };
        self.log.start(default, traces.as_ref())?;
        match self.command {
            Command::Serve(serve) => {
                let served = serve.run().await;
                if let Some(traces) = traces {
                    tokio::task::block_in_place(|| traces.flush());
                }
                served?;
            }
            Command::Demo(demo) => return Box::pin(demo.run()).await,
            Command::Check(check) => return check.run(),
            Command::Deploy(deploy) => return Box::pin(deploy.run()).await,
            Command::Read(read) => Box::pin(read.run()).await?,
            Command::Write(write) => return Box::pin(write.run()).await,
            Command::Sandbox(sandbox) => sandbox.run().await?,
            Command::Project(project) => project.run().await?,
            Command::ApiKey(api_key) => api_key.run().await?,
            Command::User(user) => user.run().await?,
            Command::Invite(invite) => invite.run().await?,
            Command::InstallLink(link) => Box::pin(link.run()).await?,
            Command::Delivery(delivery) => Box::pin(delivery.run()).await?,
            Command::Backup(backup) => Box::pin(backup.run()).await?,
            Command::Restore(restore) => Box::pin(restore.run()).await?,
            Command::Migrate(migrate) => migrate.run().await?,
            Command::Version => console::line(concat!("ligature ", env!("CARGO_PKG_VERSION")))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The flags of a command that works straight on the store.
#[derive(Debug, Clone, clap::Args)]
struct StoreCommand {
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    node: NodeFlags,
    /// Print JSON, in the shapes of the API
    #[arg(long)]
    json: bool,
}

impl StoreCommand {
    async fn open(&self) -> anyhow::Result<Node> {
        Node::open(self.store.settle(None)?, &self.node).await
    }
}

//! `ligature delivery list|replay`: straight on the store, or through a server
//! that runs. With SQLite the server has the store to itself, so that is the way
//! there while it runs.

mod list;
mod replay;

use anyhow::Context as _;
use clap::Subcommand;
use jiff::Timestamp;
use store::StoreError;

use super::StoreCommand;
use super::server_client::Server;
use crate::node::Node;

/// List deliveries and replay them.
#[derive(Debug, Subcommand)]
pub(crate) enum Delivery {
    /// List deliveries, newest first
    List(list::List),
    /// Send again what is dead or was delivered: by id, or a destination's
    Replay(replay::Replay),
}

impl Delivery {
    /// Runs the command.
    ///
    /// # Errors
    /// When the store or the server cannot be reached, or refuses.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Replay(replay) => replay.run().await,
        }
    }
}

/// Which project, and by which way.
#[derive(Debug, Clone, clap::Args)]
struct On {
    /// The project, by name or id
    #[arg(long, env = "LIGATURE_PROJECT", value_name = "PROJECT")]
    project: String,
    /// Go through this server, with the API key in `AMP_API_KEY`, not to the store
    #[arg(long, env = "LIGATURE_SERVER", value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    store: StoreCommand,
}

/// A way to deliveries.
enum Way {
    Server(Server),
    Store(Box<Node>),
}

impl On {
    async fn open(&self) -> anyhow::Result<Way> {
        if let Some(url) = self.server.as_deref().filter(|url| !url.is_empty()) {
            let ca_bundle = self.store.node.provider.ca_bundle.as_deref();
            return Server::open(url, &self.project, ca_bundle).map(Way::Server);
        }
        let opened = self.store.open().await;
        let busy = |error: &anyhow::Error| {
            let cause = error.downcast_ref::<StoreError>();
            matches!(cause, Some(StoreError::Busy { .. }))
        };
        match opened {
            Err(error) if busy(&error) => Err(error).context(
                "a server has this store to itself: go through it with --server URL and its API key in AMP_API_KEY",
            ),
            opened => Ok(Way::Store(Box::new(opened?))),
        }
    }
}

/// Times that bound a range.
#[derive(Debug, Clone, clap::Args)]
struct Range {
    /// Only messages put in at this time or later, such as 2026-11-24T08:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only messages put in before this time
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
}

fn is_status(word: &str) -> Result<store::DeliveryStatus, String> {
    store::DeliveryStatus::of_word(word)
        .ok_or_else(|| "not one of held, pending, delivered, dead".to_owned())
}

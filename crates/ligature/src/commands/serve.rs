//! `ligature serve`.

use clap::Args;
use tokio::net::TcpListener;

use crate::config::{BootstrapFlags, ListenFlags, NodeFlags, Role, StoreFlags};
use crate::node::{self, Node, Signals, Stop};
use crate::traces::Traces;

/// Run the server.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    listen: ListenFlags,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    node: NodeFlags,
    #[command(flatten)]
    bootstrap: BootstrapFlags,
    /// What this node does; a part only with PostgreSQL
    #[arg(
        long,
        env = "LIGATURE_ROLE",
        value_enum,
        default_value = "all",
        value_name = "ROLE"
    )]
    role: Role,
}

impl Serve {
    /// Where traces go, if anywhere.
    ///
    /// # Errors
    /// When the endpoint cannot be used.
    pub(crate) fn traces(&self) -> anyhow::Result<Option<Traces>> {
        let endpoint = self.node.otlp_endpoint.as_deref();
        let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
        endpoint
            .map(|endpoint| Traces::to(endpoint, self.node.outbound()?))
            .transpose()
    }

    /// Serves until it is asked to stop; asked twice, it stops at once.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut signals = Signals::catch()?;
        let role = self.role;
        let (node, listeners) = tokio::select! {
            started = self.start() => started?,
            () = signals.next() => {
                tracing::info!("stopped before it was ready");
                return Ok(());
            }
        };
        let stop = Stop::default();
        let mut serving = tokio::spawn(node.run_as(role, listeners, stop.clone()));
        tokio::select! {
            ended = &mut serving => return ended?,
            () = signals.next() => {}
        }
        tracing::info!("stopping: no new work, what is under way may end; a second signal cuts it");
        stop.drain.cancel();
        tokio::select! {
            ended = &mut serving => return ended?,
            () = signals.next() => {}
        }
        tracing::warn!("stopping at once");
        stop.cut.cancel();
        serving.await?
    }

    /// Opens all that a node needs. The database may let it wait.
    async fn start(self) -> anyhow::Result<(Node, Vec<TcpListener>)> {
        let listeners = node::listen(&self.listen.listen).await?;
        let node = Node::open(self.store.settle(None)?, &self.node).await?;
        node.may_be(self.role)?;
        if let (Some(project), Some(key)) = (
            &self.bootstrap.bootstrap_project,
            &self.bootstrap.bootstrap_api_key,
        ) {
            node.bootstrap(project, key).await?;
        }
        let email = self.bootstrap.admin_email.as_deref();
        if let (Some(email), Some(password)) = (
            email.filter(|email| !email.is_empty()),
            &self.bootstrap.admin_password,
        ) {
            node.bootstrap_admin(email, password).await?;
        }
        if self.role != Role::Worker {
            node.tell_first_link().await?;
        }
        for listener in &listeners {
            tracing::info!("listening on http://{}", listener.local_addr()?);
        }
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            role = ?self.role,
            callback = node.engine.callback_url(),
            "ready; the callback URL must be registered with the provider"
        );
        Ok((node, listeners))
    }
}

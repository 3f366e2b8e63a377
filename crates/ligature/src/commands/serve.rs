//! `ligature serve`.

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::config::{BootstrapFlags, ListenFlags, NodeFlags, StoreFlags};
use crate::node::{self, Node};
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

    /// Serves until it is asked to stop.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let listeners = node::listen(&self.listen.listen).await?;
        let node = Node::open(self.store.settle(None)?, &self.node).await?;
        if let (Some(project), Some(key)) = (
            &self.bootstrap.bootstrap_project,
            &self.bootstrap.bootstrap_api_key,
        ) {
            node.bootstrap(project, key).await?;
        }
        let stop = CancellationToken::new();
        for listener in &listeners {
            tracing::info!("listening on http://{}", listener.local_addr()?);
        }
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            callback = node.engine.callback_url(),
            "ready; the callback URL must be registered with the provider"
        );
        let serving = tokio::spawn(node.run(listeners, stop.clone()));
        node::asked_to_stop().await;
        tracing::info!("stopping: no new work, requests under way may end");
        stop.cancel();
        serving.await?
    }
}

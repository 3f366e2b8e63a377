//! `ligature sandbox`: the Bitbucket look-alike on its own.

use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;

use crate::console;
use crate::node;

/// How large the sandbox is and how strict. The demo takes these too.
#[derive(Debug, Clone, Args)]
pub(crate) struct SandboxFlags {
    /// Decides all generated data
    #[arg(long, env = "LIGATURE_SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Repositories in each workspace
    #[arg(long, env = "LIGATURE_REPOSITORIES", default_value_t = 250)]
    pub(crate) repositories: u32,
    /// Projects in each workspace
    #[arg(long, env = "LIGATURE_PROJECTS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) projects: u32,
    /// Calls to /2.0/repositories in a window, for each credential (default: no limit)
    #[arg(long, env = "LIGATURE_RATE_LIMIT", value_name = "CALLS")]
    pub(crate) rate_limit: Option<u32>,
    /// The length of that window
    #[arg(
        long,
        env = "LIGATURE_RATE_WINDOW",
        default_value_t = 3600,
        value_name = "SECONDS"
    )]
    pub(crate) rate_window: u64,
}

impl SandboxFlags {
    /// The sandbox's options, with this callback registered.
    pub(crate) fn options(&self, callback_url: String) -> sandbox::Options {
        sandbox::Options {
            seed: self.seed,
            repositories: self.repositories,
            projects: self.projects,
            rate_limit: self.rate_limit,
            rate_window_seconds: self.rate_window,
            callback_url,
            ..sandbox::Options::default()
        }
    }
}

/// Run a local look-alike of Bitbucket Cloud.
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// The address to listen on
    #[arg(
        long,
        env = "LIGATURE_SANDBOX_LISTEN",
        default_value = "127.0.0.1:7990"
    )]
    listen: SocketAddr,
    /// The one callback URL that is registered for its OAuth consumer
    #[arg(
        long,
        env = "LIGATURE_SANDBOX_CALLBACK_URL",
        default_value = "http://localhost:8080/callbacks/v1/oauth",
        value_name = "URL"
    )]
    callback_url: String,
    #[command(flatten)]
    size: SandboxFlags,
}

impl Sandbox {
    /// Serves until it is asked to stop.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.listen).await?;
        let options = self.size.options(self.callback_url);
        let say = |name: &str, value: &str| console::line(&format!("{name:<16} {value}"));
        let (client, secret) = (options.client_id.clone(), options.client_secret.clone());
        let (token, email, api_token) = (
            options.access_token.clone(),
            options.email.clone(),
            options.api_token.clone(),
        );
        let workspaces = options.workspaces.join(", ");
        let callback = options.callback_url.clone();
        let sandbox = sandbox::start(listener, options)?;
        say("Bitbucket at", &sandbox.url())?;
        say("Workspaces", &workspaces)?;
        say("OAuth client", &format!("{client} / {secret}"))?;
        say("Callback URL", &callback)?;
        say("Access token", &token)?;
        say("API token", &format!("{email} / {api_token}"))?;
        say(
            "Point a server",
            &format!(
                "LIGATURE_BITBUCKET_API_URL={0} LIGATURE_BITBUCKET_OAUTH_URL={0}",
                sandbox.url()
            ),
        )?;
        node::asked_to_stop().await;
        sandbox.stop().await;
        Ok(())
    }
}

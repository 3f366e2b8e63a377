//! The server under test: the product's own program, as an operator starts it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::database::Database;
use crate::machine;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A process under test on the measured core; dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

/// The program of that name beside this one.
///
/// # Errors
/// When it has not been built.
pub fn sibling(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    anyhow::ensure!(
        path.is_file(),
        "{} is missing; build it with the same profile: cargo build --profile bench-fast -p ligature -p bench",
        path.display()
    );
    Ok(path)
}

/// Which program is measured, given or else the one beside this one.
///
/// # Errors
/// As [`sibling`].
pub fn program(given: Option<PathBuf>) -> Result<PathBuf> {
    given.map_or_else(|| sibling("ligature"), Ok)
}

impl Process {
    /// Starts a command on the measured core.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .spawn()
            .context("the process under test cannot be started")?;
        Ok(Self { child })
    }

    /// Starts `ligature serve` on a database, with the provider at `origin`, no
    /// request budget, no cap on messages, and webhooks to this machine allowed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn serve(program: &Path, database: &Database, origin: &str) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        Self::serve_at(program, database, origin, address, &[])
    }

    /// As [`Process::serve`], at an address and with further variables.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn serve_at(
        program: &Path,
        database: &Database,
        origin: &str,
        address: SocketAddr,
        more: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start(Self::command(program, database, origin, address, more))
    }

    /// The command of [`Process::serve_at`], for whoever wants what it prints.
    #[must_use]
    pub fn command(
        program: &Path,
        database: &Database,
        origin: &str,
        address: SocketAddr,
        more: &[(&str, &str)],
    ) -> Command {
        let mut command = machine::measured(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LIGATURE_")) {
            command.env_remove(name);
        }
        command
            .arg("serve")
            .envs(database.environment())
            .env("LIGATURE_LISTEN", address.to_string())
            .env("LIGATURE_BITBUCKET_API_URL", origin)
            .env("LIGATURE_BITBUCKET_OAUTH_URL", origin)
            .env("LIGATURE_BITBUCKET_BUDGET", "0")
            .env("LIGATURE_DELIVERY_RATE", "0")
            .env("LIGATURE_ALLOW_PRIVATE_NETWORKS", "127.0.0.0/8")
            .env("LIGATURE_LOG", "warn")
            .envs(more.iter().copied());
        command
    }

    /// Time that it has spent on its core.
    ///
    /// # Errors
    /// When it is gone.
    pub fn cpu(&self) -> Result<Duration> {
        machine::cpu(self.child.id())
    }

    /// Its memory in bytes, now and at its highest.
    ///
    /// # Errors
    /// When it is gone.
    pub fn memory(&self) -> Result<(u64, u64)> {
        machine::memory(self.child.id())
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        drop(self.child.stdin.take());
        Command::new("kill").args(["-TERM", &id]).status()?;
        let ended = async {
            while self.child.try_wait()?.is_none() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .context("the process under test does not stop")?
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or it must not outlive the measurement.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

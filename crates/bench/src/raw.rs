//! The yardstick: the same requests and the same bytes by the same HTTP client,
//! with nothing understood and nothing kept.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::Args;
use connector::Request;
use outbound::{Credential, Outbound, Settings};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::repositories::Repositories;

/// Records on a page, of which the first is the seam's repeat after the first.
const PAGE: u64 = 100;
/// As long as the server waits for a destination.
const TIME_OUT: Duration = Duration::from_secs(15);

/// What the yardstick does; the measuring program says it.
#[derive(Debug, Clone, Args)]
pub struct Task {
    /// The provider's origin
    #[arg(long)]
    pub origin: String,
    /// Where messages go
    #[arg(long)]
    pub to: String,
    /// Walks at once, each page's messages posted before the next page is asked for; 0 posts only
    #[arg(long)]
    pub walks: u64,
    /// Records of each walk
    #[arg(long)]
    pub records: u64,
    /// Messages in all
    #[arg(long)]
    pub messages: u64,
    /// Bytes of each
    #[arg(long)]
    pub message_bytes: usize,
}

impl Task {
    /// The command that does it, on the measured core.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = crate::machine::measured(program);
        command
            .args(["--origin", &self.origin])
            .args(["--to", &self.to])
            .args(["--walks", &self.walks.to_string()])
            .args(["--records", &self.records.to_string()])
            .args(["--messages", &self.messages.to_string()])
            .args(["--message-bytes", &self.message_bytes.to_string()]);
        command
    }

    /// Does it.
    ///
    /// # Errors
    /// When a request fails.
    pub async fn run(self) -> Result<()> {
        let mut settings = Settings::new(env!("CARGO_PKG_VERSION"));
        settings.allowed_networks = vec!["127.0.0.0/8".parse()?];
        settings.provider_origins = vec![self.origin.clone()];
        let outbound = Outbound::new(&settings)?;
        let task = Arc::new(self);
        let mut running = JoinSet::new();
        if task.walks == 0 {
            // As many at once as the server has.
            let places = Arc::new(Semaphore::new(64));
            let body = Bytes::from(vec![b' '; task.message_bytes]);
            for _ in 0..task.messages {
                let place = Arc::clone(&places).acquire_owned().await?;
                let (task, outbound, body) = (Arc::clone(&task), outbound.clone(), body.clone());
                running.spawn(async move {
                    let posted = task.post(&outbound, body).await;
                    drop(place);
                    posted
                });
            }
        }
        for walk in 0..task.walks {
            let (task, outbound) = (Arc::clone(&task), outbound.clone());
            running.spawn(async move { task.walk(&outbound, walk).await });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn walk(&self, outbound: &Outbound, walk: u64) -> Result<()> {
        let credential = Credential::Bearer(format!("token of group-{walk}").into());
        let pages = self.records.saturating_sub(1).div_ceil(PAGE - 1).max(1);
        let share = self.messages / self.walks;
        let (mut from, mut posted) = (0, 0);
        for page in 1..=pages {
            let filter = if from == 0 {
                String::new()
            } else {
                format!("q=updated_on%20%3E%3D%20{}&", Repositories::filter_of(from))
            };
            let url = format!(
                "{}/2.0/repositories/group-{walk}?{filter}sort=updated_on&pagelen={PAGE}",
                self.origin
            );
            let answer = outbound
                .provider(&self.origin, Some(&credential), &Request::get(url))
                .await?;
            anyhow::ensure!(
                answer.status == 200,
                "the provider answered {}",
                answer.status
            );
            // The page itself, as long as the server's messages are.
            let mut body = answer.body;
            body.resize(self.message_bytes, b' ');
            let body = Bytes::from(body);
            while posted < share * page / pages {
                posted += 1;
                self.post(outbound, body.clone()).await?;
            }
            from += PAGE - 1;
        }
        Ok(())
    }

    async fn post(&self, outbound: &Outbound, body: Bytes) -> Result<()> {
        let answer = outbound.webhook(&self.to, &[], body, TIME_OUT);
        let answer = answer.await.context("a message was not taken")?;
        anyhow::ensure!(
            answer.status == 204,
            "the destination answered {}",
            answer.status
        );
        Ok(())
    }
}

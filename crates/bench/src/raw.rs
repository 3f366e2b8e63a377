//! The yardstick: the same requests and the same bytes by the same HTTP client,
//! with nothing understood and nothing kept. It may also do, step by step, what
//! nobody can spare who is to deliver signed messages and to lose none: that is
//! how near to the yardstick anything could come.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use connector::Request;
use hmac::{Hmac, KeyInit as _, Mac as _};
use outbound::{Credential, Outbound, Settings};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::repositories::Repositories;

/// Records on a page, of which the first is the seam's repeat after the first.
const PAGE: u64 = 100;
/// As long as the server waits for a destination.
const TIME_OUT: Duration = Duration::from_secs(15);

/// How much the yardstick does, each step with those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Steps {
    /// Asks and posts.
    Move,
    /// Signs each message.
    Sign,
    /// Has each message on the disk before it is sent, compressed, and each
    /// acknowledgement after it: a file that is appended to and synced.
    Keep,
    /// Splits each page into its records, and looks at key and time of each.
    Parse,
}

impl Steps {
    /// All but the first.
    pub const MORE: [Self; 3] = [Self::Sign, Self::Keep, Self::Parse];

    /// What it is called on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Sign => "sign",
            Self::Keep => "keep",
            Self::Parse => "parse",
        }
    }
}

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
    /// What it does besides moving bytes
    #[arg(long, value_enum)]
    pub steps: Steps,
    /// The file that messages are kept in
    #[arg(long)]
    pub journal: PathBuf,
}

/// As much of a page as a reader has to know.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    values: Vec<&'a RawValue>,
}

/// As much of a record.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    uuid: Cow<'a, str>,
    #[serde(borrow)]
    updated_on: Cow<'a, str>,
}

/// What a walk needs.
#[derive(Debug, Clone)]
struct Means {
    outbound: Outbound,
    journal: Arc<Mutex<File>>,
}

impl Means {
    /// Appends, and waits for the disk.
    async fn append(&self, bytes: Vec<u8>) -> Result<()> {
        let journal = Arc::clone(&self.journal);
        let append = move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.write_all(&bytes)?;
            journal.sync_data()
        };
        Ok(tokio::task::spawn_blocking(append).await??)
    }
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
            .args(["--message-bytes", &self.message_bytes.to_string()])
            .args(["--steps", self.steps.name(), "--journal"])
            .arg(&self.journal);
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
        let means = Means {
            outbound: Outbound::new(&settings)?,
            journal: Arc::new(Mutex::new(File::create(&self.journal)?)),
        };
        let task = Arc::new(self);
        let mut running = JoinSet::new();
        if task.walks == 0 {
            // As many at once as the server has.
            let places = Arc::new(Semaphore::new(64));
            let body = Bytes::from(vec![b' '; task.message_bytes]);
            for _ in 0..task.messages {
                let place = Arc::clone(&places).acquire_owned().await?;
                let (task, means, body) = (Arc::clone(&task), means.clone(), body.clone());
                running.spawn(async move {
                    let posted = task.post(&means, body).await;
                    drop(place);
                    posted
                });
            }
        }
        for walk in 0..task.walks {
            let (task, means) = (Arc::clone(&task), means.clone());
            running.spawn(async move { task.walk(&means, walk).await });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn walk(&self, means: &Means, walk: u64) -> Result<()> {
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
            let answer = means
                .outbound
                .provider(&self.origin, Some(&credential), &Request::get(url))
                .await?;
            anyhow::ensure!(
                answer.status == 200,
                "the provider answered {}",
                answer.status
            );
            if self.steps >= Steps::Parse {
                let page: Page<'_> = serde_json::from_slice(&answer.body)?;
                for record in page.values {
                    let record: Record<'_> = serde_json::from_str(record.get())?;
                    anyhow::ensure!(
                        !record.uuid.is_empty() && !record.updated_on.is_empty(),
                        "a record without key or time"
                    );
                }
            }
            // The page itself, as long as the server's messages are.
            let mut body = answer.body;
            body.resize(self.message_bytes, b' ');
            if self.steps >= Steps::Keep {
                means.append(store::compressed(&body)?).await?;
            }
            let body = Bytes::from(body);
            while posted < share * page / pages {
                posted += 1;
                self.post(means, body.clone()).await?;
                if self.steps >= Steps::Keep {
                    means.append(b"acknowledged".to_vec()).await?;
                }
            }
            from += PAGE - 1;
        }
        Ok(())
    }

    async fn post(&self, means: &Means, body: Bytes) -> Result<()> {
        let mut headers = Vec::new();
        if self.steps >= Steps::Sign {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"any key of any length")?;
            mac.update(&body);
            let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
            headers.push(("webhook-signature".to_owned(), signature));
        }
        let answer = means.outbound.webhook(&self.to, &headers, body, TIME_OUT);
        let answer = answer.await.context("a message was not taken")?;
        anyhow::ensure!(
            answer.status == 204,
            "the destination answered {}",
            answer.status
        );
        Ok(())
    }
}

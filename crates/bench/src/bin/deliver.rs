//! How many messages a second leave a full outbox; beside a loop that posts the
//! same bytes; and how that grows with ten times the messages to ten times the
//! destinations.
//!
//! ```text
//! cargo build --profile bench-fast -p ligature -p bench
//! target/bench-fast/deliver
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bench::database::{Database, Kind};
use bench::node::{self, Process};
use bench::provider::Provider;
use bench::raw::{Steps, Task};
use bench::receiver::Receiver;
use bench::report::{figure, line};
use bench::repositories::Repositories;
use bench::seed::{Read, Seed};
use bench::{machine, run};
use clap::Parser;
use engine::{Clock as _, SystemClock};
use tokio::time::Instant;

/// Time for the last acknowledgements, after the last message was taken.
const SETTLE: Duration = Duration::from_millis(500);

/// Messages a second out of a full outbox, beside a loop that only posts
#[derive(Debug, Parser)]
struct Deliver {
    /// Where messages are kept
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// Messages; ten times as many are measured next
    #[arg(long, default_value_t = 2_000)]
    messages: usize,
    /// Destinations; ten times as many are measured next
    #[arg(long, default_value_t = 1)]
    destinations: usize,
    /// Records in each message, of 2.7 KB
    #[arg(long, default_value_t = 10)]
    records: u64,
    /// Where the SQLite file is made: on the disk that is to be measured
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// The program to measure (default: `ligature` beside this one)
    #[arg(long)]
    ligature: Option<PathBuf>,
}

/// Messages a second, and time on the core for each.
#[derive(Debug, Clone, Copy)]
struct Measured {
    rate: f64,
    cpu: f64,
    database_cpu: f64,
}

fn main() -> ExitCode {
    let deliver = Deliver::parse();
    run(deliver.run())
}

impl Deliver {
    async fn run(self) -> Result<()> {
        let ligature = node::program(self.ligature.clone())?;
        Database::prepare(self.database)?;
        machine::serve_from_own_core()?;
        let page = Repositories::new(self.records)
            .answer("/2.0/repositories/w?sort=updated_on&pagelen=1000", "")
            .unwrap_or_default();
        let mut body =
            b"{\"resultInfo\":{\"type\":\"inline\",\"numRecords\":1},\"result\":".to_vec();
        body.extend(page);
        body.push(b'}');
        let mut rates = Vec::new();
        for times in [1, 10] {
            let (messages, destinations) = (self.messages * times, self.destinations * times);
            let our = self.serve(&ligature, messages, destinations, &body).await?;
            let raw = self.raw(messages, body.len()).await?;
            line(&format!(
                "{messages} messages of {} bytes to {destinations} destinations: {:.0}/s, {:.0} us CPU each (+ {:.0} us database); \
                 raw loop {:.0}/s, {:.0} us; ratio {:.3}, by CPU {:.3}",
                body.len(),
                our.rate,
                our.cpu * 1e6,
                our.database_cpu * 1e6,
                raw.rate,
                raw.cpu * 1e6,
                our.rate / raw.rate,
                raw.cpu / our.cpu
            ));
            rates.push(our);
        }
        if let [few, many] = rates.as_slice() {
            line(&format!(
                "ten times the work: {:.2} times as long for each message, {:.2} times the CPU",
                few.rate / many.rate,
                many.cpu / few.cpu
            ));
        }
        Ok(())
    }

    async fn serve(
        &self,
        ligature: &Path,
        messages: usize,
        destinations: usize,
        body: &[u8],
    ) -> Result<Measured> {
        let now = SystemClock::default().now();
        let receiver = Receiver::start().await?;
        let provider = Provider::start(Arc::new(Repositories::new(0)), now).await?;
        let database = Database::new(
            self.database,
            &self.directory,
            &format!("deliver{messages}"),
        )?;
        let store = database.open().await?;
        let seed = Seed {
            destinations: (0..destinations)
                .map(|n| format!("{}/{n}", receiver.url))
                .collect(),
            schedule: "",
            now,
        };
        let mut project = seed.project(&store).await?;
        project.install(Read::Backfill).await?;
        project.fill_outbox(messages, body).await?;
        store.close().await;
        let process = Process::serve(ligature, &database, &provider.url)?;
        let measured = measure(&process, &database, &receiver, messages).await?;
        process.stop().await?;
        let store = database.open().await?;
        let overview = store.overview(u32::MAX).await?;
        store.close().await;
        anyhow::ensure!(
            overview.messages_pending == 0,
            "not everything is settled: {overview:?}"
        );
        Ok(measured)
    }

    async fn raw(&self, messages: usize, message_bytes: usize) -> Result<Measured> {
        let receiver = Receiver::start().await?;
        let database = Database::new(Kind::Sqlite, &self.directory, "unused")?;
        let task = Task {
            origin: receiver.url.clone(),
            to: receiver.url.clone(),
            walks: 0,
            records: 0,
            messages: u64::try_from(messages)?,
            message_bytes,
            steps: Steps::Move,
            journal: database.beside("journal"),
        };
        let process = Process::start(task.command(&node::sibling("raw")?))?;
        let measured = measure(&process, &database, &receiver, messages).await?;
        process.stop().await?;
        Ok(measured)
    }
}

/// From the first message taken to the last.
async fn measure(
    process: &Process,
    database: &Database,
    receiver: &Receiver,
    messages: usize,
) -> Result<Measured> {
    let messages = u64::try_from(messages)?;
    let first = receiver.until(|received| received.messages > 0).await?;
    let (cpu, database_cpu, begun) = (process.cpu()?, database.cpu()?, Instant::now());
    receiver
        .until(|received| received.messages >= messages)
        .await?;
    let seconds = begun.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLE).await;
    let timed = figure((messages - first.messages).max(1));
    Ok(Measured {
        rate: timed / seconds,
        cpu: (process.cpu()? - cpu).as_secs_f64() / timed,
        database_cpu: (database.cpu()? - database_cpu).as_secs_f64() / timed,
    })
}

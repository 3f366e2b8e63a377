//! How many records a second go all the way: fetched, committed, signed,
//! delivered and acknowledged; beside a loop that asks for the same pages and
//! posts as many bytes in as many messages, without understanding or keeping
//! anything.
//!
//! Both use the same HTTP client on the same one core; the provider, which serves
//! pages that it rendered beforehand, and the destination, which takes everything,
//! have another. The two take turns, and the medians are compared. Time begins at
//! the provider's first answer and ends with the last message taken. The server's
//! time on its core includes all acknowledgements. Afterwards the store is opened
//! and asked whether everything is settled.
//!
//! Then the loop does more, step by step: signs, keeps each message on the disk
//! until it is acknowledged, splits pages into records. What the last of these
//! takes is what nothing could spare that promises as much.
//!
//! ```text
//! cargo build --profile bench-fast -p ligature -p bench
//! target/bench-fast/throughput
//! target/bench-fast/throughput --database postgres
//! ```
//!
//! On PostgreSQL the database's processes may use both cores; their time is told
//! apart and is not part of the ratio.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bench::database::{Database, Kind};
use bench::node::{self, Process};
use bench::provider::Provider;
use bench::raw::{Steps, Task};
use bench::receiver::{Received, Receiver};
use bench::report::{figure, line, median, megabytes};
use bench::repositories::Repositories;
use bench::seed::{Read, Seed};
use bench::{machine, run};
use clap::Parser;
use engine::{Clock as _, SystemClock};
use tokio::time::Instant;

/// Time for the last acknowledgements, after the last message was taken.
const SETTLE: Duration = Duration::from_millis(500);

/// Records a second from provider to destination, beside a loop that only moves the bytes
#[derive(Debug, Parser)]
struct Throughput {
    /// Where records are kept on their way
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// Backfills at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1000))]
    installations: u64,
    /// Records of each
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=50_000))]
    records: u64,
    /// Measurements of each kind
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Where the SQLite file is made: on the disk that is to be measured
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// The program to measure (default: `ligature` beside this one)
    #[arg(long)]
    ligature: Option<PathBuf>,
}

/// One measurement.
struct Measured {
    /// From the first answer to the last message.
    seconds: f64,
    /// Of the process under test.
    cpu: f64,
    /// Of the database's processes.
    database_cpu: f64,
    /// Most memory in bytes.
    memory: u64,
    received: Received,
}

fn main() -> ExitCode {
    let throughput = Throughput::parse();
    run(throughput.run())
}

impl Throughput {
    async fn run(self) -> Result<()> {
        let ligature = node::program(self.ligature.clone())?;
        Database::prepare(self.database)?;
        machine::serve_from_own_core()?;
        let records = self.installations * self.records;
        let repositories = Arc::new(Repositories::new(self.records));
        line(&format!(
            "{} installations x {} records, {:?}; medians of {}",
            self.installations, self.records, self.database, self.repeat
        ));
        let (mut ours, mut raws) = (Vec::new(), Vec::new());
        let mut more = Steps::MORE.map(|_| Vec::new());
        for turn in 0..self.repeat.max(1) {
            let our = self.serve(turn, &ligature, &repositories).await?;
            show("ligature", &our, records);
            let like = our.received;
            let raw = self.raw(Steps::Move, &repositories, like).await?;
            show("raw loop", &raw, records);
            ours.push(our);
            raws.push(raw);
            for (steps, measured) in Steps::MORE.into_iter().zip(&mut more) {
                let raw = self.raw(steps, &repositories, like).await?;
                show(&format!("raw loop, up to {}", steps.name()), &raw, records);
                measured.push(raw);
            }
        }
        let middle = |all: &[Measured], of: fn(&Measured) -> f64| {
            median(&all.iter().map(of).collect::<Vec<_>>())
        };
        let (our_seconds, raw_seconds) = (
            middle(&ours, |one| one.seconds),
            middle(&raws, |one| one.seconds),
        );
        let (our_cpu, raw_cpu) = (middle(&ours, |one| one.cpu), middle(&raws, |one| one.cpu));
        let each = |seconds: f64| seconds * 1e6 / figure(records);
        line(&format!(
            "records/s: ligature {:.0}, raw loop {:.0}: ratio {:.3}",
            figure(records) / our_seconds,
            figure(records) / raw_seconds,
            raw_seconds / our_seconds
        ));
        line(&format!(
            "CPU/record: ligature {:.2} us, raw loop {:.2} us: ratio {:.3}; database's processes {:.2} us",
            each(our_cpu),
            each(raw_cpu),
            raw_cpu / our_cpu,
            each(middle(&ours, |one| one.database_cpu))
        ));
        for (steps, measured) in Steps::MORE.into_iter().zip(&more) {
            let (seconds, cpu) = (
                middle(measured, |one| one.seconds),
                middle(measured, |one| one.cpu),
            );
            line(&format!(
                "beside a loop up to {}: {:.0} records/s, {:.2} us: ratio {:.3}, by CPU {:.3}",
                steps.name(),
                figure(records) / seconds,
                each(cpu),
                seconds / our_seconds,
                cpu / our_cpu
            ));
        }
        Ok(())
    }

    async fn serve(
        &self,
        turn: usize,
        ligature: &std::path::Path,
        repositories: &Arc<Repositories>,
    ) -> Result<Measured> {
        let now = SystemClock::default().now();
        let receiver = Receiver::start().await?;
        let provider = Provider::start(Arc::clone(repositories), now).await?;
        let database = Database::new(self.database, &self.directory, &format!("turn{turn}"))?;
        let store = database.open().await?;
        let seed = Seed {
            destinations: vec![receiver.url.clone()],
            schedule: "",
            now,
        };
        let mut project = seed.project(&store).await?;
        for _ in 0..self.installations {
            project.install(Read::Backfill).await?;
        }
        store.close().await;
        let process = Process::serve(ligature, &database, &provider.url)?;
        let records = self.installations * self.records;
        let measured = measure(&process, &database, &provider, &receiver, |received| {
            received.records >= records
        })
        .await?;
        process.stop().await?;
        let store = database.open().await?;
        let overview = store.overview(u32::MAX).await?;
        store.close().await;
        anyhow::ensure!(
            overview.messages_pending == 0 && overview.messages_dead == 0,
            "not everything is settled: {overview:?}"
        );
        anyhow::ensure!(
            measured.received.records == records,
            "records came more than once: {:?}",
            measured.received
        );
        Ok(measured)
    }

    async fn raw(
        &self,
        steps: Steps,
        repositories: &Arc<Repositories>,
        like: Received,
    ) -> Result<Measured> {
        let now = SystemClock::default().now();
        let receiver = Receiver::start().await?;
        let provider = Provider::start(Arc::clone(repositories), now).await?;
        let database = Database::new(Kind::Sqlite, &self.directory, "unused")?;
        // So that each walk posts the same, it may be a few more.
        let messages = like.messages.div_ceil(self.installations) * self.installations;
        let task = Task {
            origin: provider.url.clone(),
            to: receiver.url.clone(),
            walks: self.installations,
            records: self.records,
            messages,
            message_bytes: usize::try_from(like.bytes / like.messages.max(1))?,
            steps,
            journal: database.beside("journal"),
        };
        let process = Process::start(task.command(&node::sibling("raw")?))?;
        let measured = measure(&process, &database, &provider, &receiver, |received| {
            received.messages >= messages
        })
        .await?;
        process.stop().await?;
        Ok(measured)
    }
}

/// Lets the provider answer, and waits until enough has come.
async fn measure(
    process: &Process,
    database: &Database,
    provider: &Provider,
    receiver: &Receiver,
    enough: impl FnMut(&Received) -> bool,
) -> Result<Measured> {
    provider.asked(1).await?;
    let (cpu, database_cpu, begun) = (process.cpu()?, database.cpu()?, Instant::now());
    provider.open();
    receiver.until(enough).await?;
    let seconds = begun.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLE).await;
    Ok(Measured {
        seconds,
        cpu: (process.cpu()? - cpu).as_secs_f64(),
        database_cpu: (database.cpu()? - database_cpu).as_secs_f64(),
        memory: process.memory()?.1,
        received: receiver.received(),
    })
}

fn show(name: &str, one: &Measured, records: u64) {
    line(&format!(
        "  {name}: {:.2} s, {:.0} records/s, {:.2} s CPU (+ {:.2} s database), {} messages, {:.0} MB posted, {:.0} MB memory",
        one.seconds,
        figure(records) / one.seconds,
        one.cpu,
        one.database_cpu,
        one.received.messages,
        megabytes(one.received.bytes),
        megabytes(one.memory),
    ));
}

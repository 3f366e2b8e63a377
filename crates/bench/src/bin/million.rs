//! Whether size matters: a million repositories through one installation, with
//! memory, the outbox and the time watched for each hundred thousand.
//!
//! The provider makes its pages as they are asked for. How many records have been
//! asked for and not yet arrived bounds what lies in the outbox.
//!
//! ```text
//! cargo build --profile bench-fast -p ligature -p bench
//! target/bench-fast/million
//! target/bench-fast/million --records 200000    # a glance
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use bench::database::{Database, Kind};
use bench::node::{self, Process};
use bench::provider::Provider;
use bench::receiver::Receiver;
use bench::report::{figure, line, megabytes};
use bench::repositories::Repositories;
use bench::seed::{Read, Seed};
use bench::{machine, run};
use clap::Parser;
use engine::{Clock as _, SystemClock};
use tokio::time::Instant;

/// New records of a page after the first: one repeats the seam.
const NEW_ON_A_PAGE: u64 = 99;
/// Samples in all.
const SAMPLES: u64 = 10;

/// Memory, outbox and time of one very long backfill
#[derive(Debug, Parser)]
struct Million {
    /// Where records are kept on their way
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// Records in all; a tenth of them is a sample
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Where the SQLite file is made
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// The program to measure (default: `ligature` beside this one)
    #[arg(long)]
    ligature: Option<PathBuf>,
}

fn main() -> ExitCode {
    let million = Million::parse();
    run(million.run())
}

impl Million {
    async fn run(self) -> Result<()> {
        let ligature = node::program(self.ligature.clone())?;
        Database::prepare(self.database)?;
        machine::serve_from_own_core()?;
        let now = SystemClock::default().now();
        let receiver = Receiver::start().await?;
        let provider = Provider::start(Arc::new(Repositories::new(self.records)), now).await?;
        let database = Database::new(self.database, &self.directory, "million")?;
        let store = database.open().await?;
        let seed = Seed {
            destinations: vec![receiver.url.clone()],
            schedule: "",
            now,
        };
        let mut project = seed.project(&store).await?;
        project.install(Read::Backfill).await?;
        store.close().await;
        let process = Process::serve(&ligature, &database, &provider.url)?;
        provider.asked(1).await?;
        provider.open();
        let (mut seconds, mut resident) = (Vec::new(), Vec::new());
        let mut before = process.cpu()?;
        for sample in 1..=SAMPLES {
            let (begun, until) = (Instant::now(), self.records * sample / SAMPLES);
            receiver.until(|received| received.records >= until).await?;
            let took = begun.elapsed().as_secs_f64();
            let (memory, highest) = process.memory()?;
            let cpu = process.cpu()?;
            let read = (provider.requests() * NEW_ON_A_PAGE).min(self.records);
            line(&format!(
                "{until} records: {took:.2} s and {:.2} s CPU for these, {:.1} MB (highest {:.1}), at most {} records on their way, {:.0} MB of database",
                (cpu - before).as_secs_f64(),
                megabytes(memory),
                megabytes(highest),
                read.saturating_sub(receiver.received().records),
                megabytes(database.bytes())
            ));
            before = cpu;
            seconds.push(took);
            resident.push(figure(memory));
        }
        process.stop().await?;
        let store = database.open().await?;
        let overview = store.overview(u32::MAX).await?;
        store.close().await;
        anyhow::ensure!(
            overview.messages_pending == 0 && receiver.received().records == self.records,
            "not everything arrived once: {overview:?}"
        );
        // The first sample holds the start.
        let growth = |all: &[f64]| {
            all.last()
                .zip(all.get(1))
                .map_or(1.0, |(last, first)| last / first)
        };
        line(&format!(
            "last sample beside the second: {:.2} times the time, {:.2} times the memory",
            growth(&seconds),
            growth(&resident)
        ));
        Ok(())
    }
}

//! What it costs to have many customers on a schedule: time on a core for each
//! second in which nothing is due, and for each tick that is; and how both grow
//! with ten times the customers.
//!
//! Of all installations some are due when the server starts, the others a day
//! later. Those that are due read what has changed, which is nothing: a request
//! and a commit that plans the next tick.
//!
//! ```text
//! cargo build --profile bench-fast -p ligature -p bench
//! target/bench-fast/scheduler
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bench::database::{Database, Kind};
use bench::node::{self, Process};
use bench::provider::Provider;
use bench::report::{figure, line};
use bench::repositories::Repositories;
use bench::seed::{Read, Seed};
use bench::{machine, run};
use clap::Parser;
use engine::{Clock as _, SystemClock};
use jiff::SignedDuration;

/// Time for the last commits, after the last request.
const SETTLE: Duration = Duration::from_secs(1);

/// The cost of schedules: each second with nothing due, and each tick
#[derive(Debug, Parser)]
struct Scheduler {
    /// Where they are kept
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// Installations; a tenth of them is measured first
    #[arg(long, default_value_t = 100_000)]
    installations: u64,
    /// How many are due at the start
    #[arg(long, default_value_t = 2_000)]
    due: u64,
    /// Seconds that the server is watched while nothing is due
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Where the SQLite file is made; no disk is measured here
    #[arg(long, default_value = "/dev/shm")]
    directory: PathBuf,
    /// The program to measure (default: `ligature` beside this one)
    #[arg(long)]
    ligature: Option<PathBuf>,
}

/// Time on cores, of the server and of its database.
#[derive(Debug, Clone, Copy)]
struct Cost {
    each_tick: f64,
    each_second: f64,
}

fn main() -> ExitCode {
    let scheduler = Scheduler::parse();
    run(scheduler.run())
}

impl Scheduler {
    async fn run(self) -> Result<()> {
        let ligature = node::program(self.ligature.clone())?;
        Database::prepare(self.database)?;
        machine::serve_from_own_core()?;
        let few = self.cost(&ligature, self.installations / 10).await?;
        let many = self.cost(&ligature, self.installations).await?;
        line(&format!(
            "ten times the installations: a tick costs {:.2} times, a second with nothing due {:.2} times",
            many.each_tick / few.each_tick,
            many.each_second / few.each_second
        ));
        Ok(())
    }

    async fn cost(&self, ligature: &std::path::Path, installations: u64) -> Result<Cost> {
        let now = SystemClock::default().now();
        let provider = Provider::start(Arc::new(Repositories::new(0)), now).await?;
        let name = format!("schedule{installations}");
        let database = Database::new(self.database, &self.directory, &name)?;
        let store = database.open().await?;
        let seed = Seed {
            destinations: vec!["http://127.0.0.1:9/hook".to_owned()],
            schedule: "0 3 * * *",
            now,
        };
        let mut project = seed.project(&store).await?;
        let due = self.due.min(installations);
        // Spread over the table, as they are in life.
        let every = (installations / due.max(1)).max(1);
        for n in 0..installations {
            let is_due = n % every == 0 && n / every < due;
            let wait = SignedDuration::from_hours(if is_due { 0 } else { 24 });
            let read = Read::Scheduled {
                due_at: now + wait,
                watermark: now,
            };
            project.install(read).await?;
        }
        store.close().await;
        let process = Process::serve(ligature, &database, &provider.url)?;
        let spent = || anyhow::Ok((process.cpu()? + database.cpu()?).as_secs_f64());
        provider.asked(1).await?;
        let before = spent()?;
        provider.open();
        provider.asked(due).await?;
        tokio::time::sleep(SETTLE).await;
        let ticked = spent()?;
        tokio::time::sleep(Duration::from_secs(self.seconds.max(1))).await;
        let rested = spent()?;
        process.stop().await?;
        anyhow::ensure!(provider.requests() == due, "something else was due");
        let cost = Cost {
            each_tick: (ticked - before) / figure(due),
            each_second: (rested - ticked) / figure(self.seconds.max(1)),
        };
        line(&format!(
            "{installations} installations: {:.3} ms CPU each tick (of {due}), {:.2} ms each second with nothing due",
            cost.each_tick * 1e3,
            cost.each_second * 1e3
        ));
        Ok(cost)
    }
}

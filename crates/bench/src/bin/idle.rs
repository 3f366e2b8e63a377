//! How much memory the server takes for customers from whom nothing is due.
//!
//! A server is started on stores of none, ten thousand and twenty thousand
//! installations, each with a connection, a schedule and its next read a day
//! ahead, and left alone for some seconds. What matters is how its memory grows,
//! in bytes for each 10,000.
//!
//! ```text
//! cargo build --profile bench-fast -p ligature -p bench
//! target/bench-fast/idle
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bench::database::{Database, Kind};
use bench::node::{self, Process};
use bench::provider::Provider;
use bench::report::{figure, line, median, megabytes};
use bench::repositories::Repositories;
use bench::seed::{Read, Seed};
use bench::{machine, run};
use clap::Parser;
use engine::{Clock as _, SystemClock};
use jiff::SignedDuration;

/// Memory for idle installations
#[derive(Debug, Parser)]
struct Idle {
    /// Where they are kept
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// One step; memory is taken at none, one step and two
    #[arg(long, default_value_t = 10_000)]
    step: u64,
    /// Seconds that the server is watched
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Where the SQLite file is made; no disk is measured here
    #[arg(long, default_value = "/dev/shm")]
    directory: PathBuf,
    /// The program to measure (default: `ligature` beside this one)
    #[arg(long)]
    ligature: Option<PathBuf>,
}

fn main() -> ExitCode {
    let idle = Idle::parse();
    run(idle.run())
}

impl Idle {
    async fn run(self) -> Result<()> {
        let ligature = node::program(self.ligature.clone())?;
        Database::prepare(self.database)?;
        machine::serve_from_own_core()?;
        let mut memory = Vec::new();
        for steps in 0..3 {
            let installations = steps * self.step;
            let resident = self.resident(&ligature, installations).await?;
            line(&format!(
                "{installations} installations: {:.1} MB",
                resident / 1e6
            ));
            memory.push(resident);
        }
        if let [none, _, twice] = memory.as_slice() {
            let grown = (twice - none) / figure(2 * self.step) * 10_000.0;
            line(&format!("each 10,000 more: {grown:.0} bytes"));
        }
        Ok(())
    }

    async fn resident(&self, ligature: &std::path::Path, installations: u64) -> Result<f64> {
        let now = SystemClock::default().now();
        let provider = Provider::start(Arc::new(Repositories::new(0)), now).await?;
        let name = format!("idle{installations}");
        let database = Database::new(self.database, &self.directory, &name)?;
        let store = database.open().await?;
        let seed = Seed {
            destinations: vec!["http://127.0.0.1:9/hook".to_owned()],
            schedule: "0 3 * * *",
            now,
        };
        let mut project = seed.project(&store).await?;
        let read = Read::Scheduled {
            due_at: now + SignedDuration::from_hours(24),
            watermark: now,
        };
        for _ in 0..installations {
            project.install(read).await?;
        }
        store.close().await;
        let process = Process::serve(ligature, &database, &provider.url)?;
        let mut seen = Vec::new();
        for _ in 0..self.seconds.max(1) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            seen.push(figure(process.memory()?.0));
        }
        line(&format!(
            "  at its highest {:.1} MB",
            megabytes(process.memory()?.1)
        ));
        process.stop().await?;
        anyhow::ensure!(provider.requests() == 0, "something was due");
        // The start-up is over in the second half.
        let settled = seen.split_off(seen.len() / 2);
        Ok(median(&settled))
    }
}

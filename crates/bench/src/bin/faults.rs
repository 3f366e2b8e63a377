//! Simulations from seeds, by the thousand: how long they took, and each seed that
//! found something, with what went wrong before it.

#![allow(clippy::print_stdout, reason = "the result is the point")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use simulation::seeded::{self, Database, Outcome};

#[derive(Debug, Clone, Copy, ValueEnum)]
enum On {
    Sqlite,
    Postgres,
}

/// Simulate failures at every boundary, and check that nothing is lost
#[derive(Debug, Parser)]
struct Faults {
    /// How many seeds, from --first on
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// This seed alone, with everything that went wrong
    #[arg(long)]
    seed: Option<u64>,
    /// The database
    #[arg(long, value_enum, default_value = "sqlite")]
    database: On,
    /// Simulations at once
    #[arg(long, default_value_t = 2)]
    jobs: u64,
}

fn main() -> anyhow::Result<()> {
    let faults = Faults::parse();
    let database = match faults.database {
        On::Sqlite => Database::Sqlite,
        On::Postgres => Database::Postgres,
    };
    let (first, count) = match faults.seed {
        Some(seed) => (seed, 1),
        None => (faults.first, faults.seeds),
    };
    let begun = Instant::now();
    let next = Arc::new(AtomicU64::new(first));
    let outcomes: Arc<Mutex<Vec<Outcome>>> = Arc::default();
    let threads: Vec<_> = (0..faults.jobs.max(1))
        .map(|_| {
            let (next, outcomes) = (Arc::clone(&next), Arc::clone(&outcomes));
            std::thread::spawn(move || work(database, &next, first + count, &outcomes))
        })
        .collect();
    for thread in threads {
        thread
            .join()
            .map_err(|_| anyhow::anyhow!("a simulation panicked"))??;
    }
    let outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    report(
        &outcomes,
        faults.seed.is_some(),
        begun.elapsed().as_secs_f64(),
    );
    let failed = outcomes.iter().filter(|o| o.failure.is_some()).count();
    anyhow::ensure!(failed == 0, "{failed} seeds found something");
    Ok(())
}

fn work(
    database: Database,
    next: &AtomicU64,
    end: u64,
    outcomes: &Mutex<Vec<Outcome>>,
) -> anyhow::Result<()> {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let outcome = runtime
            .block_on(seeded::run(seed, database))?
            .ok_or_else(|| anyhow::anyhow!("PostgreSQL is not installed"))?;
        outcomes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(outcome);
    }
}

fn report(outcomes: &[Outcome], in_full: bool, seconds: f64) {
    for outcome in outcomes {
        if let Some(failure) = &outcome.failure {
            println!("seed {}: {failure}", outcome.seed);
        }
        if in_full || outcome.failure.is_some() {
            for fault in &outcome.faults {
                println!("    {fault}");
            }
        }
    }
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let faults = sum(|o| u64::try_from(o.faults.len()).unwrap_or(u64::MAX));
    let slowest = outcomes.iter().map(|o| o.took).max().unwrap_or_default();
    let failed = outcomes.iter().filter(|o| o.failure.is_some()).count();
    println!(
        "{} seeds in {seconds:.1} s (slowest {:.2} s): {faults} faults, {} checks, {} messages delivered again, \
         {} refused refresh tokens, {failed} seeds found something",
        outcomes.len(),
        slowest.as_secs_f64(),
        sum(|o| o.looks.into()),
        sum(|o| o.duplicates.into()),
        sum(|o| o.refusals.into()),
    );
}

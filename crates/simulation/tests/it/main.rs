//! Fifty seeds on each database; the command `faults` of crates/bench runs more.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::time::Duration;

use simulation::seeded::{self, Database, Outcome};
use tokio::runtime::Builder;
use tokio::time::timeout;

const SEEDS: u64 = 50;
/// Longer than any seed has ever taken, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// One after the other: a simulation keeps a processor busy, and there is one
/// test for each database.
fn hold(database: Database) {
    for seed in 0..SEEDS {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let run = async { timeout(PATIENCE, seeded::run(seed, database)).await };
        let run = runtime.block_on(run);
        assert!(run.is_ok(), "seed {seed} does not end");
        match run.unwrap().unwrap() {
            Some(outcome) => found_nothing(&outcome),
            None => return,
        }
    }
}

fn found_nothing(outcome: &Outcome) {
    let faults = outcome.faults.join("\n  ");
    assert!(
        outcome.failure.is_none(),
        "seed {}: {:?}\n  {faults}",
        outcome.seed,
        outcome.failure
    );
}

#[test]
fn nothing_is_lost_on_sqlite_whatever_goes_wrong() {
    hold(Database::Sqlite);
}

#[test]
fn nothing_is_lost_on_postgres_whatever_goes_wrong() {
    hold(Database::Postgres);
}

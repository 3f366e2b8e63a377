//! Fifty seeds on each database; the command `faults` of crates/bench runs more.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::sync::atomic::{AtomicU64, Ordering};

use simulation::seeded::{self, Database, Outcome};
use tokio::runtime::Builder;

const SEEDS: u64 = 50;
/// A simulation mostly waits for disks and sockets.
const AT_ONCE: usize = 4;

fn hold(database: Database) {
    let next = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                while let seed @ 0..SEEDS = next.fetch_add(1, Ordering::Relaxed) {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    match runtime.block_on(seeded::run(seed, database)).unwrap() {
                        Some(outcome) => found_nothing(&outcome),
                        None => return,
                    }
                }
            });
        }
    });
}

fn found_nothing(outcome: &Outcome) {
    let faults = outcome.faults.join("\n  ");
    assert!(
        outcome.failure.is_none(),
        "{:?}\n  {faults}",
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

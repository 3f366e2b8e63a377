//! Fifty seeds on each database; the command `faults` of crates/bench runs more.

use simulation::seeded::{self, Database};

const SEEDS: u64 = 50;

async fn hold(database: Database) {
    for seed in 0..SEEDS {
        let Some(outcome) = seeded::run(seed, database).await.unwrap() else {
            return;
        };
        let failure = outcome.failure.unwrap_or_default();
        let faults = outcome.faults.join("\n  ");
        assert!(failure.is_empty(), "seed {seed}: {failure}\n  {faults}");
    }
}

#[tokio::test]
async fn nothing_is_lost_on_sqlite_whatever_goes_wrong() {
    hold(Database::Sqlite).await;
}

#[tokio::test]
async fn nothing_is_lost_on_postgres_whatever_goes_wrong() {
    hold(Database::Postgres).await;
}

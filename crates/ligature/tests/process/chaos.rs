//! Three nodes on one PostgreSQL, killed and frozen at random; the command `chaos`
//! of crates/bench does it for longer and with more.

use std::path::PathBuf;
use std::time::Duration;

use simulation::chaos::{self, Plan};

use crate::api::PATIENCE;

#[allow(clippy::print_stdout, reason = "the figures are worth a look")]
#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_that_are_killed_and_frozen_lose_nothing() {
    let Some(database_url) = chaos::database("chaos").await else {
        return;
    };
    let ledger = chaos::run(Plan {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_ligature")),
        database_url,
        nodes: 3,
        installations: 5,
        repositories: 150,
        chaos_for: Duration::from_secs(30),
        settle_within: PATIENCE,
        seed: 1,
    })
    .await
    .unwrap();
    println!("{}", ledger.table());
    assert!(ledger.kills + ledger.freezes > 0, "{ledger:?}");
    assert!(
        ledger.is_clean(),
        "{:?}\n{}",
        ledger.missing,
        ledger.table()
    );
}

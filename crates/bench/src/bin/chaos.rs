//! Nodes killed and frozen at random on one PostgreSQL, and the ledger of what
//! came of it. Wants the binary beside it: `cargo build --release -p ligature -p bench`.

#![allow(clippy::print_stdout, reason = "the result is the point")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use simulation::chaos::{self, Plan};

/// Kill and freeze nodes at random, then account for every record
#[derive(Debug, Parser)]
struct Chaos {
    /// How long
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Customers, each with two objects
    #[arg(long, default_value_t = 50)]
    installations: u32,
    /// Repositories that each of them reads
    #[arg(long, default_value_t = 250)]
    repositories: u32,
    /// Nodes
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Decides what happens to whom
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The binary (default: `ligature` beside this program)
    #[arg(long)]
    binary: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let chaos = Chaos::parse();
    let beside = std::env::current_exe()?.with_file_name("ligature");
    let database_url = chaos::database("chaos")
        .await
        .context("PostgreSQL is not installed")?;
    let ledger = chaos::run(Plan {
        binary: chaos.binary.unwrap_or(beside),
        database_url,
        nodes: chaos.nodes,
        installations: chaos.installations,
        repositories: chaos.repositories,
        chaos_for: Duration::from_secs_f64(chaos.minutes * 60.0),
        settle_within: Duration::from_secs(300),
        seed: chaos.seed,
    })
    .await?;
    println!("{}", ledger.table());
    for missing in ledger.missing.iter().take(20) {
        println!("missing: {missing}");
    }
    anyhow::ensure!(ledger.is_clean(), "something was lost");
    Ok(())
}

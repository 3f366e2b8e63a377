//! The yardstick of `throughput` and `deliver`, which start it; see `bench::raw`.
//! When it is done it waits to be ended, so that its time can be read.

use std::process::ExitCode;

use anyhow::Result;
use bench::raw::Task;
use clap::Parser;

/// The server's own allocator, so that only the work differs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Requests and bytes with nothing understood; started by `throughput` and `deliver`
#[derive(Debug, Parser)]
struct Raw {
    #[command(flatten)]
    task: Task,
}

fn main() -> ExitCode {
    let raw = Raw::parse();
    bench::run_as_the_server_does(async {
        raw.task.run().await?;
        wait_to_be_ended().await
    })
}

async fn wait_to_be_ended() -> Result<()> {
    let until_closed = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    tokio::task::spawn_blocking(until_closed).await??;
    Ok(())
}

//! What the programs in `src/bin` share: a provider and a destination that cost
//! next to nothing, a store filled without a customer, the server under test as
//! a child process, and what `/proc` says of it.
//!
//! What always holds:
//! - Every figure stands beside a yardstick that was measured in the same run, on
//!   the same machine, so ratios can be compared where absolute figures cannot.
//! - The system under test has one core, and everything that serves it another.
//! - Nothing but loopback is reached, and without further flags a program ends
//!   within minutes.
//! - What was measured is checked: every record arrived, every message is settled.

pub mod browser;
pub mod database;
pub mod load;
pub mod machine;
pub mod node;
pub mod provider;
pub mod raw;
pub mod receiver;
pub mod report;
pub mod repositories;
pub mod responder;
pub mod seed;
mod wire;

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Builder;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Runs a program on one thread, so that the provider and the destination have
/// one core to themselves and nothing more.
pub fn run<F: Future<Output = anyhow::Result<()>>>(program: F) -> ExitCode {
    run_on(&mut Builder::new_current_thread(), program)
}

/// Runs a program on the runtime that the server has.
pub fn run_as_the_server_does<F: Future<Output = anyhow::Result<()>>>(program: F) -> ExitCode {
    run_on(&mut Builder::new_multi_thread(), program)
}

fn run_on<F: Future<Output = anyhow::Result<()>>>(runtime: &mut Builder, program: F) -> ExitCode {
    let outcome = match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(program),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            ExitCode::FAILURE
        }
    }
}

//! A strict local look-alike of Bitbucket Cloud: REST 2.0 and OAuth on one listener.
//!
//! It exists so that everything can be tried and tested without an account, and so that a
//! connector meets the behaviour that hurts in production: tokens that rotate, pages that end
//! without `next`, plain-text 429s, `detail` that is an object, timestamps without a fraction.
//! It shares no code with any other crate of this project; otherwise an assumption made twice
//! would confirm itself.
//!
//! What always holds:
//! - Data is a pure function of the seed, the sizes and the changes asked for since the start.
//! - Where the documentation is silent the stricter behaviour is chosen, and a comment says so.
//! - What Bitbucket refuses is refused here: there is no lenient mode.
//! - Time comes from [`Clock`], which can be moved.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7990").await?;
//! let sandbox = sandbox::start(listener, sandbox::Options::default())?;
//! println!("{}", sandbox.url());
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Run-time control (latency, faults, barriers, changes of data) is described in [`control`].
//!
//! Reference: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>

mod api;
mod app;
mod bbql;
mod clock;
mod connection;
pub mod control;
mod data;
mod fields;
mod guard;
mod interference;
mod limits;
mod oauth;
mod options;
mod origin;
mod paging;
mod parameters;
mod refusal;
mod serve;
mod stats;

#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use options::Options;
pub use serve::{Running, router, start};

//! Whole nodes made to fail, and the proof that nothing is lost.
//!
//! [`seeded`] runs real engines on a real store, with the sandbox as the provider
//! and a receiver of its own, on a clock that it drives; a seed decides what goes
//! wrong and when. It holds, whatever happens:
//!
//! - each record that the provider has is delivered at least once, in the version
//!   that it has at the end;
//! - no watermark is ever ahead of what is in the outbox;
//! - what counts as delivered was taken by the receiver, and is not forged;
//! - no pair of tokens is lost: a connection works, or the provider refused it;
//! - no run is stuck.
//!
//! [`chaos`] kills and freezes processes of the binary, and compares at the end
//! what the provider has with what the receiver took and did not find forged.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "only tests and measurements use this, and they fail by panicking"
)]

pub mod chaos;
mod clock;
mod node;
mod provider;
mod receiver;
pub mod seeded;
mod setup;

pub use clock::SimulatedClock;
pub use receiver::{Answer, Inbox, Receiver, Taken};

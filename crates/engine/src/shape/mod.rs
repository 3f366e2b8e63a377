//! From a provider's records to messages: which fields, under which names, in
//! how many messages. Pure, and done before anything is committed, so names and
//! times belong to the read and never change over retries.

mod config;
mod message;
mod record;
mod selection;
#[cfg(test)]
mod tests;

pub(crate) use config::completed;
pub use config::{InstallationConfig, ReadConfig, ReadObjectConfig};
pub(crate) use message::{Envelope, messages};
pub(crate) use record::ShapedRecord;
pub use record::pick;
pub(crate) use selection::{Selection, chosen, definition};

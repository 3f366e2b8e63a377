//! From a provider's records to messages: which fields, under which names, in
//! how many messages. Pure, and done before anything is committed, so names and
//! times belong to the read and never change over retries.

mod config;
mod filter;
mod message;
mod record;
mod reverse;
mod selection;
#[cfg(test)]
mod tests;
mod wanted;

pub(crate) use config::completed;
pub use config::{
    BackfillConfig, DynamicMapping, InstallationConfig, ReadConfig, ReadFilter, ReadObjectConfig,
};
pub(crate) use filter::FieldFilter;
pub(crate) use message::{Envelope, messages};
pub use record::pick;
pub(crate) use record::{ShapedRecord, lacking};
pub(crate) use reverse::{Reverse, at, put, take};
pub use selection::sends;
pub(crate) use selection::{Selection, chosen, definition};
pub(crate) use wanted::Wanted;

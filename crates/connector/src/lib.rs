//! The contract every provider implements, and nothing else.
//!
//! A provider is a table and a pure machine. [`Connector::describe`] is the
//! table: who the provider is, how consent is asked for, which requests share a
//! limit, which objects exist. The machine reads one object, or writes one record:
//! [`Connector::start`] makes a [`State`], [`Connector::step`] says which request
//! comes next, [`Connector::advance`] says what the answer means.
//!
//! What always holds: a connector does no I/O, reads no clock, has no randomness
//! and never sees a credential. Its state is small and serialisable, so a read
//! that was cut off anywhere goes on from its last committed state. A write is a
//! few steps that are never stored: cut off, it is taken from its beginning, and
//! its state holds the record that is written.

mod describe;
mod exchange;
mod failure;
mod filter;
mod members;
mod outcome;
mod write;

use std::fmt;

pub use describe::{
    ClientSetup, Description, Field, Filterable, Filtering, Input, OAuth, Object, OwnCredential,
    OwnCredentialKind, Passage, Permission, Proxy, Removed, ResourceGroup, SetupPart, SetupStep,
    ValueType,
};
pub use exchange::{Body, Method, Part, Request, Response};
pub use failure::Failure;
pub use filter::{Filter, FilterValue};
pub use members::{Members, member, members, members_of};
pub use outcome::{Outcome, Page, Record, Trace, Written};
pub use write::{WriteAction, WriteIntent};

/// What is wanted from a provider.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Read an object from its beginning, or what changed since a time.
    Read(ReadIntent),
    /// Find those records of an object that fulfil conditions.
    Search(SearchIntent),
    /// Write one record, or look at one.
    Write(WriteIntent),
}

/// One search of one object. Its pages are those of the provider, and every record
/// of them fulfils every condition as the provider sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchIntent {
    /// The provider's name of the object.
    pub object: String,
    /// The connection's values for [`Description::inputs`].
    pub inputs: std::collections::BTreeMap<String, String>,
    /// What a record must be like. The provider checks each of them; a search that
    /// it cannot check is refused by [`Connector::start`], which says why by field.
    pub filters: Vec<Filter>,
}

/// One read of one object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadIntent {
    /// The provider's name of the object, such as `repositories`.
    pub object: String,
    /// The connection's values for [`Description::inputs`], such as `workspace`.
    pub inputs: std::collections::BTreeMap<String, String>,
    /// Only records changed at or after this time. Objects that the provider
    /// cannot filter are read whole: see [`Object::filtering`].
    pub since: Option<jiff::Timestamp>,
    /// Only records changed before this time, as far as the provider can tell
    /// them apart: a few more may come, and none less.
    pub until: Option<jiff::Timestamp>,
    /// Only records that fulfil all of these. A provider that cannot filter by
    /// one of them brings the others too, so whoever asks looks for himself.
    pub filters: Vec<Filter>,
    /// Records in a page, where fewer are wanted than the object's own number.
    pub page_size: Option<u32>,
}

/// Where a machine stands: opaque to everyone but the connector that made it,
/// small, and safe to store and to hand to another process of the same or a
/// newer version.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct State(String);

impl State {
    /// Packs a connector's own state.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when the value has no JSON form.
    pub fn pack<T: serde::Serialize>(value: &T) -> Result<Self, Failure> {
        serde_json::to_string(value)
            .map(Self)
            .map_err(|e| Failure::Protocol {
                message: format!("state cannot be stored: {e}"),
            })
    }

    /// Unpacks what [`State::pack`] packed.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when the text is not this connector's state.
    pub fn unpack<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.0).map_err(|e| Failure::Protocol {
            message: format!("stored position is unreadable: {e}"),
        })
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a stored form back; [`State::unpack`] finds out whether it is sound.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({})", self.0)
    }
}

/// A provider: its description and its machine.
pub trait Connector: fmt::Debug + Send + Sync {
    /// Who the provider is and what it offers.
    fn describe(&self) -> &Description;

    /// The first state of a read, a search or a write.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an unknown object, a missing input, a condition of
    /// a search that the provider cannot check, or a record that cannot be sent.
    fn start(&self, intent: &Intent) -> Result<State, Failure>;

    /// The request that `state` asks for.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when the state is not one of this connector's.
    fn step(&self, state: &State) -> Result<Request, Failure>;

    /// What the answer to [`Connector::step`]'s request means.
    fn advance(&self, state: &State, response: &Response) -> Outcome;
}

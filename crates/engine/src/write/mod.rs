//! Writing: one record at a time through the connector's machine, for whoever waits
//! for the answer and for whoever does not.
//!
//! What always holds: a record is marked as sent before it is, and what came of it
//! is committed when its answer is here. A create whose answer was lost is looked
//! for before it is sent again, and is never sent again where nobody can tell.
//! Changes and deletions may be repeated: they lead to the same end.

mod direct;
mod machine;
mod payload;
mod settings;
mod sync;
mod turn;
mod words;

pub use direct::{DirectWrite, DirectWriteError};
pub(crate) use payload::{Action, Payload};
pub(crate) use settings::{ObjectSettings, Writing};
pub(crate) use sync::{Done, SyncWrite};
pub(crate) use turn::Writer;

//! What an answer means to the engine.

use serde_json::value::RawValue;

use crate::{Failure, State};

/// The meaning of one answer.
#[derive(Debug)]
pub enum Outcome {
    /// Records, to be committed together with `next`.
    Page(Page),
    /// What was to be written is written, or what was to be looked at is here.
    Written(Written),
    /// What became of a create whose answer was lost.
    Traced(Trace),
    /// Nothing to commit yet: take another step from this state.
    Again(State),
    /// The request failed. The state it was made from stays good.
    Failed(Failure),
}

/// A record after a write.
#[derive(Debug)]
pub struct Written {
    /// What a later update or delete names it by.
    pub id: String,
    /// The record as the provider has it now, in its own bytes; none after a delete.
    pub record: Option<Box<RawValue>>,
}

/// What may have come of a create whose answer was lost.
#[derive(Debug)]
pub enum Trace {
    /// There is nothing of it: it may be sent again.
    Absent,
    /// Records that are as it would have made them, since it was sent. Where the
    /// provider tells records apart by what was sent it is one; elsewhere equal
    /// creates leave equal records, oldest first.
    Present(Vec<Written>),
    /// The provider has no way to tell.
    Unknown {
        /// Why, in words for the builder.
        why: String,
    },
}

/// A page of a read.
#[derive(Debug)]
pub struct Page {
    /// The records, in the provider's order.
    pub records: Vec<Record>,
    /// Where to go on; `None` when the read is complete.
    pub next: Option<State>,
    /// How many records the provider says there are in all.
    pub estimated_total: Option<u64>,
    /// For objects that are filtered by time: from when on the next read must
    /// ask, if this page turns out to be the last one.
    pub watermark: Option<jiff::Timestamp>,
    /// What a builder should know, for the operation's log. A part of the
    /// collection that turned out not to be there, where the rest is, is a page
    /// without records and a note of what was skipped and why.
    pub notes: Vec<String>,
}

/// One record.
#[derive(Debug)]
pub struct Record {
    /// What identifies it within its object and connection.
    pub key: String,
    /// Changes when the record changes: its time of change where it has one, as
    /// RFC 3339 in UTC with six fractional digits, so that text order is time
    /// order. A record whose key and version were delivered is a repeat.
    pub version: Option<String>,
    /// The record byte for byte as the provider sent it.
    pub raw: Box<RawValue>,
    /// Top-level fields that we add and the provider did not send.
    pub added: serde_json::Map<String, serde_json::Value>,
}

//! Writes: requests that change records at a provider, and what came of each
//! record.
//!
//! A write is an operation with a row for each record. A record is marked as sent,
//! in a transaction of its own, before its request leaves, and settled by another
//! one when its answer is here. So a process that dies in between leaves a record
//! that says of itself that nobody knows what came of it; whoever has the work next
//! looks before it sends anything. What a record was to be may hold secrets: it is
//! sealed, and forgotten once the record is settled.

mod accept;
mod answer;
mod collect;
mod settle;
mod subject;

use jiff::{SignedDuration, Timestamp};
use secrecy::zeroize::Zeroizing;
use serde_json::Value;

pub use answer::{RecordAnswer, WriteAnswer};
pub use settle::{Settled, Settlement};
pub use subject::{LostRecord, WriteSubject};

use crate::error::{Result, StoreError};
use crate::operation_log::NewLog;
use crate::secrets::Place;

/// A request for a write.
#[derive(Clone)]
pub struct NewWrite {
    /// The installation.
    pub installation_id: String,
    /// The provider's name of the object.
    pub object_name: String,
    /// As the request named the object.
    pub named: String,
    /// `create`, `update` or `delete`.
    pub action: &'static str,
    /// What each record is to be, in the engine's own form; sealed here.
    pub records: Vec<Zeroizing<Vec<u8>>>,
    /// Whether it was asked for as a batch, which decides how it is answered.
    pub is_batch: bool,
    /// The connection's inputs: with others it would be about another account.
    pub inputs: Value,
    /// Who waits for it, and how long.
    pub mode: WriteMode,
    /// By what the same request is known again.
    pub key: Option<WriteKey>,
}

/// Records hold customers' data, so only their number is shown.
impl std::fmt::Debug for NewWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewWrite")
            .field("installation_id", &self.installation_id)
            .field("object_name", &self.object_name)
            .field("action", &self.action)
            .field("records", &self.records.len())
            .finish_non_exhaustive()
    }
}

/// Who waits for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// Whoever asked: the process that accepts it also does it, and until then
    /// nobody else does.
    Sync {
        /// When somebody else looks what became of it.
        hold_until: Timestamp,
    },
    /// Nobody: the work is due at once.
    Async {
        /// When it is given up.
        deadline_at: Timestamp,
    },
    /// Nobody, and more of its kind may be added to it until then.
    Collected {
        /// When it is begun at the latest.
        flush_at: Timestamp,
        /// How long it is tried from then on.
        tried_for: SignedDuration,
    },
}

/// By what a request is known again. Texts of any length; only digests are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteKey {
    /// What the client calls it.
    pub key: String,
    /// What was asked for: another request under the same key is an error.
    pub request: String,
}

/// What became of a request for a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is an operation now.
    New {
        /// The operation's identifier.
        operation_id: String,
        /// Its records' identifiers, in their order; of one that was collected,
        /// only its own.
        records: Vec<String>,
    },
    /// It is one since it was asked for the first time.
    Known {
        /// The operation's identifier.
        operation_id: String,
    },
    /// Something else was asked for under the same key.
    Reused,
}

/// A write under way.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteJob {
    /// The identifier, which is the operation's.
    pub id: String,
    /// The installation.
    pub installation_id: String,
    /// The provider's name of the object.
    pub object_name: String,
    /// `create`, `update` or `delete`.
    pub action: String,
    /// Whether somebody waited for the answer.
    pub is_sync: bool,
    /// Whether more records may be added to it.
    pub is_open: bool,
    /// The connection's inputs when it was asked for.
    pub inputs: Value,
    /// When it is given up.
    pub deadline_at: Option<Timestamp>,
    /// Whether its answer may be asked for again.
    pub keeps_answer: bool,
}

/// How far a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteState {
    /// It is to be sent.
    Waiting,
    /// It is on its way.
    Sent,
    /// It was sent, and nobody knows what came of it.
    Lost,
    /// It is written.
    Made,
    /// It will not be written.
    Failed,
}

impl WriteState {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Lost => "lost",
            Self::Made => "made",
            Self::Failed => "failed",
        }
    }

    fn of_word(word: &str) -> Result<Self> {
        [
            Self::Waiting,
            Self::Sent,
            Self::Lost,
            Self::Made,
            Self::Failed,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| StoreError::Corrupt {
            table: "write_record",
            detail: "an unknown state".to_owned(),
        })
    }
}

/// A record that is not settled.
#[derive(Clone)]
pub struct WriteRecord {
    /// The identifier.
    pub id: String,
    /// Its place in the request, from 0.
    pub position: i32,
    /// How far it is.
    pub state: WriteState,
    /// What it is to be.
    pub payload: Zeroizing<Vec<u8>>,
    /// When it was sent last.
    pub sent_at: Option<Timestamp>,
    /// How often it was sent.
    pub attempts: i32,
}

/// Without what it is to be.
impl std::fmt::Debug for WriteRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteRecord")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Where the payload of a record is sealed.
fn place(record_id: &str) -> Place<'_> {
    Place {
        table: "write_record",
        column: "payload",
        row: record_id,
    }
}

/// A line that tells of a record.
fn line(severity: &str, msg: &str, error: Option<&str>, position: i32) -> NewLog {
    NewLog {
        severity: severity.to_owned(),
        msg: msg.to_owned(),
        error: error.map(str::to_owned),
        details: serde_json::json!({ "record": (position + 1).to_string() }),
    }
}

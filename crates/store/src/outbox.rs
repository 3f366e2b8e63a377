//! The outbox: messages are committed with the progress they report, and leave
//! from here at least once.
//!
//! A claim counts the attempt and an acknowledgement must name it, so a sender
//! that comes back late changes nothing. Bodies are compressed (zstd level 1).

use jiff::{SignedDuration, Timestamp};

use crate::Store;
use crate::error::Result;
use crate::scope::Tenant;

/// How long a claimed message is left to its sender.
pub const DELIVERY_LEASE: SignedDuration = SignedDuration::from_secs(60);

/// What a message carries.
#[derive(Clone, PartialEq, Eq)]
pub enum MessageBody {
    /// The whole message as JSON.
    Inline(Vec<u8>),
    /// A message whose result is fetched by a signed URL.
    Url {
        /// The message as JSON, without `result` and `downloadUrl`.
        envelope: Vec<u8>,
        /// The JSON array that `result` would have held.
        result: Vec<u8>,
    },
}

/// Bodies hold customers' data, so only their sizes are shown.
impl std::fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(body) => f.debug_tuple("Inline").field(&body.len()).finish(),
            Self::Url { envelope, result } => f
                .debug_struct("Url")
                .field("envelope_bytes", &envelope.len())
                .field("result_bytes", &result.len())
                .finish(),
        }
    }
}

/// A message to be put in.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The identifier, stable over retries and replays.
    pub id: String,
    /// Where it goes.
    pub destination_id: String,
    /// The installation that it reports on.
    pub installation_id: String,
    /// The operation that it reports on.
    pub operation_id: String,
    /// What it carries.
    pub body: MessageBody,
    /// How many records it carries.
    pub num_records: u32,
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct OutboxMessage {
    /// The identifier.
    pub id: String,
    /// Where it goes.
    pub destination_id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The attempt, from 1, this one included.
    pub attempt: i32,
    /// What it carries.
    pub body: MessageBody,
    /// When it was put in.
    pub create_time: Timestamp,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The message.
    pub id: String,
    /// The attempt, as it was claimed.
    pub attempt: i32,
    /// What came of it.
    pub outcome: DeliveryOutcome,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The destination took it.
    Delivered {
        /// Its status code.
        status: u16,
    },
    /// To be tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// The destination's status code, if it answered.
        status: Option<u16>,
        /// What went wrong.
        error: String,
    },
    /// Given up; kept for a replay.
    Dead {
        /// The destination's status code, if it answered.
        status: Option<u16>,
        /// What went wrong.
        error: String,
    },
}

/// Messages by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveriesOverview {
    /// Not yet taken.
    pub pending: i64,
    /// Taken.
    pub delivered: i64,
    /// Given up.
    pub dead: i64,
}

impl Store {
    /// Up to `n` messages that are due, longest due first, of destinations that
    /// are not disabled. Each claim counts as an attempt.
    pub async fn claim_messages(
        &self,
        owner: &str,
        n: u32,
        now: Timestamp,
    ) -> Result<Vec<OutboxMessage>> {
        todo!()
    }

    /// Records what came of attempts. An attempt that is no longer the latest
    /// is passed over.
    pub async fn acknowledge(&self, results: &[Acknowledged], now: Timestamp) -> Result<()> {
        todo!()
    }

    /// The JSON array that a message's `result` would have held. It needs no
    /// scope: the caller has checked a signed URL.
    pub async fn message_result(&self, message_id: &str) -> Result<Vec<u8>> {
        todo!()
    }
}

impl Tenant<'_> {
    /// How many messages of the project are in which status.
    pub async fn deliveries_overview(&self) -> Result<DeliveriesOverview> {
        todo!()
    }
}

//! The outbox: messages are committed with the progress they report, and leave
//! from here at least once.
//!
//! A message is `pending` until its destination has taken it (`delivered`) or it
//! is given up (`dead`); one that waits to be asked for is `held`. A claim counts
//! the attempt and an acknowledgement must name it, so a sender that comes back
//! late changes nothing. Bodies are compressed (zstd level 1).

mod acknowledge;
mod claim;
mod listing;
pub(crate) mod order;
mod rate;
mod replay;
mod share;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::Store;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::statement::time;
use crate::wake::WakeKind;

pub use acknowledge::{Acknowledged, DeliveryOutcome};
pub use claim::Claimed;
pub use listing::{DeliveriesOverview, Delivery, DeliveryFilter, DeliveryPayload, DeliveryStatus};
pub use replay::{Replay, ReplayOutcome};
pub use share::{PER_DESTINATION, Room};

/// Little is won by more, and this costs half a millisecond a page.
const ZSTD_LEVEL: i32 = 1;

/// The largest message, envelope included.
pub const MOST_MESSAGE_BYTES: usize = 300_000;

/// How long a claimed message is left to its sender.
pub const DELIVERY_LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The same in milliseconds.
const DELIVERY_LEASE_MS: i64 = DELIVERY_LEASE.as_secs() * 1_000;

/// What a message carries.
#[derive(Clone, PartialEq, Eq)]
pub enum MessageBody {
    /// The whole message as JSON.
    Inline(Vec<u8>),
    /// A message whose result is fetched by a signed URL.
    Url {
        /// The message as JSON, without what is fetched and without links.
        envelope: Vec<u8>,
        /// What is fetched: the JSON array that `result` would have held, or a
        /// notification's configs by their keys.
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
    /// The installation that it reports on; empty when it is about something
    /// else.
    pub installation_id: String,
    /// The operation whose records it carries; empty when it carries none.
    pub operation_id: String,
    /// What it carries.
    pub body: MessageBody,
    /// How many records it carries.
    pub num_records: u32,
    /// The object, by the provider's name, whose results it waits to be asked
    /// for with; `None` goes at once.
    pub hold_for: Option<String>,
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
    /// The attempt, from 1, this one included. It goes on counting over replays,
    /// so that no two attempts of a message are ever confused.
    pub attempt: i32,
    /// The attempt counted from the last replay, from 1: what the schedule of
    /// retries goes by.
    pub round_attempt: i32,
    /// Whether it is one of a sequence, and nothing else may be under way.
    pub in_sequence: bool,
    /// Whether its destination was failing when it was claimed.
    pub failing: bool,
    /// What it carries.
    pub body: MessageBody,
    /// When it was put in.
    pub create_time: Timestamp,
}

/// A message whose body is ready for the table, so that a transaction does not
/// wait for the compression.
pub(crate) struct Compressed<'a> {
    message: &'a NewMessage,
    envelope: Option<Vec<u8>>,
    body: Vec<u8>,
}

impl<'a> Compressed<'a> {
    /// Compresses what is to be put in.
    pub(crate) fn all(messages: &'a [NewMessage]) -> Result<Vec<Self>> {
        messages
            .iter()
            .map(|message| {
                let (envelope, body) = match &message.body {
                    MessageBody::Inline(body) => (None, body),
                    MessageBody::Url { envelope, result } => (Some(compress(envelope)?), result),
                };
                Ok(Self {
                    message,
                    envelope,
                    body: compress(body)?,
                })
            })
            .collect()
    }
}

/// Puts messages in, due at once. One that is in already is left as it is: the
/// answer to an earlier commit was lost.
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    messages: &[Compressed<'_>],
    now: Timestamp,
) -> Result<()> {
    for new in messages {
        let destination = tx.backend().sql(
            "SELECT project_id FROM destination WHERE id = $1",
            [new.message.destination_id.as_str().into()],
        );
        let destination = tx.db().query_one_raw(destination).await?;
        let destination = destination
            .ok_or_else(|| StoreError::not_found("destination", &new.message.destination_id))?;
        tx.execute(
            "INSERT INTO outbox (id, project_id, destination_id, installation_id, operation_id, \
             num_records, envelope, body, status, attempt, next_at, create_time) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', 0, $9, $9) \
             ON CONFLICT (id) DO NOTHING",
            [
                new.message.id.as_str().into(),
                destination.try_get::<String>("", "project_id")?.into(),
                new.message.destination_id.as_str().into(),
                new.message.installation_id.as_str().into(),
                new.message.operation_id.as_str().into(),
                i64::from(new.message.num_records).into(),
                new.envelope.clone().into(),
                new.body.as_slice().into(),
                ms(now).into(),
            ],
        )
        .await?;
    }
    order::place(tx, messages.iter().map(|new| new.message)).await?;
    if !messages.is_empty() {
        tx.wake(WakeKind::Outbox).await?;
    }
    Ok(())
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(corrupt)
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::decode_all(bytes).map_err(corrupt)
}

fn corrupt(error: std::io::Error) -> StoreError {
    StoreError::Corrupt {
        table: "outbox",
        detail: error.to_string(),
    }
}

impl OutboxMessage {
    fn of(row: &QueryResult, failing: bool) -> Result<Self> {
        let body = decompress(&row.try_get::<Vec<u8>>("", "body")?)?;
        let envelope: Option<Vec<u8>> = row.try_get("", "envelope")?;
        Ok(Self {
            id: row.try_get("", "id")?,
            destination_id: row.try_get("", "destination_id")?,
            project_id: row.try_get("", "project_id")?,
            attempt: row.try_get("", "attempt")?,
            round_attempt: row.try_get("", "round_attempt")?,
            in_sequence: row.try_get::<Option<i64>>("", "seq")?.is_some(),
            failing,
            body: match envelope {
                None => MessageBody::Inline(body),
                Some(envelope) => MessageBody::Url {
                    envelope: decompress(&envelope)?,
                    result: body,
                },
            },
            create_time: time(row, "create_time")?,
        })
    }
}

impl Store {
    /// The JSON array that a message's `result` would have held. It needs no
    /// scope: the caller has checked a signed URL.
    pub async fn message_result(&self, message_id: &str) -> Result<Vec<u8>> {
        let select = self.backend().sql(
            "SELECT body FROM outbox WHERE id = $1 AND envelope IS NOT NULL",
            [message_id.into()],
        );
        let row = self
            .read()
            .query_one_raw(select)
            .await?
            .ok_or_else(|| StoreError::not_found("message", message_id))?;
        decompress(&row.try_get::<Vec<u8>>("", "body")?)
    }
}

//! The outbox: messages are committed with the progress they report, and leave
//! from here at least once.
//!
//! A message is `pending` until its destination has taken it (`delivered`) or it
//! is given up (`dead`); one that waits to be asked for is `held`. A claim counts
//! the attempt and an acknowledgement must name it, so a sender that comes back
//! late changes nothing. Bodies are compressed (zstd level 1).

mod acknowledge;
pub(crate) mod claim;
mod listing;
pub(crate) mod order;
mod rate;
mod replay;
mod share;
mod standing;

use std::io::Write as _;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::Store;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::object;
use crate::statement::time;
use crate::wake::WakeKind;

pub use acknowledge::{Acknowledged, DeliveryOutcome};
pub use claim::Claimed;
pub use listing::{DeliveriesOverview, Delivery, DeliveryFilter, DeliveryPayload, DeliveryStatus};
pub use replay::{Replay, ReplayOutcome};
pub use share::{PER_DESTINATION, Room};
pub use standing::{MOST_RECENT, Recent};

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
        result: LinkedResult,
    },
}

impl MessageBody {
    /// The size, as it is given: what is kept is compressed, and never more.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bytes = |body: &[u8]| u64::try_from(body.len()).unwrap_or(u64::MAX);
        match self {
            Self::Inline(body) => bytes(body),
            Self::Url { envelope, result } => bytes(envelope).saturating_add(result.bytes()),
        }
    }
}

/// Where a result that is fetched by a URL lies.
#[derive(Clone, PartialEq, Eq)]
pub enum LinkedResult {
    /// In the message's own row.
    InRow(Vec<u8>),
    /// In the object store, compressed as [`compressed`](crate::compressed) does
    /// it. The object is there before a message names it.
    InObject {
        /// Its key.
        key: String,
        /// Its size there.
        bytes: u64,
    },
}

/// As with [`MessageBody`], only the size is shown.
impl std::fmt::Debug for LinkedResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::InRow(_) => "InRow",
            Self::InObject { .. } => "InObject",
        };
        f.debug_tuple(name).field(&self.bytes()).finish()
    }
}

impl LinkedResult {
    /// The size, as it is kept or, in a message yet to be put in, as it is.
    fn bytes(&self) -> u64 {
        match self {
            Self::InRow(result) => u64::try_from(result.len()).unwrap_or(u64::MAX),
            Self::InObject { bytes, .. } => *bytes,
        }
    }
}

/// Bodies hold customers' data, so only their sizes are shown.
impl std::fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(body) => f.debug_tuple("Inline").field(&body.len()).finish(),
            Self::Url { envelope, result } => f
                .debug_struct("Url")
                .field("envelope_bytes", &envelope.len())
                .field("result", result)
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
    /// The operation that it reports, if it is about one.
    pub operation_id: Option<String>,
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
    object: Option<(&'a str, u64)>,
}

impl<'a> Compressed<'a> {
    /// Compresses what is to be put in.
    pub(crate) fn all(messages: &'a [NewMessage]) -> Result<Vec<Self>> {
        messages
            .iter()
            .map(|message| {
                let (envelope, body, object) = match &message.body {
                    MessageBody::Inline(body) => (None, compressed(body)?, None),
                    MessageBody::Url { envelope, result } => {
                        let (body, object) = match result {
                            LinkedResult::InRow(result) => (compressed(result)?, None),
                            LinkedResult::InObject { key, bytes } => {
                                (Vec::new(), Some((key.as_str(), *bytes)))
                            }
                        };
                        (Some(compressed(envelope)?), body, object)
                    }
                };
                Ok(Self {
                    message,
                    envelope,
                    body,
                    object,
                })
            })
            .collect()
    }

    /// What it takes to keep it, in the row and outside.
    pub(crate) fn bytes(&self) -> i64 {
        let here = self.body.len() + self.envelope.as_ref().map_or(0, Vec::len);
        let there = self.object.map_or(0, |(_, bytes)| bytes);
        i64::try_from(here)
            .ok()
            .and_then(|here| here.checked_add_unsigned(there))
            .unwrap_or(i64::MAX)
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
        let added = tx.execute(
            "INSERT INTO outbox (id, project_id, destination_id, installation_id, operation_id, \
             num_records, envelope, body, status, attempt, next_at, create_time, object_key, bytes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', 0, $9, $9, $10, $11) \
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
                new.object.map(|(key, _)| key).into(),
                new.bytes().into(),
            ],
        );
        if let (1.., Some((key, _))) = (added.await?, new.object) {
            object::settle(tx, key).await?;
        }
    }
    order::place(tx, messages.iter().map(|new| new.message)).await?;
    if !messages.is_empty() {
        tx.wake(WakeKind::Outbox).await?;
    }
    Ok(())
}

/// Compressed as bodies are kept, in rows and in objects.
pub fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(corrupt)
}

/// Undoes [`compressed`], piece by piece.
pub struct Inflater(zstd::stream::write::Decoder<'static, Vec<u8>>);

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inflater")
    }
}

impl Inflater {
    /// Ready for the first piece.
    pub fn new() -> Result<Self> {
        zstd::stream::write::Decoder::new(Vec::new())
            .map(Self)
            .map_err(corrupt)
    }

    /// What a piece comes to; may be nothing yet.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>> {
        self.0.write_all(piece).map_err(corrupt)?;
        self.0.flush().map_err(corrupt)?;
        Ok(std::mem::take(self.0.get_mut()))
    }
}

pub(crate) fn decompress(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::decode_all(bytes).map_err(corrupt)
}

fn corrupt(error: std::io::Error) -> StoreError {
    StoreError::Corrupt {
        table: "outbox",
        detail: error.to_string(),
    }
}

/// The result of a row that has an envelope.
fn linked(row: &QueryResult, body: &[u8]) -> Result<LinkedResult> {
    match row.try_get("", "object_key")? {
        None => Ok(LinkedResult::InRow(decompress(body)?)),
        Some(key) => {
            let bytes: i64 = row.try_get("", "bytes")?;
            let bytes = u64::try_from(bytes).unwrap_or_default();
            Ok(LinkedResult::InObject { key, bytes })
        }
    }
}

impl OutboxMessage {
    pub(crate) fn of(row: &QueryResult, failing: bool) -> Result<Self> {
        let body = row.try_get::<Vec<u8>>("", "body")?;
        let envelope: Option<Vec<u8>> = row.try_get("", "envelope")?;
        Ok(Self {
            id: row.try_get("", "id")?,
            destination_id: row.try_get("", "destination_id")?,
            project_id: row.try_get("", "project_id")?,
            operation_id: row.try_get("", "operation_id")?,
            attempt: row.try_get("", "attempt")?,
            round_attempt: row.try_get("", "round_attempt")?,
            in_sequence: row.try_get::<Option<i64>>("", "seq")?.is_some(),
            failing,
            body: match envelope {
                None => MessageBody::Inline(decompress(&body)?),
                Some(envelope) => MessageBody::Url {
                    envelope: decompress(&envelope)?,
                    result: linked(row, &body)?,
                },
            },
            create_time: time(row, "create_time")?,
        })
    }
}

impl Store {
    /// The JSON array that a message's `result` would have held. It needs no
    /// scope: the caller has checked a signed URL.
    pub async fn message_result(&self, message_id: &str) -> Result<LinkedResult> {
        let select = self.backend().sql(
            "SELECT body, object_key, bytes FROM outbox WHERE id = $1 AND envelope IS NOT NULL",
            [message_id.into()],
        );
        let row = self
            .read()
            .query_one_raw(select)
            .await?
            .ok_or_else(|| StoreError::not_found("message", message_id))?;
        linked(&row, &row.try_get::<Vec<u8>>("", "body")?)
    }
}

impl Store {
    /// What it takes to keep the messages that wait to be delivered, in rows and
    /// objects: bytes. It reads an index of them all, so ask seldom.
    pub async fn waiting_bytes(&self) -> Result<u64> {
        let select = self.backend().sql(
            "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes FROM outbox \
             WHERE status IN ('pending', 'held')",
            [],
        );
        let row = self.read().query_one_raw(select).await?;
        let bytes: i64 = row.map_or(Ok(0), |row| row.try_get("", "bytes"))?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }
}

//! The outbox: messages are committed with the progress they report, and leave
//! from here at least once.
//!
//! A claim counts the attempt and an acknowledgement must name it, so a sender
//! that comes back late changes nothing. Bodies are compressed (zstd level 1).

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::statement::time;
use crate::wake::WakeKind;
use crate::{Backend, Store};

/// Little is won by more, and this costs half a millisecond a page.
const ZSTD_LEVEL: i32 = 1;

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
    fn of(row: &QueryResult) -> Result<Self> {
        let body = decompress(&row.try_get::<Vec<u8>>("", "body")?)?;
        let envelope: Option<Vec<u8>> = row.try_get("", "envelope")?;
        Ok(Self {
            id: row.try_get("", "id")?,
            destination_id: row.try_get("", "destination_id")?,
            project_id: row.try_get("", "project_id")?,
            attempt: row.try_get("", "attempt")?,
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
    /// Up to `n` messages that are due, longest due first, of destinations that
    /// are not disabled. Each claim counts as an attempt.
    pub async fn claim_messages(
        &self,
        owner: &str,
        n: u32,
        now: Timestamp,
    ) -> Result<Vec<OutboxMessage>> {
        let lock = match self.backend() {
            Backend::Sqlite => "",
            Backend::Postgres => " FOR UPDATE OF o SKIP LOCKED",
        };
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT o.id AS due_id FROM outbox o \
             JOIN destination d ON d.id = o.destination_id \
             WHERE o.status = 'pending' AND o.next_at <= $1 AND NOT d.disabled \
             ORDER BY o.next_at LIMIT $2{lock}) \
             UPDATE outbox SET attempt = attempt + 1, owner = $3, next_at = $4 \
             FROM due WHERE id = due_id \
             RETURNING id, destination_id, project_id, attempt, envelope, body, create_time"
        );
        let claim = self.backend().sql(
            &sql,
            [
                ms(now).into(),
                i64::from(n).into(),
                owner.into(),
                ms(now).saturating_add(DELIVERY_LEASE_MS).into(),
            ],
        );
        let tx = self.write().await?;
        let rows = tx.db().query_all_raw(claim).await?;
        // Undone, they are claimed again.
        tx.commit_repeatable().await?;
        // One that cannot be read must not keep the others from being sent.
        let readable = rows.iter().filter_map(|row| {
            let message = OutboxMessage::of(row);
            message
                .inspect_err(|error| tracing::error!(%error, "a message cannot be read"))
                .ok()
        });
        let mut messages: Vec<OutboxMessage> = readable.collect();
        messages.sort_by(|a, b| (a.create_time, &a.id).cmp(&(b.create_time, &b.id)));
        Ok(messages)
    }

    /// Records what came of attempts. An attempt that is no longer the latest
    /// is passed over.
    pub async fn acknowledge(&self, results: &[Acknowledged], now: Timestamp) -> Result<()> {
        // In one order everywhere, so that two senders cannot lock each other out.
        let mut results: Vec<&Acknowledged> = results.iter().collect();
        results.sort_by(|a, b| a.id.cmp(&b.id));
        let tx = self.write().await?;
        for result in results {
            let (word, at, status, error) = match &result.outcome {
                DeliveryOutcome::Delivered { status } => ("delivered", now, Some(*status), None),
                DeliveryOutcome::Retry { at, status, error } => {
                    ("pending", *at, *status, Some(error.as_str()))
                }
                DeliveryOutcome::Dead { status, error } => {
                    ("dead", now, *status, Some(error.as_str()))
                }
            };
            tx.execute(
                "UPDATE outbox SET status = $3, next_at = $4, owner = NULL, last_status = $5, \
                 last_error = $6, update_time = $7 \
                 WHERE id = $1 AND attempt = $2 AND status = 'pending' AND owner IS NOT NULL",
                [
                    result.id.as_str().into(),
                    result.attempt.into(),
                    word.into(),
                    ms(at).into(),
                    status.map(i32::from).into(),
                    error.into(),
                    ms(now).into(),
                ],
            )
            .await?;
        }
        // Undone, they are sent again.
        tx.commit_repeatable().await
    }

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

impl Tenant<'_> {
    /// How many messages of the project are in which status.
    pub async fn deliveries_overview(&self) -> Result<DeliveriesOverview> {
        let select = self.store.backend().sql(
            "SELECT status, COUNT(*) AS messages FROM outbox WHERE project_id = $1 GROUP BY status",
            [self.scope.project_id().into()],
        );
        let mut overview = DeliveriesOverview::default();
        for row in self.store.read().query_all_raw(select).await? {
            let status: String = row.try_get("", "status")?;
            let messages: i64 = row.try_get("", "messages")?;
            match status.as_str() {
                "pending" => overview.pending = messages,
                "delivered" => overview.delivered = messages,
                _ => overview.dead = messages,
            }
        }
        Ok(overview)
    }
}

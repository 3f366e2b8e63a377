//! Notifications: what has happened, told to the destinations that its routes
//! lead to.
//!
//! A notification is a message of the outbox like any other, and is put there
//! in the transaction that it reports: it is neither lost nor doubled, whenever
//! the process dies. That is why it is composed here and not by the caller:
//! whether a connection is new, which reads have stopped and what things are
//! called is certain only within that transaction. Where nobody listens, all of
//! it costs one statement.
//!
//! A destination that several topics of an event lead to gets one message. That
//! a destination was disabled is never told to itself: nothing would come of it
//! but a message that waits for ever. Other disabled destinations are told, and
//! the message waits with their others until they are enabled again.

mod event;
mod payload;
mod route;
mod subject;
mod topic;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

pub use event::NotificationEvent;
pub use payload::ConfigPart;
pub use route::{DestinationRoute, EventRoute};
pub use topic::Topic;

use crate::connect::Tx;
use crate::error::Result;
use crate::operation::{OperationStatus, ReadType};
use crate::outbox::{self, Compressed, NewMessage};
use crate::{Backend, Store};
use payload::Payload;

/// Something that has happened to a connection, an installation or a
/// destination, each named by its id. Rows must exist: what is to be deleted is
/// told before it is deleted.
#[derive(Debug, Clone, Copy)]
pub enum Happening<'a> {
    /// A customer has connected.
    ConnectionCreated(&'a str),
    /// A connection was changed, or consented to anew.
    ConnectionUpdated(&'a str),
    /// A connection's token was refreshed.
    ConnectionRefreshed(&'a str),
    /// The provider refuses a connection's credential.
    ConnectionDied {
        /// The connection.
        id: &'a str,
        /// Why, in words for the builder.
        error: &'a str,
    },
    /// A connection is about to be deleted.
    ConnectionDeleted(&'a str),
    /// A customer has installed.
    InstallationCreated(&'a str),
    /// An installation's config was changed; the new one is stored.
    InstallationUpdated {
        /// The installation.
        id: &'a str,
        /// The config before.
        last_config: &'a Value,
    },
    /// An installation is about to be deleted.
    InstallationDeleted(&'a str),
    /// The scheduled reads of an installation have stopped.
    SchedulePaused {
        /// The installation.
        id: &'a str,
        /// Why, unless somebody wanted it.
        error: Option<&'a str>,
    },
    /// A read has ended.
    ReadEnded(ReadEnded<'a>),
    /// Nothing is sent to a destination any more.
    DestinationDisabled(&'a str),
}

/// A read that has ended.
#[derive(Debug, Clone, Copy)]
pub struct ReadEnded<'a> {
    /// The installation.
    pub installation_id: &'a str,
    /// The object, as messages name it.
    pub object_name: &'a str,
    /// Why it ran.
    pub read_type: ReadType,
    /// How it went.
    pub status: OperationStatus,
    /// From when on it read; `None` is the beginning.
    pub from: Option<Timestamp>,
    /// Until when it read; `None` is the end.
    pub until: Option<Timestamp>,
    /// Why it failed, if it did.
    pub error: Option<&'a str>,
}

impl ReadEnded<'_> {
    /// A scheduled read and a backfill that fails are told by their operations
    /// alone: the contract has no event for them.
    fn event(&self) -> Option<NotificationEvent> {
        match (self.read_type, self.status) {
            (ReadType::Backfill, OperationStatus::Success) => {
                Some(NotificationEvent::ReadBackfillDone)
            }
            (ReadType::Triggered, OperationStatus::Success) => {
                Some(NotificationEvent::ReadTriggeredDone)
            }
            (ReadType::Triggered, OperationStatus::Failure) => {
                Some(NotificationEvent::ReadTriggeredError)
            }
            (ReadType::Scheduled, _)
            | (ReadType::Backfill, OperationStatus::Failure)
            | (_, OperationStatus::InProgress) => None,
        }
    }
}

/// What a happening is about.
#[derive(Debug, Clone, Copy)]
enum Subject<'a> {
    Connection(&'a str),
    Installation(&'a str),
    Destination(&'a str),
}

impl<'a> Happening<'a> {
    /// The event that routes name; `None` when there is none for it.
    fn event(&self) -> Option<NotificationEvent> {
        Some(match self {
            Self::ConnectionCreated(_) => NotificationEvent::ConnectionCreated,
            Self::ConnectionUpdated(_) => NotificationEvent::ConnectionUpdated,
            Self::ConnectionRefreshed(_) => NotificationEvent::ConnectionRefreshed,
            Self::ConnectionDied { .. } => NotificationEvent::ConnectionError,
            Self::ConnectionDeleted(_) => NotificationEvent::ConnectionDeleted,
            Self::InstallationCreated(_) => NotificationEvent::InstallationCreated,
            Self::InstallationUpdated { .. } => NotificationEvent::InstallationUpdated,
            Self::InstallationDeleted(_) => NotificationEvent::InstallationDeleted,
            Self::SchedulePaused { .. } => NotificationEvent::ReadSchedulePaused,
            Self::ReadEnded(read) => return read.event(),
            Self::DestinationDisabled(_) => NotificationEvent::DestinationWebhookDisabled,
        })
    }

    fn subject(&self) -> Subject<'a> {
        match *self {
            Self::ConnectionCreated(id)
            | Self::ConnectionUpdated(id)
            | Self::ConnectionRefreshed(id)
            | Self::ConnectionDied { id, .. }
            | Self::ConnectionDeleted(id) => Subject::Connection(id),
            Self::InstallationCreated(id)
            | Self::InstallationUpdated { id, .. }
            | Self::InstallationDeleted(id)
            | Self::SchedulePaused { id, .. } => Subject::Installation(id),
            Self::ReadEnded(read) => Subject::Installation(read.installation_id),
            Self::DestinationDisabled(id) => Subject::Destination(id),
        }
    }

    /// What only this kind of happening says.
    fn completed(&self, payload: Payload, config: Option<Value>) -> Payload {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let with_config = |payload: Payload| match config {
            Some(config) => payload.with_config(ConfigPart::Config, config),
            None => payload,
        };
        match self {
            Self::ConnectionCreated(_)
            | Self::ConnectionUpdated(_)
            | Self::ConnectionRefreshed(_)
            | Self::ConnectionDeleted(_)
            | Self::DestinationDisabled(_) => payload,
            // `error` is the name that `errors` had before.
            Self::ConnectionDied { error, .. } => payload
                .with("errors", Some(json!([error])))
                .with("error", Some(json!([error]))),
            Self::InstallationCreated(_) | Self::InstallationDeleted(_) => with_config(payload),
            Self::InstallationUpdated { last_config, .. } => {
                with_config(payload).with_config(ConfigPart::LastConfig, (*last_config).clone())
            }
            Self::SchedulePaused { error, .. } => with_config(payload).with("error", text(*error)),
            Self::ReadEnded(read) => {
                let payload = payload.with("objectName", text(Some(read.object_name)));
                match read.read_type {
                    ReadType::Backfill | ReadType::Scheduled => payload,
                    ReadType::Triggered => payload
                        .with("fromTimestamp", read.from.map(|at| at.to_string()))
                        .with("untilTimestamp", read.until.map(|at| at.to_string()))
                        .with("error", text(read.error)),
                }
            }
        }
    }
}

/// Tells what has happened, as part of the transaction in which it happens: one
/// message for each destination that listens.
pub(crate) async fn tell(tx: &mut Tx<'_>, happening: Happening<'_>, now: Timestamp) -> Result<()> {
    let Some(event) = happening.event() else {
        return Ok(());
    };
    let listeners = listeners(tx, event, happening.subject()).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    let (payload, config) = match happening.subject() {
        Subject::Connection(id) => match subject::connection(tx, id).await? {
            Some(fields) => (Payload::new(event, &fields)?, None),
            None => return Ok(()),
        },
        Subject::Installation(id) => match subject::installation(tx, id).await? {
            Some(fields) => (Payload::new(event, &fields)?, Some(fields.config.0)),
            None => return Ok(()),
        },
        Subject::Destination(id) => match subject::destination(tx, id).await? {
            Some(fields) => (Payload::new(event, &fields)?, None),
            None => return Ok(()),
        },
    };
    let body = happening.completed(payload, config).body()?;
    let installation_id = match happening.subject() {
        Subject::Installation(id) => id,
        Subject::Connection(_) | Subject::Destination(_) => "",
    };
    let messages: Vec<NewMessage> = listeners
        .into_iter()
        .map(|destination_id| NewMessage {
            id: format!("msg_{}", uuid::Uuid::now_v7().simple()),
            destination_id,
            installation_id: installation_id.to_owned(),
            operation_id: String::new(),
            body: body.clone(),
            num_records: 0,
        })
        .collect();
    outbox::put(tx, &Compressed::all(&messages)?, now).await
}

/// Tells that a connection has died, and which installations' scheduled reads
/// stop with it.
pub(crate) async fn tell_of_death(
    tx: &mut Tx<'_>,
    connection_id: &str,
    error: &str,
    now: Timestamp,
) -> Result<()> {
    let died = Happening::ConnectionDied {
        id: connection_id,
        error,
    };
    tell(tx, died, now).await?;
    let select = tx.backend().sql(
        "SELECT id FROM installation WHERE connection_id = $1 AND EXISTS (SELECT 1 FROM sync \
         WHERE sync.installation_id = installation.id AND sync.due_at IS NOT NULL) ORDER BY id",
        [connection_id.into()],
    );
    for row in tx.db().query_all_raw(select).await? {
        let id: String = row.try_get("", "id")?;
        let paused = Happening::SchedulePaused {
            id: &id,
            error: Some(error),
        };
        tell(tx, paused, now).await?;
    }
    Ok(())
}

/// The destinations that an event about this subject is told to. They stay
/// until the transaction ends, so that a deletion cannot make it fail.
async fn listeners(
    tx: &Tx<'_>,
    event: NotificationEvent,
    subject: Subject<'_>,
) -> Result<Vec<String>> {
    let (table, id) = match subject {
        Subject::Connection(id) => ("connection", id),
        Subject::Installation(id) => ("installation", id),
        Subject::Destination(id) => ("destination", id),
    };
    let lock = match tx.backend() {
        Backend::Sqlite => "",
        Backend::Postgres => " FOR KEY SHARE OF d",
    };
    // Only a destination can have the subject's id: it is not told of itself.
    let sql = format!(
        "SELECT d.id FROM destination d \
         WHERE d.project_id = (SELECT project_id FROM {table} WHERE id = $1) AND d.id <> $1 \
         AND EXISTS (SELECT 1 FROM topic_destination_route t \
         JOIN event_topic_route e ON e.topic_id = t.topic_id \
         WHERE t.destination_id = d.id AND e.event_type = $2) ORDER BY d.id{lock}"
    );
    let select = tx.backend().sql(&sql, [id.into(), event.as_str().into()]);
    let rows = tx.db().query_all_raw(select).await?;
    let ids = rows.iter().map(|row| row.try_get("", "id"));
    Ok(ids.collect::<std::result::Result<_, _>>()?)
}

impl Store {
    /// Tells what has happened where nothing else of the store changes with it.
    /// What the store itself changes it tells by itself.
    pub async fn notify(&self, happening: Happening<'_>, now: Timestamp) -> Result<()> {
        let mut tx = self.write().await?;
        tell(&mut tx, happening, now).await?;
        tx.commit().await
    }
}

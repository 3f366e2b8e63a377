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
mod happening;
mod payload;
mod route;
mod subject;
mod topic;

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::value::RawValue;

pub use event::NotificationEvent;
pub use happening::{Happening, ReadEnded, WriteEnded};
pub use payload::ConfigPart;
pub use route::{DestinationRoute, EventRoute};
pub use topic::Topic;

use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::outbox::{self, Compressed, LinkedResult, NewMessage};
use crate::{Backend, Store};
use happening::Subject;
use payload::Payload;

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
            hold_for: None,
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
         WHERE sync.installation_id = installation.id AND sync.due_at IS NOT NULL AND NOT sync.paused) ORDER BY id",
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
    /// A config that a notification left to be fetched, as JSON. It needs no
    /// scope: the caller has checked a signed URL.
    pub async fn notification_config(&self, message_id: &str, part: ConfigPart) -> Result<Vec<u8>> {
        let gone = || StoreError::not_found("config of message", message_id);
        // Configs are kept with their message.
        let LinkedResult::InRow(configs) = self.message_result(message_id).await? else {
            return Err(gone());
        };
        let mut configs: HashMap<String, Box<RawValue>> =
            serde_json::from_slice(&configs).map_err(|_| gone())?;
        let config = configs.remove(part.key());
        config
            .map(|config| config.get().as_bytes().to_vec())
            .ok_or_else(gone)
    }

    /// Tells what has happened where nothing else of the store changes with it.
    /// What the store itself changes it tells by itself. It needs no scope: the
    /// subject says whose destinations are told.
    pub async fn notify(&self, happening: Happening<'_>, now: Timestamp) -> Result<()> {
        let mut tx = self.write().await?;
        tell(&mut tx, happening, now).await?;
        tx.commit().await
    }
}

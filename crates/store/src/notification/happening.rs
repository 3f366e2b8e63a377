//! What can happen, which event that is to routes, and what only that event says.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::NotificationEvent;
use super::payload::{ConfigPart, Payload};
use crate::operation::{OperationStatus, ReadType};

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
    /// An asynchronous write has ended.
    WriteEnded(WriteEnded<'a>),
    /// Nothing is sent to a destination any more.
    DestinationDisabled(&'a str),
}

/// An asynchronous write that has ended.
#[derive(Debug, Clone, Copy)]
pub struct WriteEnded<'a> {
    /// The installation.
    pub installation_id: &'a str,
    /// The object, as the request named it.
    pub object_name: &'a str,
    /// Whether it succeeded.
    pub success: bool,
    /// The records that were written.
    pub record_ids: &'a [String],
    /// What was wrong with those that were not.
    pub errors: &'a [String],
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
pub(super) enum Subject<'a> {
    Connection(&'a str),
    Installation(&'a str),
    Destination(&'a str),
}

impl<'a> Happening<'a> {
    /// The event that routes name; `None` when there is none for it.
    pub(super) fn event(&self) -> Option<NotificationEvent> {
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
            Self::WriteEnded(_) => NotificationEvent::WriteAsyncDone,
            Self::DestinationDisabled(_) => NotificationEvent::DestinationWebhookDisabled,
        })
    }

    /// What it is about.
    pub(super) fn subject(&self) -> Subject<'a> {
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
            Self::WriteEnded(write) => Subject::Installation(write.installation_id),
            Self::DestinationDisabled(id) => Subject::Destination(id),
        }
    }

    /// What only this kind of happening says.
    pub(super) fn completed(&self, payload: Payload, config: Option<Value>) -> Payload {
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
            Self::WriteEnded(write) => payload
                .with("objectName", text(Some(write.object_name)))
                .with("success", Some(write.success))
                .with("successfulRecordIds", Some(json!(write.record_ids)))
                .with("errors", Some(json!(write.errors))),
        }
    }
}

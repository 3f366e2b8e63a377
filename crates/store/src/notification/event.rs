//! What can be told: the contract's `NotificationEventType`.

use sea_orm::{DeriveActiveEnum, EnumIter, Iterable as _};

/// An event that routes can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum NotificationEvent {
    /// A customer has connected.
    #[sea_orm(string_value = "connection.created")]
    ConnectionCreated,
    /// A connection has been changed, or consented to anew.
    #[sea_orm(string_value = "connection.updated")]
    ConnectionUpdated,
    /// A connection's token has been refreshed.
    #[sea_orm(string_value = "connection.refreshed")]
    ConnectionRefreshed,
    /// The provider refuses a connection's credential.
    #[sea_orm(string_value = "connection.error")]
    ConnectionError,
    /// A connection has been deleted.
    #[sea_orm(string_value = "connection.deleted")]
    ConnectionDeleted,
    /// A customer has installed.
    #[sea_orm(string_value = "installation.created")]
    InstallationCreated,
    /// An installation's config has been changed.
    #[sea_orm(string_value = "installation.updated")]
    InstallationUpdated,
    /// An installation has been deleted.
    #[sea_orm(string_value = "installation.deleted")]
    InstallationDeleted,
    /// An installation's scheduled reads have stopped.
    #[sea_orm(string_value = "read.schedule.paused")]
    ReadSchedulePaused,
    /// A backfill has ended well.
    #[sea_orm(string_value = "read.backfill.done")]
    ReadBackfillDone,
    /// A triggered read has ended well.
    #[sea_orm(string_value = "read.triggered.done")]
    ReadTriggeredDone,
    /// A triggered read has failed.
    #[sea_orm(string_value = "read.triggered.error")]
    ReadTriggeredError,
    /// An asynchronous write has ended.
    #[sea_orm(string_value = "write.async.done")]
    WriteAsyncDone,
    /// A subscription could not be set up; no provider of ours has any.
    #[sea_orm(string_value = "subscribe.create.error")]
    SubscribeCreateError,
    /// A destination has been disabled.
    #[sea_orm(string_value = "destination.webhook.disabled")]
    DestinationWebhookDisabled,
}

impl NotificationEvent {
    /// The contract's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionCreated => "connection.created",
            Self::ConnectionUpdated => "connection.updated",
            Self::ConnectionRefreshed => "connection.refreshed",
            Self::ConnectionError => "connection.error",
            Self::ConnectionDeleted => "connection.deleted",
            Self::InstallationCreated => "installation.created",
            Self::InstallationUpdated => "installation.updated",
            Self::InstallationDeleted => "installation.deleted",
            Self::ReadSchedulePaused => "read.schedule.paused",
            Self::ReadBackfillDone => "read.backfill.done",
            Self::ReadTriggeredDone => "read.triggered.done",
            Self::ReadTriggeredError => "read.triggered.error",
            Self::WriteAsyncDone => "write.async.done",
            Self::SubscribeCreateError => "subscribe.create.error",
            Self::DestinationWebhookDisabled => "destination.webhook.disabled",
        }
    }

    /// The event of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::every().find(|event| event.as_str() == word)
    }

    /// Every event there is.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::iter()
    }
}

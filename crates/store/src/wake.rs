//! Wake-ups: work or messages have become due.
//!
//! A hint that saves waiting for the next poll, never the only way to learn of
//! something: on SQLite a channel within the process, on PostgreSQL
//! LISTEN/NOTIFY.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::Store;
use crate::error::{Result, StoreError};
use crate::secrets::digest;

/// How long to wait before listening again after the connection was lost.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// What has become due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeKind {
    /// Rows of work.
    Work,
    /// Messages in the outbox.
    Outbox,
}

/// The waiting ends of both kinds.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    work: Notify,
    outbox: Notify,
}

impl Wakes {
    fn of(&self, kind: WakeKind) -> &Notify {
        match kind {
            WakeKind::Work => &self.work,
            WakeKind::Outbox => &self.outbox,
        }
    }

    /// Wakes one waiter now, or the next one that comes.
    pub(crate) fn wake(&self, kind: WakeKind) {
        self.of(kind).notify_one();
    }
}

impl Store {
    /// Resolves at the next wake-up of that kind. One that came while nobody
    /// waited is kept; of several waiters one is woken. Callers also poll.
    pub async fn woken(&self, kind: WakeKind) {
        self.inner.wakes.of(kind).notified().await;
    }
}

/// The names under which nodes on one schema notify each other.
#[derive(Debug)]
pub(crate) struct Channels {
    work: String,
    outbox: String,
}

impl Channels {
    /// The channels of a schema. They are shared by the whole database, so the
    /// schema is part of the name, as a hash, since names are short.
    pub(crate) fn of(schema: Option<&str>) -> Self {
        let schema: String = digest(schema.unwrap_or_default())
            .chars()
            .take(16)
            .collect();
        Self {
            work: format!("ligature_work_{schema}"),
            outbox: format!("ligature_outbox_{schema}"),
        }
    }

    /// The channel of a kind.
    pub(crate) fn name(&self, kind: WakeKind) -> &str {
        match kind {
            WakeKind::Work => &self.work,
            WakeKind::Outbox => &self.outbox,
        }
    }
}

/// The task that listens on PostgreSQL; it ends with this value.
#[derive(Debug)]
pub(crate) struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Listener {
    /// Listens from now on.
    pub(crate) async fn start(url: &str, channels: &Channels, wakes: Arc<Wakes>) -> Result<Self> {
        let unreachable = |error: sea_orm::SqlxError| {
            StoreError::Unreachable(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
        };
        let mut listener = PgListener::connect(url).await.map_err(unreachable)?;
        listener
            .listen_all([channels.work.as_str(), channels.outbox.as_str()])
            .await
            .map_err(unreachable)?;
        let outbox = channels.outbox.clone();
        let task = tokio::spawn(async move {
            let mut is_lost = false;
            loop {
                let received = listener.try_recv().await;
                match (&received, is_lost) {
                    (Err(error), false) => {
                        tracing::warn!(%error, "cannot listen for wake-ups; polling goes on");
                    }
                    (Err(_), true) | (Ok(_), _) => {}
                }
                is_lost = received.is_err();
                match received {
                    Ok(Some(notice)) if notice.channel() == outbox => wakes.wake(WakeKind::Outbox),
                    Ok(Some(_)) => wakes.wake(WakeKind::Work),
                    // The connection was lost, and wake-ups with it.
                    Ok(None) => {
                        wakes.wake(WakeKind::Work);
                        wakes.wake(WakeKind::Outbox);
                    }
                    Err(_) => tokio::time::sleep(RECONNECT_AFTER).await,
                }
            }
        });
        Ok(Self(task.abort_handle()))
    }
}

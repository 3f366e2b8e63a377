//! Wake-ups: work or messages have become due.
//!
//! A hint that saves waiting for the next poll, never the only way to learn of
//! something: on SQLite a channel within the process, on PostgreSQL
//! LISTEN/NOTIFY.

use tokio::sync::Notify;

use crate::Store;

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
        todo!()
    }
}

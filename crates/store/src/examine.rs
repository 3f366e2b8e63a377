//! The store as it stands, over all projects: for whoever proves that nothing is
//! lost. Only read, and nothing to be found by a name from outside.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::Store;
use crate::columns::At;
use crate::entities::sync;
use crate::error::{Result, StoreError};
use crate::outbox::OutboxMessage;
use crate::outbox::claim::CLAIMED;
use crate::statement::time;
use crate::sync::Sync;

/// What there is.
#[derive(Debug, Clone)]
pub struct Examination {
    /// Every sync.
    pub syncs: Vec<Sync>,
    /// Every row of work.
    pub work: Vec<HeldWork>,
    /// Every message that is kept. Read after the syncs: whatever they say is done
    /// is in here.
    pub messages: Vec<KeptMessage>,
}

/// A message without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// The identifier.
    pub id: String,
    /// `pending`, `delivered` or `dead`.
    pub status: String,
    /// Who is sending it.
    pub owner: Option<String>,
    /// When it is due, while it is pending.
    pub next_at: Timestamp,
}

/// A row of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldWork {
    /// The kind.
    pub kind: String,
    /// What it is about.
    pub subject_id: String,
    /// Who has it.
    pub owner: Option<String>,
    /// Until when.
    pub lease_until: Option<Timestamp>,
    /// When it is due; `None` sleeps.
    pub next_at: Option<Timestamp>,
    /// Claims since the last progress.
    pub attempts: i32,
}

impl Store {
    /// Looks at everything.
    pub async fn examine(&self) -> Result<Examination> {
        let syncs = sync::Entity::find().all(self.read()).await?;
        let select = "SELECT kind, subject_id, owner, lease_until, next_at, attempts FROM work";
        let select = self.backend().sql(select, []);
        let mut work = Vec::new();
        for row in self.read().query_all_raw(select).await? {
            let lease_until: Option<At> = row.try_get("", "lease_until")?;
            let next_at: Option<At> = row.try_get("", "next_at")?;
            work.push(HeldWork {
                kind: row.try_get("", "kind")?,
                subject_id: row.try_get("", "subject_id")?,
                owner: row.try_get("", "owner")?,
                lease_until: At::opt(lease_until),
                next_at: At::opt(next_at),
                attempts: row.try_get("", "attempts")?,
            });
        }
        let select = "SELECT id, status, owner, next_at FROM outbox";
        let select = self.backend().sql(select, []);
        let mut messages = Vec::new();
        for row in self.read().query_all_raw(select).await? {
            messages.push(KeptMessage {
                id: row.try_get("", "id")?,
                status: row.try_get("", "status")?,
                owner: row.try_get("", "owner")?,
                next_at: time(&row, "next_at")?,
            });
        }
        Ok(Examination {
            syncs: syncs.into_iter().map(Sync::from).collect(),
            work,
            messages,
        })
    }

    /// A message as it is kept.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn kept_message(&self, id: &str) -> Result<OutboxMessage> {
        let select = format!("SELECT {CLAIMED} FROM outbox WHERE id = $1");
        let select = self.backend().sql(&select, [id.into()]);
        let row = self.read().query_one_raw(select).await?;
        let row = row.ok_or_else(|| StoreError::not_found("message", id))?;
        OutboxMessage::of(&row, false)
    }
}

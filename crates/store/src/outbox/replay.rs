//! Sending again what was delivered or given up.
//!
//! A replayed message keeps its id and its body and gets as many attempts as a
//! new one. It comes outside of any order. Its attempts are counted on, so that
//! an acknowledgement of an earlier life settles nothing.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, Value};

use super::listing::DeliveryStatus;
use crate::audit::note;
use crate::columns::ms;
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::wake::WakeKind;

/// What a replay sets; its condition follows.
const REPLAY: &str = "UPDATE outbox SET status = 'pending', seq = NULL, owner = NULL, \
     next_at = $1, update_time = $1, replayed_after = attempt, attempt_times = NULL";

/// Which messages of a destination to replay.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The destination's id.
    pub destination_id: String,
    /// `Dead` or `Delivered`; nothing else is replayed.
    pub status: DeliveryStatus,
    /// Put in at this time or later.
    pub from: Option<Timestamp>,
    /// Put in before this time.
    pub to: Option<Timestamp>,
}

/// What came of replaying one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// It is due now.
    Replayed,
    /// It has not been delivered or given up yet.
    NotOver(DeliveryStatus),
}

impl Tenant<'_> {
    /// Replays one message.
    pub async fn replay_delivery(&self, id: &str, now: Timestamp) -> Result<ReplayOutcome> {
        let (visible, mut values) = self.visible(3);
        let mut tx = self.store.write().await?;
        let sql = format!("{REPLAY} WHERE id = $2 AND status IN ('dead', 'delivered') {visible}");
        let mut all: Vec<Value> = vec![ms(now).into(), id.into()];
        all.append(&mut values);
        let replay = tx.backend().sql_many(&sql, all);
        if tx.db().execute_raw(replay).await?.rows_affected() > 0 {
            tx.wake(WakeKind::Outbox).await?;
            note(&tx, self.scope, "delivery.replay", id, now).await?;
            tx.commit().await?;
            return Ok(ReplayOutcome::Replayed);
        }
        drop(tx);
        let status = self.delivery(id).await?.status;
        Ok(ReplayOutcome::NotOver(status))
    }

    /// Replays every matching message of a destination; says how many.
    pub async fn replay_deliveries(&self, which: &Replay, now: Timestamp) -> Result<u64> {
        match which.status {
            DeliveryStatus::Dead | DeliveryStatus::Delivered => {}
            DeliveryStatus::Held | DeliveryStatus::Pending => {
                return Err(StoreError::not_found("replay of", which.status.as_str()));
            }
        }
        let (visible, mut values) = self.visible(6);
        let sql = format!(
            "{REPLAY} WHERE destination_id = $2 AND status = $3 \
             AND create_time >= $4 AND create_time < $5 {visible}"
        );
        let mut all: Vec<Value> = vec![
            ms(now).into(),
            which.destination_id.as_str().into(),
            which.status.as_str().into(),
            which.from.map_or(i64::MIN, ms).into(),
            which.to.map_or(i64::MAX, ms).into(),
        ];
        all.append(&mut values);
        let mut tx = self.store.write().await?;
        let replay = tx.backend().sql_many(&sql, all);
        let replayed = tx.db().execute_raw(replay).await?.rows_affected();
        if replayed > 0 {
            tx.wake(WakeKind::Outbox).await?;
            let destination = &which.destination_id;
            note(&tx, self.scope, "destination.replay", destination, now).await?;
        }
        tx.commit().await?;
        Ok(replayed)
    }
}

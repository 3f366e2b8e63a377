//! Claiming what is due, fairly between destinations.
//!
//! Messages without a number go in parallel. Of those with one, only the first
//! of its destination that is still pending can be claimed, and while it is under
//! way it stays the first: so there is one at a time, over all nodes, and in
//! order. Numbers follow the order of commits, so nothing ever comes in before
//! the first.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult};

use super::share::{Due, Room, shares};
use super::{Acknowledged, DELIVERY_LEASE_MS, DeliveryOutcome, OutboxMessage, rate};
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::Result;
use crate::{Backend, Store};

/// The columns of a message to be sent.
pub(crate) const CLAIMED: &str = "id, destination_id, project_id, attempt, \
     attempt - replayed_after AS round_attempt, seq, envelope, body, object_key, bytes, operation_id, create_time";

/// What a claim came to.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// To be sent, in the order in which they were put in.
    pub messages: Vec<OutboxMessage>,
    /// Whether more may be due than there was room for.
    pub more: bool,
    /// When the rate lets more go, if it has kept something back.
    pub rated_until: Option<Timestamp>,
}

/// Who claims, and when.
struct Claim<'a> {
    owner: &'a str,
    now: Timestamp,
}

impl Claim<'_> {
    fn lease_until(&self) -> i64 {
        ms(self.now).saturating_add(DELIVERY_LEASE_MS)
    }

    /// The first of a destination's sequence, if it is due and nobody's.
    ///
    /// Two nodes may have found the same one: the second waits for the first's
    /// commit, sees that it is not due any more, and gets nothing.
    async fn first_of_sequence(
        &self,
        tx: &Tx<'_>,
        destination_id: &str,
    ) -> Result<Vec<QueryResult>> {
        let sql = format!(
            "UPDATE outbox SET attempt = attempt + 1, owner = $2, next_at = $3 \
             WHERE id = (SELECT o.id FROM outbox o WHERE o.destination_id = $1 \
             AND o.status = 'pending' AND o.seq IS NOT NULL ORDER BY o.seq LIMIT 1) \
             AND status = 'pending' AND next_at <= $4 RETURNING {CLAIMED}"
        );
        let claim = tx.backend().sql(
            &sql,
            [
                destination_id.into(),
                self.owner.into(),
                self.lease_until().into(),
                ms(self.now).into(),
            ],
        );
        Ok(tx.db().query_all_raw(claim).await?)
    }

    /// Up to `n` of a destination's other messages, the longest due first.
    async fn in_parallel(
        &self,
        tx: &Tx<'_>,
        destination_id: &str,
        n: usize,
    ) -> Result<Vec<QueryResult>> {
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT id AS due_id FROM outbox \
             WHERE destination_id = $1 AND status = 'pending' AND seq IS NULL \
             AND next_at <= $4 ORDER BY next_at LIMIT $5{}) \
             UPDATE outbox SET attempt = attempt + 1, owner = $2, next_at = $3 \
             FROM due WHERE id = due_id RETURNING {CLAIMED}",
            tx.backend().skip_locked()
        );
        let claim = tx.backend().sql(
            &sql,
            [
                destination_id.into(),
                self.owner.into(),
                self.lease_until().into(),
                ms(self.now).into(),
                i64::try_from(n).unwrap_or(i64::MAX).into(),
            ],
        );
        Ok(tx.db().query_all_raw(claim).await?)
    }
}

impl Store {
    /// As many due messages as there is room for, of destinations that are not
    /// disabled, shared out fairly. Each claim counts as an attempt.
    pub async fn claim_messages(
        &self,
        owner: &str,
        room: impl Into<Room>,
        now: Timestamp,
    ) -> Result<Claimed> {
        let room = room.into();
        // What could not be acknowledged must not be sent.
        if !self.takes_work(now).await {
            return Ok(Claimed {
                messages: Vec::new(),
                more: false,
                rated_until: None,
            });
        }
        let due = self.due_destinations(now).await?;
        let mut claimed = Claimed {
            messages: Vec::new(),
            more: false,
            rated_until: None,
        };
        if due.is_empty() || room.free == 0 {
            claimed.more = !due.is_empty();
            return Ok(claimed);
        }
        let claim = Claim { owner, now };
        let tx = self.write().await?;
        let projects: BTreeSet<&str> = due.iter().map(|due| due.project_id.as_str()).collect();
        let allowance = rate::allowances(&tx, &projects, room.rate, now).await?;
        let shares = shares(&room, &due, allowance);
        claimed.more = shares.more;
        claimed.rated_until = shares.rated.then(|| rate::next_second(now));
        let mut rows = Vec::new();
        let mut spent: BTreeMap<&str, usize> = BTreeMap::new();
        for (due, slots) in due.iter().zip(shares.slots).filter(|(_, slots)| *slots > 0) {
            let mut found = Vec::new();
            if due.sequence {
                found = claim.first_of_sequence(&tx, &due.destination_id).await?;
            }
            let left = slots.saturating_sub(found.len());
            if due.parallel && left > 0 {
                found.extend(claim.in_parallel(&tx, &due.destination_id, left).await?);
            }
            *spent.entry(&due.project_id).or_default() += found.len();
            rows.extend(found.into_iter().map(|row| (row, due.failing)));
        }
        if room.rate > 0 {
            for (project_id, messages) in spent {
                rate::spend(&tx, project_id, messages, now).await?;
            }
        }
        tx.commit().await?;
        self.read_claimed(rows, &mut claimed, now).await?;
        Ok(claimed)
    }

    /// Whether a claim still holds, and for so long that an attempt begun now
    /// ends within it. Whoever froze after a claim finds out here, before it
    /// sends what another has sent meanwhile.
    pub async fn claim_holds(
        &self,
        message: &OutboxMessage,
        for_at_least: SignedDuration,
        now: Timestamp,
    ) -> Result<bool> {
        let until = now.saturating_add(for_at_least).unwrap_or(Timestamp::MAX);
        let select = self.backend().sql(
            "SELECT 1 AS held FROM outbox WHERE id = $1 AND attempt = $2 \
             AND status = 'pending' AND owner IS NOT NULL AND next_at >= $3",
            [
                message.id.as_str().into(),
                message.attempt.into(),
                ms(until).into(),
            ],
        );
        Ok(self.read().query_one_raw(select).await?.is_some())
    }

    /// The destinations that have something due, the longest due first. It looks
    /// at one message or two of each, however many there are.
    async fn due_destinations(&self, now: Timestamp) -> Result<Vec<Due>> {
        let least = match self.backend() {
            Backend::Sqlite => "MIN",
            Backend::Postgres => "LEAST",
        };
        let sql = format!(
            "SELECT id, project_id, failing, sequence_at, parallel_at FROM (\
             SELECT d.id, d.project_id, d.failing_since IS NOT NULL AS failing, \
             (SELECT o.next_at FROM outbox o WHERE o.destination_id = d.id \
             AND o.status = 'pending' AND o.seq IS NOT NULL ORDER BY o.seq LIMIT 1) \
             AS sequence_at, \
             (SELECT o.next_at FROM outbox o WHERE o.destination_id = d.id \
             AND o.status = 'pending' AND o.seq IS NULL ORDER BY o.next_at LIMIT 1) \
             AS parallel_at \
             FROM destination d WHERE NOT d.disabled) AS heads \
             WHERE sequence_at <= $1 OR parallel_at <= $1 \
             ORDER BY {least}(COALESCE(sequence_at, parallel_at), \
             COALESCE(parallel_at, sequence_at)), id"
        );
        let select = self.backend().sql(&sql, [ms(now).into()]);
        let rows = self.read().query_all_raw(select).await?;
        let is_due = |at: Option<i64>| at.is_some_and(|at| at <= ms(now));
        rows.iter()
            .map(|row| {
                Ok(Due {
                    destination_id: row.try_get("", "id")?,
                    project_id: row.try_get("", "project_id")?,
                    failing: row.try_get("", "failing")?,
                    sequence: is_due(row.try_get("", "sequence_at")?),
                    parallel: is_due(row.try_get("", "parallel_at")?),
                })
            })
            .collect()
    }

    /// Reads what was claimed. A message that cannot be read is given up at once:
    /// it would not be readable later, and must keep no others from being sent.
    async fn read_claimed(
        &self,
        rows: Vec<(QueryResult, bool)>,
        claimed: &mut Claimed,
        now: Timestamp,
    ) -> Result<()> {
        let mut unreadable = Vec::new();
        for (row, failing) in rows {
            match OutboxMessage::of(&row, failing) {
                Ok(message) => claimed.messages.push(message),
                Err(error) => {
                    let id: String = row.try_get("", "id")?;
                    tracing::error!(%error, message = %id, "a message cannot be read");
                    unreadable.push(Acknowledged {
                        id,
                        attempt: row.try_get("", "attempt")?,
                        attempt_time: now,
                        outcome: DeliveryOutcome::Dead {
                            status: None,
                            error: "the stored message cannot be read; nothing was sent".to_owned(),
                        },
                        answer: None,
                    });
                }
            }
        }
        if !unreadable.is_empty() {
            self.acknowledge(&unreadable, now).await?;
        }
        claimed
            .messages
            .sort_by(|a, b| (a.create_time, &a.id).cmp(&(b.create_time, &b.id)));
        Ok(())
    }
}

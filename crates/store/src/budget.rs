//! Request budgets: how many calls a bucket may make in a rolling window,
//! counted exactly over all nodes.
//!
//! Calls are counted in slots of a sixtieth of the window, at least a second. A
//! slot counts until its last moment has left the window, so in no window are
//! there ever more calls than the limit.

use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;

use crate::columns::{at, ms};
use crate::connect::Tx;
use crate::error::Result;
use crate::statement::count;
use crate::{Backend, Store};

/// Slots in a window.
const SLOTS: i64 = 60;
/// The shortest slot.
const MIN_SLOT_MS: i64 = 1_000;

/// The answer to [`Store::spend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spend {
    /// One call may be made; it has been counted.
    Granted,
    /// The limit is reached.
    Full {
        /// When the oldest slot leaves the window.
        until: Timestamp,
    },
    /// The provider has said to wait.
    Blocked {
        /// Until when.
        until: Timestamp,
    },
}

/// When a call made now has certainly left the window: the end of its slot and
/// a window more.
fn leaves_at(now: Timestamp, window: SignedDuration) -> i64 {
    let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
    let slot = (window / SLOTS).max(MIN_SLOT_MS);
    ms(now)
        .div_euclid(slot)
        .saturating_add(1)
        .saturating_mul(slot)
        .saturating_add(window)
}

/// Locks a bucket for the transaction and says until when it is closed.
async fn lock(tx: &Tx<'_>, bucket: &str) -> Result<i64> {
    let sql = format!(
        "SELECT blocked_until FROM budget_bucket WHERE bucket = $1{}",
        tx.backend().for_update()
    );
    loop {
        let select = tx.backend().sql(&sql, [bucket.into()]);
        if let Some(row) = tx.db().query_one_raw(select).await? {
            return Ok(row.try_get("", "blocked_until")?);
        }
        tx.execute(
            "INSERT INTO budget_bucket (bucket, blocked_until) VALUES ($1, 0) \
             ON CONFLICT (bucket) DO NOTHING",
            [bucket.into()],
        )
        .await?;
    }
}

/// The calls within the window, and when the first of them leave it.
async fn used(
    db: &impl ConnectionTrait,
    backend: Backend,
    bucket: &str,
    now: Timestamp,
) -> Result<(i64, Option<i64>)> {
    let select = backend.sql(
        "SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) AS used, MIN(leaves_at) AS first \
         FROM budget_slot WHERE bucket = $1 AND leaves_at > $2",
        [bucket.into(), ms(now).into()],
    );
    match db.query_one_raw(select).await? {
        Some(row) => Ok((row.try_get("", "used")?, row.try_get("", "first")?)),
        None => Ok((0, None)),
    }
}

impl Store {
    /// Counts one call against a bucket, if there is room.
    pub async fn spend(
        &self,
        bucket: &str,
        limit: u32,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Spend> {
        let tx = self.write().await?;
        let blocked_until = lock(&tx, bucket).await?;
        if blocked_until > ms(now) {
            let until = at(blocked_until)?;
            return Ok(Spend::Blocked { until });
        }
        tx.execute(
            "DELETE FROM budget_slot WHERE bucket = $1 AND leaves_at <= $2",
            [bucket.into(), ms(now).into()],
        )
        .await?;
        let leaves_at = leaves_at(now, window);
        let (used, first) = used(tx.db(), self.backend(), bucket, now).await?;
        if used >= i64::from(limit) {
            let until = at(first.unwrap_or(leaves_at))?;
            return Ok(Spend::Full { until });
        }
        tx.execute(
            "INSERT INTO budget_slot (bucket, leaves_at, used) VALUES ($1, $2, 1) \
             ON CONFLICT (bucket, leaves_at) DO UPDATE SET used = budget_slot.used + 1",
            [bucket.into(), leaves_at.into()],
        )
        .await?;
        tx.commit().await?;
        Ok(Spend::Granted)
    }

    /// Closes a bucket until then; a later time wins.
    pub async fn gate(
        &self,
        bucket: &str,
        blocked_until: Timestamp,
        _now: Timestamp,
    ) -> Result<()> {
        let tx = self.write().await?;
        tx.execute(
            "INSERT INTO budget_bucket (bucket, blocked_until) VALUES ($1, $2) \
             ON CONFLICT (bucket) DO UPDATE SET blocked_until = CASE \
             WHEN excluded.blocked_until > budget_bucket.blocked_until \
             THEN excluded.blocked_until ELSE budget_bucket.blocked_until END",
            [bucket.into(), ms(blocked_until).into()],
        )
        .await?;
        tx.commit().await
    }

    /// How many calls of a bucket are within the window.
    pub async fn budget_used(
        &self,
        bucket: &str,
        _window: SignedDuration,
        now: Timestamp,
    ) -> Result<u32> {
        let (used, _) = used(self.read(), self.backend(), bucket, now).await?;
        count("budget_slot", used)
    }
}

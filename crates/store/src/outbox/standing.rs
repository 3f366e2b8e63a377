//! How destinations do: what waits for each, and how the last messages went. Every
//! statement is answered from one index, and none grows with what was delivered.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;

use super::listing::{DeliveriesOverview, DeliveryStatus};
use crate::columns::ms;
use crate::error::Result;
use crate::scope::Tenant;
use crate::statement::time;

/// How many of the last messages are looked at.
pub const MOST_RECENT: usize = 1_000;

/// How a destination's last messages went: at most [`MOST_RECENT`] of those that
/// were taken or given up within a time. It takes more than a day to be given up,
/// so when a message was put in says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recent {
    /// Taken.
    pub delivered: usize,
    /// Given up.
    pub dead: usize,
    /// From when a message was put in until it was taken: half of them took no
    /// longer.
    pub median: Option<SignedDuration>,
    /// The same for 95 of 100.
    pub slowest: Option<SignedDuration>,
}

impl Recent {
    /// The share that was taken, in percent; `None` where nothing has ended.
    #[must_use]
    pub fn percent_delivered(&self) -> Option<f64> {
        let count = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
        let all = self.delivered + self.dead;
        (all > 0).then(|| count(self.delivered) * 100.0 / count(all))
    }

    /// `ended` is the newest first: whether it was taken, and after how long.
    fn of(ended: &[(bool, SignedDuration)]) -> Self {
        let taken = ended.iter().filter(|(delivered, _)| *delivered);
        let mut took: Vec<_> = taken.map(|(_, took)| *took).collect();
        took.sort_unstable();
        let at = |percent: usize| took.get((took.len() * percent).div_ceil(100).max(1) - 1);
        Self {
            delivered: took.len(),
            dead: ended.len() - took.len(),
            median: at(50).copied(),
            slowest: at(95).copied(),
        }
    }
}

impl Tenant<'_> {
    /// What waits or was given up, by destination; `delivered` is not counted.
    pub async fn unsettled_by_destination(&self) -> Result<HashMap<String, DeliveriesOverview>> {
        let select = self.store.backend().sql(
            "SELECT d.id, o.status, COUNT(*) AS messages FROM destination d \
             JOIN outbox o ON o.destination_id = d.id AND o.status IN ('held', 'pending', 'dead') \
             WHERE d.project_id = $1 GROUP BY d.id, o.status",
            [self.scope.project_id().into()],
        );
        let mut by_destination: HashMap<String, DeliveriesOverview> = HashMap::new();
        for row in self.store.read().query_all_raw(select).await? {
            let status: String = row.try_get("", "status")?;
            let messages: i64 = row.try_get("", "messages")?;
            let counts = by_destination.entry(row.try_get("", "id")?).or_default();
            match DeliveryStatus::of_word(&status) {
                Some(DeliveryStatus::Held) => counts.held = messages,
                Some(DeliveryStatus::Pending) => counts.pending = messages,
                Some(DeliveryStatus::Dead) => counts.dead = messages,
                Some(DeliveryStatus::Delivered) | None => {}
            }
        }
        Ok(by_destination)
    }

    /// How the last messages to a destination of this project went that have ended at
    /// `since` or later.
    pub async fn recent_deliveries(&self, destination: &str, since: Timestamp) -> Result<Recent> {
        let id = self.destination(destination).await?.id;
        let mut ended = Vec::new();
        for status in [DeliveryStatus::Delivered, DeliveryStatus::Dead] {
            let select = self.store.backend().sql(
                "SELECT create_time, update_time FROM outbox \
                 WHERE destination_id = $1 AND status = $2 AND update_time >= $3 \
                 ORDER BY update_time DESC LIMIT $4",
                [
                    id.as_str().into(),
                    status.as_str().into(),
                    ms(since).into(),
                    i64::try_from(MOST_RECENT).unwrap_or(i64::MAX).into(),
                ],
            );
            for row in self.store.read().query_all_raw(select).await? {
                let (from, to) = (time(&row, "create_time")?, time(&row, "update_time")?);
                ended.push((
                    to,
                    status == DeliveryStatus::Delivered,
                    to.duration_since(from),
                ));
            }
        }
        ended.sort_by_key(|(at, _, _)| std::cmp::Reverse(*at));
        ended.truncate(MOST_RECENT);
        let ended: Vec<_> = ended
            .into_iter()
            .map(|(_, taken, took)| (taken, took))
            .collect();
        Ok(Recent::of(&ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nearly_all_of_what_was_taken() {
        let second = SignedDuration::from_secs;
        let mut ended: Vec<_> = (1..=100).map(|n| (true, second(n))).collect();
        ended.extend((0..25).map(|_| (false, second(9_000))));
        let recent = Recent::of(&ended);
        assert_eq!((recent.delivered, recent.dead), (100, 25));
        assert_eq!(recent.median, Some(second(50)));
        assert_eq!(recent.slowest, Some(second(95)));
        assert_eq!(recent.percent_delivered(), Some(80.0));
        let one = Recent::of(&[(true, second(3))]);
        assert_eq!(
            (one.median, one.slowest),
            (Some(second(3)), Some(second(3)))
        );
        assert_eq!(Recent::of(&[]), Recent::default());
        assert_eq!(Recent::default().percent_delivered(), None);
    }
}

//! How destinations do: what waits for each, and how the last messages went. Every
//! statement is answered from one index, and none grows with what was delivered.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, Value};

use super::listing::{DeliveriesOverview, DeliveryStatus};
use crate::columns::ms;
use crate::error::{Result, StoreError};
use crate::scope::Tenant;

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

    /// How the last messages to each destination of this project went that have ended
    /// at `since` or later, by the destination's id.
    pub async fn recent_by_destination(&self, since: Timestamp) -> Result<HashMap<String, Recent>> {
        self.recent(None, since).await
    }

    /// The same for one of them.
    pub async fn recent_deliveries(&self, destination: &str, since: Timestamp) -> Result<Recent> {
        let mut found = self.recent(Some(destination), since).await?;
        let recent = found.remove(destination);
        recent.ok_or_else(|| StoreError::not_found("destination", destination))
    }

    /// One statement, which takes so many of each destination out of the index.
    async fn recent(
        &self,
        only: Option<&str>,
        since: Timestamp,
    ) -> Result<HashMap<String, Recent>> {
        let [delivered, dead] = [DeliveryStatus::Delivered, DeliveryStatus::Dead].map(ended);
        let mut values: Vec<Value> = vec![
            self.scope.project_id().into(),
            ms(since).into(),
            i64::try_from(MOST_RECENT).unwrap_or(i64::MAX).into(),
        ];
        let mut sql =
            format!("SELECT d.id, {delivered}, {dead} FROM destination d WHERE d.project_id = $1");
        if let Some(only) = only {
            sql.push_str(" AND d.id = $4");
            values.push(only.into());
        }
        let select = self.store.backend().sql_many(&sql, values);
        let mut by_destination = HashMap::new();
        for row in self.store.read().query_all_raw(select).await? {
            let mut all = Vec::new();
            for status in [DeliveryStatus::Delivered, DeliveryStatus::Dead] {
                let times: Option<String> = row.try_get("", status.as_str())?;
                let is_delivered = status == DeliveryStatus::Delivered;
                for times in times.iter().flat_map(|times| times.split(',')) {
                    let (to, took) = times_of(times)?;
                    all.push((to, is_delivered, took));
                }
            }
            all.sort_by_key(|(to, _, _)| std::cmp::Reverse(*to));
            all.truncate(MOST_RECENT);
            let all: Vec<_> = all
                .into_iter()
                .map(|(_, taken, took)| (taken, took))
                .collect();
            by_destination.insert(row.try_get("", "id")?, Recent::of(&all));
        }
        Ok(by_destination)
    }
}

/// The last messages of that status to the destination `d`: when each ended and when
/// it was put in, as one text.
fn ended(status: DeliveryStatus) -> String {
    let word = status.as_str();
    format!(
        "(SELECT string_agg(CAST(update_time AS TEXT) || ':' || CAST(create_time AS TEXT), ',') \
         FROM (SELECT update_time, create_time FROM outbox \
         WHERE destination_id = d.id AND status = '{word}' AND update_time >= $2 \
         ORDER BY update_time DESC LIMIT $3) AS ended) AS {word}"
    )
}

/// When a message ended, in milliseconds, and how long that took.
fn times_of(text: &str) -> Result<(i64, SignedDuration)> {
    let times = text.split_once(':').and_then(|(to, from)| {
        let (to, from): (i64, i64) = (to.parse().ok()?, from.parse().ok()?);
        Some((to, SignedDuration::from_millis(to.saturating_sub(from))))
    });
    times.ok_or_else(|| StoreError::Corrupt {
        table: "outbox",
        detail: "the time of an end".to_owned(),
    })
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

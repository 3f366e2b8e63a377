//! Who counts the calls: the store, for all processes together; or, where there
//! is none, this process for itself.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use store::{Spend, Store, StoreError};

/// Calls in rolling windows, and gates that are closed after a 429.
#[async_trait::async_trait]
pub trait Budget: Debug + Send + Sync {
    /// Takes one call of at most `limit` in `window` from a bucket.
    async fn spend(
        &self,
        bucket: &str,
        limit: u32,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Spend, StoreError>;

    /// Closes a bucket until then.
    async fn gate(&self, bucket: &str, until: Timestamp, now: Timestamp) -> Result<(), StoreError>;
}

#[async_trait::async_trait]
impl Budget for Store {
    async fn spend(
        &self,
        bucket: &str,
        limit: u32,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Spend, StoreError> {
        Self::spend(self, bucket, limit, window, now).await
    }

    async fn gate(&self, bucket: &str, until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        Self::gate(self, bucket, until, now).await
    }
}

/// The budget of one process on its own.
#[derive(Debug, Default)]
pub struct OwnBudget(Mutex<HashMap<String, Bucket>>);

#[derive(Debug, Default)]
struct Bucket {
    /// How many calls were made at each moment.
    calls: BTreeMap<Timestamp, u32>,
    blocked_until: Option<Timestamp>,
}

#[async_trait::async_trait]
impl Budget for OwnBudget {
    async fn spend(
        &self,
        bucket: &str,
        limit: u32,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Spend, StoreError> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(bucket.to_owned()).or_default();
        if let Some(until) = bucket.blocked_until.filter(|until| *until > now) {
            return Ok(Spend::Blocked { until });
        }
        if limit == u32::MAX {
            return Ok(Spend::Granted);
        }
        let begin = now.saturating_sub(window).unwrap_or(Timestamp::MIN);
        bucket.calls.retain(|at, _| *at > begin);
        if bucket.calls.values().sum::<u32>() < limit {
            *bucket.calls.entry(now).or_default() += 1;
            return Ok(Spend::Granted);
        }
        let first = bucket.calls.keys().next().copied().unwrap_or(now);
        let until = first.saturating_add(window).unwrap_or(Timestamp::MAX);
        Ok(Spend::Full { until })
    }

    async fn gate(&self, bucket: &str, until: Timestamp, _: Timestamp) -> Result<(), StoreError> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(bucket.to_owned()).or_default();
        bucket.blocked_until = bucket.blocked_until.max(Some(until));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[tokio::test]
    async fn a_window_rolls_and_a_gate_closes() {
        let budget = OwnBudget::default();
        let window = SignedDuration::from_secs(60);
        assert_eq!(
            budget.spend("b", 2, window, at(0)).await.unwrap(),
            Spend::Granted
        );
        assert_eq!(
            budget.spend("b", 2, window, at(30)).await.unwrap(),
            Spend::Granted
        );
        let full = budget.spend("b", 2, window, at(59)).await.unwrap();
        assert_eq!(full, Spend::Full { until: at(60) });
        assert_eq!(
            budget.spend("other", 2, window, at(59)).await.unwrap(),
            Spend::Granted
        );
        assert_eq!(
            budget.spend("b", 2, window, at(60)).await.unwrap(),
            Spend::Granted
        );
        budget.gate("b", at(200), at(60)).await.unwrap();
        budget.gate("b", at(150), at(60)).await.unwrap();
        let blocked = budget.spend("b", 2, window, at(199)).await.unwrap();
        assert_eq!(blocked, Spend::Blocked { until: at(200) });
    }
}

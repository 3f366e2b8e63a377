//! Who counts the calls: the store, for all processes together; or, where there
//! is none, this process for itself. The rules are the same, and the store has
//! them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use store::{Account, Ask, Lane, OwnLedger, Refusal, Spend, Store, StoreError};

/// Calls in rolling windows, and gates that are closed after a 429.
#[async_trait::async_trait]
pub trait Budget: Debug + Send + Sync {
    /// Takes one call.
    async fn spend(&self, ask: &Ask<'_>, now: Timestamp) -> Result<Spend, StoreError>;

    /// Counts a call now that was counted earlier and has not left yet; false
    /// when it is not counted any more.
    async fn count_anew(
        &self,
        account: &Account<'_>,
        lane: Lane,
        counted_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Closes a bucket after a 429; returns until when.
    async fn refused(
        &self,
        account: &Account<'_>,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Takes note of another answer to a call that was counted at `sent_at`, and
    /// of what it said about the limit being near.
    async fn answered(
        &self,
        account: &Account<'_>,
        sent_at: Timestamp,
        near: Option<bool>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Gives back passes that are not needed.
    async fn give_back(
        &self,
        account: &Account<'_>,
        lane: Lane,
        passes: u32,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

#[async_trait::async_trait]
impl Budget for Store {
    async fn spend(&self, ask: &Ask<'_>, now: Timestamp) -> Result<Spend, StoreError> {
        Self::spend(self, ask, now).await
    }

    async fn count_anew(
        &self,
        account: &Account<'_>,
        lane: Lane,
        counted_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Self::count_anew(self, account, lane, counted_at, now).await
    }

    async fn refused(
        &self,
        account: &Account<'_>,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        Self::refused(self, account, refusal, now).await
    }

    async fn answered(
        &self,
        account: &Account<'_>,
        sent_at: Timestamp,
        near: Option<bool>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Self::answered(self, account, sent_at, near, now).await
    }

    async fn give_back(
        &self,
        account: &Account<'_>,
        lane: Lane,
        passes: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Self::give_back(self, account, lane, passes, now).await
    }
}

/// The budget of one process on its own. Nobody waits in line here, so there
/// are no passes.
#[derive(Debug, Default)]
pub struct OwnBudget(Mutex<HashMap<String, OwnLedger>>);

impl OwnBudget {
    fn with<T>(&self, account: &Account<'_>, change: impl FnOnce(&mut OwnLedger) -> T) -> T {
        let mut ledgers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = account.bucket.to_owned();
        let ledger = ledgers.entry(bucket);
        change(ledger.or_insert_with(|| OwnLedger::new(account)))
    }
}

#[async_trait::async_trait]
impl Budget for OwnBudget {
    async fn spend(&self, ask: &Ask<'_>, now: Timestamp) -> Result<Spend, StoreError> {
        self.with(&ask.account, |ledger| ledger.spend(ask, now))
    }

    async fn count_anew(
        &self,
        account: &Account<'_>,
        lane: Lane,
        counted_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let anew = |ledger: &mut OwnLedger| ledger.count_anew(lane, counted_at, now);
        Ok(self.with(account, anew))
    }

    async fn refused(
        &self,
        account: &Account<'_>,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.with(account, |ledger| ledger.refused(refusal, now))
    }

    async fn answered(
        &self,
        account: &Account<'_>,
        sent_at: Timestamp,
        near: Option<bool>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.with(account, |ledger| ledger.answered(sent_at, near, now));
        Ok(())
    }

    async fn give_back(
        &self,
        _: &Account<'_>,
        _: Lane,
        _: u32,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn ask(bucket: &str) -> Ask<'_> {
        Ask {
            account: Account {
                bucket,
                limit: 2,
                window: SignedDuration::from_secs(60),
                provider: "any",
                group: "all",
                provider_app_id: None,
                connection_id: None,
            },
            lane: Lane::Backfill,
            installation_id: None,
            with_pass: false,
        }
    }

    #[tokio::test]
    async fn a_window_rolls_and_a_gate_closes() {
        let budget = OwnBudget::default();
        let spend = async |bucket: &str, second| budget.spend(&ask(bucket), at(second)).await;
        assert_eq!(spend("b", 0).await.unwrap(), Spend::Granted);
        assert_eq!(spend("b", 30).await.unwrap(), Spend::Granted);
        // The slot's second, the window, and a second to arrive.
        let full = Spend::Full { until: at(62) };
        assert_eq!(spend("b", 59).await.unwrap(), full);
        assert_eq!(spend("other", 59).await.unwrap(), Spend::Granted);
        assert_eq!(spend("b", 62).await.unwrap(), Spend::Granted);
        let told = Some(SignedDuration::from_secs(138));
        let refusal = Refusal::new(at(62), told, 0);
        let account = ask("b").account;
        let until = budget.refused(&account, refusal, at(62)).await.unwrap();
        assert_eq!(until, Some(at(200)));
        let blocked = spend("b", 199).await.unwrap();
        assert_eq!(blocked, Spend::Blocked { until: at(200) });
    }
}

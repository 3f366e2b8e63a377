//! Paying for a call: which account it goes on, waiting while a person waits,
//! and what the answer says about the limit.

use std::sync::Arc;
use std::time::Duration;

use connector::{Description, Response};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use store::{Account, Ask, Lane, Refusal, Spend, StoreError};

use crate::calls::{BudgetOverride, CallError, Calls};
use crate::metrics::{self, CallMeter};
use crate::random;
use crate::tokens::Fresh;

/// How long an interactive call waits for the budget before it is answered 429.
const INTERACTIVE_PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// How often it looks again: others may give back what they do not need.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest that a wait after a 429 is lengthened, in thousandths.
const MOST_JITTER: u32 = 250;

/// What one piece of work calls for, and where it stands.
#[derive(Debug)]
pub(crate) struct Purse<'a> {
    /// In which lane.
    pub(crate) lane: Lane,
    /// For which installation.
    pub(crate) installation_id: Option<&'a str>,
    /// Calls promised to it, after it waited in line.
    pub(crate) passes: u32,
    /// The account of the last call.
    pub(crate) last: Option<Arc<Bill>>,
    /// How long an interactive call waits for the budget.
    pub(crate) patience: SignedDuration,
}

impl Purse<'_> {
    /// That of one call.
    pub(crate) fn of(lane: Lane) -> Self {
        Self {
            lane,
            installation_id: None,
            passes: 0,
            last: None,
            patience: INTERACTIVE_PATIENCE,
        }
    }
}

/// An account, with its names.
#[derive(Debug)]
pub(crate) struct Bill {
    pub(crate) bucket: String,
    limit: u32,
    window: SignedDuration,
    provider: &'static str,
    pub(crate) group: &'static str,
    provider_app_id: Option<String>,
    connection_id: Option<String>,
    pub(crate) meter: CallMeter,
}

impl Bill {
    fn account(&self) -> Account<'_> {
        Account {
            bucket: &self.bucket,
            limit: self.limit,
            window: self.window,
            provider: self.provider,
            group: self.group,
            provider_app_id: self.provider_app_id.as_deref(),
            connection_id: self.connection_id.as_deref(),
        }
    }
}

impl Calls {
    /// The account of a call of this group with a connection's credential, or with
    /// nobody's.
    pub(crate) fn bill(
        &self,
        description: &Description,
        fresh: &Fresh,
        connection_id: Option<&str>,
        group: Option<&'static str>,
    ) -> Arc<Bill> {
        let (limit, window) = limit_of(&self.budgets, description, group);
        let group = group.unwrap_or("other");
        Arc::new(Bill {
            bucket: bucket(&fresh.counted_as, group),
            limit,
            window,
            provider: description.provider,
            group,
            provider_app_id: fresh.provider_app_id.clone(),
            connection_id: connection_id
                .filter(|_| fresh.provider_app_id.is_none())
                .map(str::to_owned),
            meter: CallMeter::of(description.provider, group),
        })
    }

    /// Takes one call from the budget, waiting if a person waits too. Returns
    /// when it was counted.
    ///
    /// # Errors
    /// [`CallError::Budget`] when there is no room in time, with the account in
    /// the purse; [`CallError::Store`].
    pub(crate) async fn pay(
        &self,
        bill: &Arc<Bill>,
        purse: &mut Purse<'_>,
    ) -> Result<Timestamp, CallError> {
        purse.last = Some(Arc::clone(bill));
        let deadline = self
            .clock
            .now()
            .saturating_add(purse.patience)
            .unwrap_or(Timestamp::MAX);
        loop {
            let now = self.clock.now();
            let ask = Ask {
                account: bill.account(),
                lane: purse.lane,
                installation_id: purse.installation_id,
                with_pass: purse.passes > 0,
            };
            purse.passes = purse.passes.saturating_sub(1);
            let until = match self.budget.spend(&ask, now).await? {
                Spend::Granted => match self.in_time(bill, purse.lane, now).await? {
                    Some(sent_at) => return Ok(sent_at),
                    None => continue,
                },
                Spend::Full { until } | Spend::Blocked { until } => until,
            };
            metrics::budget_wait(bill.group, purse.lane);
            if purse.lane != Lane::Interactive || until > deadline {
                return Err(CallError::Budget { until });
            }
            let wait = until.duration_since(now).unsigned_abs();
            let wait = wait.clamp(Duration::from_millis(50), LOOK_EVERY);
            self.clock.sleep(wait).await;
        }
    }

    /// A call is counted before it leaves. If that took long, it would arrive when
    /// others already think it gone, so it is counted anew. `None` when it has to
    /// be paid again.
    async fn in_time(
        &self,
        bill: &Bill,
        lane: Lane,
        mut counted_at: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let account = bill.account();
        loop {
            let now = self.clock.now();
            let passed = now.duration_since(counted_at);
            if account.limit == u32::MAX || passed <= account.margin() / 2 {
                return Ok(Some(counted_at));
            }
            let anew = self.budget.count_anew(&account, lane, counted_at, now);
            if !anew.await? {
                return Ok(None);
            }
            counted_at = now;
        }
    }

    /// Takes note of what an answer says about the limit. After a 429 nobody who
    /// shares the account calls for a while.
    pub(crate) async fn told(
        &self,
        bill: &Bill,
        sent_at: Timestamp,
        response: &Response,
    ) -> Result<(), StoreError> {
        let header = |name: &str| response.header(name);
        self.heard(bill, sent_at, response.status, header)
            .await
            .map(drop)
    }

    /// As [`Calls::told`], from the head of an answer. Returns until when calls
    /// wait, after a 429.
    pub(crate) async fn heard<'h>(
        &self,
        bill: &Bill,
        sent_at: Timestamp,
        status: u16,
        header: impl Fn(&str) -> Option<&'h str>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (account, now) = (bill.account(), self.clock.now());
        if status == 429 {
            let told = header("retry-after").and_then(|value| retry_after(value, now));
            let refusal = Refusal::new(sent_at, told, random::up_to(MOST_JITTER));
            let until = self.budget.refused(&account, refusal, now).await?;
            tracing::warn!(
                provider = bill.provider,
                group = bill.group,
                until = until.map(tracing::field::display),
                "the provider's request limit is reached; calls wait"
            );
            return Ok(until);
        }
        let near = header("x-ratelimit-nearlimit");
        let near = near.map(|value| value.trim().eq_ignore_ascii_case("true"));
        if status >= 500 {
            // It may not have come as far as the limit.
            return Ok(None);
        }
        let answered = self.budget.answered(&account, sent_at, near, now);
        answered.await.map(|()| None)
    }

    /// Gives back the promised calls that a piece of work did not need.
    pub(crate) async fn settle(&self, purse: &Purse<'_>) -> Result<(), StoreError> {
        match &purse.last {
            Some(bill) if purse.passes > 0 => {
                let now = self.clock.now();
                let account = bill.account();
                self.budget
                    .give_back(&account, purse.lane, purse.passes, now)
                    .await
            }
            _ => Ok(()),
        }
    }
}

/// The limit of a group; without one only the gate after a 429 counts.
pub(crate) fn limit_of(
    overrides: &[BudgetOverride],
    description: &Description,
    group: Option<&str>,
) -> (u32, SignedDuration) {
    let seconds = |window_s: u32| SignedDuration::from_secs(i64::from(window_s));
    if let Some(own) = overrides.iter().find(|own| Some(own.group) == group) {
        let limit = if own.limit == 0 { u32::MAX } else { own.limit };
        return (limit, seconds(own.window_s));
    }
    group
        .and_then(|group| description.group(group))
        .map_or((u32::MAX, SignedDuration::from_hours(1)), |published| {
            (published.limit, seconds(published.window_s))
        })
}

/// The name of a bucket: who the provider counts the call for, hashed, since it
/// may be a token; and the group.
pub(crate) fn bucket(counted_as: &str, group: &str) -> String {
    format!(
        "{}:{group}",
        hex::encode(Sha256::digest(counted_as.as_bytes()))
    )
}

/// The wait that a 429 names: seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<i64>() {
        return Some(SignedDuration::from_secs(seconds.max(1)));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(date.duration_since(now).max(SignedDuration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use outbound::{Outbound, Settings};

    use super::*;
    use crate::budget::Budget;
    use crate::clock::Clock;

    /// A clock on which only the first payment takes time.
    #[derive(Debug, Default)]
    struct Slow {
        now_ms: AtomicI64,
        payments: AtomicI64,
        anew: AtomicI64,
    }

    #[async_trait::async_trait]
    impl Clock for Slow {
        fn now(&self) -> Timestamp {
            Timestamp::from_millisecond(self.now_ms.load(Ordering::Relaxed)).unwrap()
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[async_trait::async_trait]
    impl Budget for Slow {
        async fn spend(&self, _: &Ask<'_>, _: Timestamp) -> Result<Spend, StoreError> {
            self.payments.fetch_add(1, Ordering::Relaxed);
            self.now_ms.fetch_add(5_001, Ordering::Relaxed);
            Ok(Spend::Granted)
        }

        async fn count_anew(
            &self,
            _: &Account<'_>,
            _: Lane,
            counted_at: Timestamp,
            _: Timestamp,
        ) -> Result<bool, StoreError> {
            assert_eq!(counted_at.as_millisecond(), 0);
            self.anew.fetch_add(1, Ordering::Relaxed);
            Ok(true)
        }

        async fn refused(
            &self,
            _: &Account<'_>,
            _: Refusal,
            _: Timestamp,
        ) -> Result<Option<Timestamp>, StoreError> {
            Ok(None)
        }

        async fn answered(
            &self,
            _: &Account<'_>,
            _: Timestamp,
            _: Option<bool>,
            _: Timestamp,
        ) -> Result<(), StoreError> {
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

    #[tokio::test]
    async fn a_call_that_was_counted_long_ago_is_counted_anew() {
        let slow = Arc::new(Slow::default());
        let calls = Calls {
            outbound: Outbound::new(&Settings::new("test")).unwrap(),
            clock: slow.clone(),
            budget: slow.clone(),
            tokens: None,
            budgets: Arc::new([]),
        };
        let bill = Arc::new(Bill {
            bucket: "b".to_owned(),
            limit: 1_000,
            window: SignedDuration::from_hours(1),
            provider: "any",
            group: "all",
            provider_app_id: None,
            connection_id: None,
            meter: CallMeter::of("any", "all"),
        });
        let sent_at = calls.pay(&bill, &mut Purse::of(Lane::Backfill)).await;
        assert_eq!(sent_at.unwrap().as_millisecond(), 5_001);
        let of = |count: &AtomicI64| count.load(Ordering::Relaxed);
        assert_eq!((of(&slow.payments), of(&slow.anew)), (1, 1));
    }

    #[test]
    fn a_bucket_separates_credentials_and_groups_and_hides_the_credential() {
        let one = bucket("client-a", "repositories");
        assert_ne!(one, bucket("client-b", "repositories"));
        assert_ne!(one, bucket("client-a", "other"));
        assert!(!one.contains("client-a"));
    }

    #[test]
    fn a_wait_may_be_seconds_or_a_date() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let after = |value: &str| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(after("17"), Some(17));
        assert_eq!(after("Tue, 24 Nov 2026 10:02:00 GMT"), Some(120));
        assert_eq!(after("Tue, 24 Nov 2026 09:00:00 GMT"), Some(1));
        assert_eq!(after("soon"), None);
    }
}

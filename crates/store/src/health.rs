//! Whether the database can be reached and written to, learnt from what happens
//! and, sparingly, by trying.
//!
//! A write that fails because the disk is full stops all claims, so that nothing
//! is read from a provider that could not be kept, and nothing is sent that
//! could not be acknowledged. From then on one write as large as a page's, with
//! growing pauses, finds out when it goes on. Nobody has to start anything again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::Mutex;

use crate::Store;
use crate::error::{Result, StoreError};

/// How long the answer of a probe is good for.
const PROBE_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// How long a probe may take.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);
/// The pause before the first try after a write failed; it doubles.
const FIRST_PAUSE_S: i64 = 2;
/// The longest such pause.
const LONGEST_PAUSE_S: i64 = 30;
/// About what the commit of a large page writes.
const LARGE_WRITE_BYTES: usize = 1024 * 1024;

/// What is known of the database.
#[derive(Debug, Default)]
pub(crate) struct Health {
    known: std::sync::Mutex<Known>,
    /// Held by whoever tries, so that one does at a time.
    trying: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Since a write failed: how often, and when to try again.
    failing: Option<(u32, Timestamp)>,
    /// When the database last took a probe.
    well_at: Option<Timestamp>,
    /// When it last did not, since then.
    ill_at: Option<Timestamp>,
}

/// When to try again after that many failures.
fn next_try(failures: u32, now: Timestamp) -> Timestamp {
    let doubled = FIRST_PAUSE_S.saturating_mul(1_i64.checked_shl(failures.min(10)).unwrap_or(1));
    let pause = SignedDuration::from_secs(doubled.min(LONGEST_PAUSE_S));
    now.saturating_add(pause).unwrap_or(now)
}

impl Health {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn failed(&self, now: Timestamp) {
        let mut known = self.known();
        let failures = known.failing.map_or(0, |(failures, _)| failures);
        if failures == 0 {
            tracing::error!(
                "the database cannot be written to: no work is taken on until it can; free space on its disk"
            );
        }
        known.failing = Some((failures.saturating_add(1), next_try(failures, now)));
        known.well_at = None;
    }

    fn succeeded(&self, now: Timestamp) {
        let mut known = self.known();
        if known.failing.take().is_some() {
            tracing::info!("the database can be written to again: work goes on");
        }
        known.well_at = Some(now);
        known.ill_at = None;
    }

    fn unanswered(&self, now: Timestamp) {
        self.known().ill_at = Some(now);
    }

    fn failing(&self) -> Option<(u32, Timestamp)> {
        self.known().failing
    }

    /// Whether a probe lately went well.
    fn is_fresh(&self, now: Timestamp) -> bool {
        is_recent(self.known().well_at, now)
    }

    /// What a probe made lately, by whoever had the turn, says against another.
    fn refusal(&self, now: Timestamp) -> Option<StoreError> {
        let known = self.known();
        if known.failing.is_some_and(|(_, next_try)| now < next_try) {
            return Some(unwritable());
        }
        is_recent(known.ill_at, now).then(unanswered)
    }
}

fn is_recent(at: Option<Timestamp>, now: Timestamp) -> bool {
    let since = at.map(|at| now.duration_since(at));
    since.is_some_and(|since| since < PROBE_EVERY && !since.is_negative())
}

/// The error of a probe that was not answered.
fn unanswered() -> StoreError {
    let reason = "it did not answer in time".to_owned();
    StoreError::Unreachable(DbErr::Conn(RuntimeErr::Internal(reason)))
}

/// The error of a store that is still waiting to be written to.
fn unwritable() -> StoreError {
    let reason = "the last write failed, and it is not yet time to try again";
    StoreError::Unwritable(DbErr::Exec(RuntimeErr::Internal(reason.to_owned())))
}

impl Store {
    /// Takes note of a write that the database could not take.
    pub(crate) fn watch<T>(&self, result: Result<T>, now: Timestamp) -> Result<T> {
        if let Err(StoreError::Unwritable(_)) = &result {
            self.inner.health.failed(now);
        }
        result
    }

    /// Whether work may be taken on. After a write that failed it tries a large
    /// one, when it is time to.
    pub(crate) async fn takes_work(&self, now: Timestamp) -> bool {
        match self.inner.health.failing() {
            None => true,
            Some((_, next_try)) if now < next_try => false,
            Some(_) => self.try_write(LARGE_WRITE_BYTES, now).await.is_ok(),
        }
    }

    /// Whether the database can be reached and written to. Asked often, it tries
    /// seldom: a good answer holds for two seconds, and after a failed write
    /// pauses grow to half a minute.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], [`StoreError::Unwritable`].
    pub async fn readiness(&self, now: Timestamp) -> Result<()> {
        if self.inner.health.is_fresh(now) {
            return Ok(());
        }
        let bytes = match self.inner.health.failing() {
            None => 1,
            Some((_, next_try)) if now < next_try => return Err(unwritable()),
            Some(_) => LARGE_WRITE_BYTES,
        };
        self.try_write(bytes, now).await
    }

    /// Writes so many bytes to the row that is there for it.
    async fn try_write(&self, bytes: usize, now: Timestamp) -> Result<()> {
        let health = &self.inner.health;
        let _one_at_a_time = health.trying.lock().await;
        if health.is_fresh(now) {
            return Ok(());
        }
        if let Some(refusal) = health.refusal(now) {
            return Err(refusal);
        }
        let body = random_bytes(bytes);
        let write = async {
            let tx = self.write().await?;
            tx.execute("UPDATE probe SET body = $1 WHERE id = 1", [body.into()])
                .await?;
            tx.commit().await
        };
        let written = match tokio::time::timeout(PROBE_PATIENCE, write).await {
            Ok(written) => self.watch(written, now),
            Err(_) => Err(unanswered()),
        };
        match &written {
            Ok(()) => health.succeeded(now),
            Err(_) => health.unanswered(now),
        }
        written
    }
}

/// Bytes that no compression makes fewer.
fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rand::fill(bytes.as_mut_slice());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let pauses: Vec<i64> = [0, 1, 2, 3, 4, 50]
            .map(|failures| next_try(failures, now).duration_since(now).as_secs())
            .to_vec();
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30]);
    }
}

//! Token buckets, kept as the moment at which each is full again (the generic cell
//! rate algorithm), one for each name.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Buckets that are kept before full ones are looked for and forgotten.
const TIDY_AT: usize = 10_000;

/// How a bucket fills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// Microseconds in which one token comes back.
    pub(super) every_us: i64,
    /// Tokens in a full one.
    pub(super) most: i64,
}

impl Bucket {
    /// That many a second, and twice as many at once; `None` for no limit.
    pub(super) fn per_second(rate: u32) -> Option<Self> {
        let every_us = 1_000_000_i64.checked_div(i64::from(rate))?;
        Some(Self {
            every_us: every_us.max(1),
            most: i64::from(rate) * 2,
        })
    }

    /// Takes a token from a bucket that is full at `full_at`: when it is full from
    /// now on, and for how many microseconds there is no token.
    ///
    /// No bucket is full later than when an empty one is. One that seems to be was
    /// filled by a clock that has been set back: by little, and it is empty; by
    /// more, and it is full, since nobody must wait for the old time to come again.
    fn take(self, full_at: i64, now: i64) -> (i64, Result<(), i64>) {
        let empty = self.every_us.saturating_mul(self.most);
        let until_full = full_at.saturating_sub(now).max(0);
        let until_full = match until_full {
            far if far > empty.saturating_mul(2) => 0,
            near => near.min(empty),
        };
        let after = until_full.saturating_add(self.every_us);
        if after > empty {
            (now.saturating_add(until_full), Err(after - empty))
        } else {
            (now.saturating_add(after), Ok(()))
        }
    }
}

/// A bucket for each name.
#[derive(Debug, Default)]
pub(super) struct Rates {
    kept: Mutex<Kept>,
    /// Whether a token was ever taken.
    touched: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    full_at: HashMap<String, i64>,
    /// How many there may be before the next look.
    tidy_at: usize,
}

impl Rates {
    /// Takes a token of that name, or says in how many seconds there is one.
    pub(super) fn take(&self, bucket: Bucket, name: &str, now: Timestamp) -> Result<(), u32> {
        let now = now.as_microsecond();
        self.touched.store(true, Ordering::Relaxed);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = kept.full_at.get(name).copied().unwrap_or(now);
        let (full_at, taken) = bucket.take(full_at, now);
        kept.full_at.insert(name.to_owned(), full_at);
        kept.tidy(now);
        taken.map_err(seconds)
    }

    /// Whether there is a token of that name, which stays; or in how many seconds.
    pub(super) fn look(&self, bucket: Bucket, name: &str, now: Timestamp) -> Result<(), u32> {
        let now = now.as_microsecond();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = kept.full_at.get(name).copied().unwrap_or(now);
        let (_, taken) = bucket.take(full_at, now);
        taken.map_err(seconds)
    }

    /// Whether no token was ever taken, which costs nothing to know.
    pub(super) fn is_untouched(&self) -> bool {
        !self.touched.load(Ordering::Relaxed)
    }
}

fn seconds(wait_us: i64) -> u32 {
    u32::try_from(wait_us / 1_000_000 + 1).unwrap_or(u32::MAX)
}

impl Kept {
    /// Forgets the buckets that are full: a new one says the same.
    fn tidy(&mut self, now: i64) {
        if self.full_at.len() > self.tidy_at.max(TIDY_AT) {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.tidy_at = self.full_at.len().saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Bucket = Bucket {
        every_us: 100_000,
        most: 20,
    };

    fn at(us: i64) -> Timestamp {
        Timestamp::from_microsecond(1_800_000_000_000_000 + us).unwrap()
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let rates = Rates::default();
        assert!(rates.is_untouched());
        for _ in 0..20 {
            assert!(rates.look(TEN, "a", at(0)).is_ok());
            assert!(rates.take(TEN, "a", at(0)).is_ok());
        }
        assert_eq!(rates.take(TEN, "a", at(0)), Err(1));
        assert_eq!(rates.look(TEN, "a", at(0)), Err(1));
        assert!(rates.take(TEN, "b", at(0)).is_ok(), "others have their own");
        assert!(rates.take(TEN, "a", at(99_999)).is_err());
        assert!(rates.take(TEN, "a", at(100_000)).is_ok());
        assert!(rates.take(TEN, "a", at(100_000)).is_err());
        // Refusals cost nothing, and a full bucket gets no fuller.
        for _ in 0..20 {
            assert!(rates.take(TEN, "a", at(60_000_000)).is_ok());
        }
        assert!(rates.take(TEN, "a", at(60_000_000)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (rates, hour) = (Rates::default(), 3_600_000_000);
        for _ in 0..20 {
            assert!(rates.take(TEN, "a", at(hour)).is_ok());
        }
        // By an hour: as if nothing had been.
        for _ in 0..20 {
            assert!(rates.take(TEN, "a", at(0)).is_ok());
        }
        assert!(rates.take(TEN, "a", at(0)).is_err());
        // By a little: no burst for that, and the rate goes on.
        assert!(rates.take(TEN, "a", at(-5_000)).is_err());
        assert!(rates.take(TEN, "a", at(95_000)).is_ok());
        assert!(rates.take(TEN, "a", at(95_000)).is_err());
        assert!(rates.take(TEN, "a", at(195_000)).is_ok());
    }

    #[test]
    fn what_is_full_is_forgotten() {
        let rates = Rates::default();
        for name in 0..TIDY_AT {
            assert!(rates.take(TEN, &name.to_string(), at(0)).is_ok());
        }
        assert!(rates.take(TEN, "later", at(1_000_000)).is_ok());
        let kept = rates.kept.lock().unwrap();
        assert_eq!(kept.full_at.keys().collect::<Vec<_>>(), ["later"]);
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert!(Bucket::per_second(0).is_none());
        assert_eq!(Bucket::per_second(500).unwrap().every_us, 2_000);
    }
}

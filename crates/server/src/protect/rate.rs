//! Token buckets, kept as the moment at which each is full again (the generic cell
//! rate algorithm), one for each name.

use std::collections::HashMap;
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

    /// Takes a token from a bucket that is full at `full_at`: when it will be full
    /// then, or for how many microseconds there is none.
    fn take(self, full_at: i64, now: i64) -> Result<i64, i64> {
        let empty = self.every_us.saturating_mul(self.most);
        // A clock that was set back makes nobody wait for longer than an empty
        // bucket does.
        let full_at = full_at.clamp(now, now.saturating_add(empty));
        let next = full_at.saturating_add(self.every_us);
        let beyond = next.saturating_sub(now).saturating_sub(empty);
        if beyond > 0 { Err(beyond) } else { Ok(next) }
    }
}

/// A bucket for each name.
#[derive(Debug, Default)]
pub(super) struct Rates {
    kept: Mutex<Kept>,
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = kept.full_at.get(name).copied().unwrap_or(now);
        match bucket.take(full_at, now) {
            Ok(next) => {
                kept.full_at.insert(name.to_owned(), next);
                kept.tidy(now);
                Ok(())
            }
            Err(wait_us) => Err(u32::try_from(wait_us / 1_000_000 + 1).unwrap_or(u32::MAX)),
        }
    }
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
        for _ in 0..20 {
            assert!(rates.take(TEN, "a", at(0)).is_ok());
        }
        assert_eq!(rates.take(TEN, "a", at(0)), Err(1));
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
        let rates = Rates::default();
        let hour = 3_600_000_000;
        assert!(rates.take(TEN, "a", at(hour)).is_ok());
        assert!(rates.take(TEN, "a", at(0)).is_err());
        assert!(rates.take(TEN, "a", at(100_000)).is_err());
        let rates = Rates::default();
        assert!(rates.take(TEN, "a", at(hour)).is_ok());
        assert_eq!(rates.take(TEN, "a", at(0)), Err(1), "not an hour");
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

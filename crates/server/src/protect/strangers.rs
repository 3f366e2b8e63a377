//! Credentials that are none. Whoever sends them has no name to be counted by, so
//! the address is counted: it may be wrong as often as a key may ask, and then
//! nothing more of it is looked up for a while.
//!
//! Several clients may share an address, that of a gateway or of a proxy in front,
//! so what was good here before is looked up whatever else comes from there.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;

use super::rate::{Bucket, Rates};

/// Credentials that are remembered before all of them are forgotten.
const MOST_KNOWN: usize = 50_000;

/// Who was wrong, and who was right.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// By address.
    wrong: Rates,
    /// Hashes of what was good when it was looked up last, with a key that nobody
    /// outside of this process knows.
    known: RwLock<HashSet<u64>>,
    hasher: RandomState,
}

impl Strangers {
    /// Whether a credential may be looked up, or in how many seconds. `from` is asked
    /// only if it matters.
    pub(super) fn may_try(
        &self,
        bucket: Bucket,
        from: impl FnOnce() -> String,
        credential: &str,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<(), u32> {
        if self.wrong.is_untouched() {
            return Ok(());
        }
        let refused = self.wrong.look(bucket, &from(), now());
        if refused.is_err() && self.is_known(credential) {
            return Ok(());
        }
        refused
    }

    /// A credential was good.
    pub(super) fn was_good(&self, credential: &str) {
        if self.is_known(credential) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(self.hasher.hash_one(credential));
    }

    /// A credential was none, or is none any more: in how many seconds the next may
    /// be, if this one was too many already.
    pub(super) fn was_wrong(
        &self,
        bucket: Bucket,
        from: &str,
        credential: &str,
        now: Timestamp,
    ) -> Result<(), u32> {
        if self.is_known(credential) {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.remove(&self.hasher.hash_one(credential));
        }
        self.wrong.take(bucket, from, now)
    }

    fn is_known(&self, credential: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(&self.hasher.hash_one(credential))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_good_is_remembered_and_forgotten_in_bounds() {
        let strangers = Strangers::default();
        for n in 0..MOST_KNOWN {
            strangers.was_good(&n.to_string());
        }
        assert!(strangers.is_known("0"));
        strangers.was_good("one more");
        assert!(strangers.is_known("one more") && !strangers.is_known("0"));
        assert_eq!(strangers.known.read().unwrap().len(), 1);
    }
}

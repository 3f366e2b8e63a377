//! What was allowed a moment ago, by a hash of what was asked: an answer of the store
//! costs more than a call, so it is believed until something changes, and for a
//! moment at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex as Waiting;

use super::PASS_LASTS;

/// Answers that are kept before all of them are forgotten.
const MOST: usize = 20_000;
/// How often those that hold no longer are looked for and forgotten.
const TIDY_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// A hash of what was asked.
pub(super) type Key = [u8; 32];

/// When the store was asked, and how much had changed by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) changes: u64,
}

impl Moment {
    /// Whether what was answered then is still believed now.
    fn holds(self, now: Self) -> bool {
        let age = now.at.duration_since(self.at);
        self.changes == now.changes && !age.is_negative() && age < PASS_LASTS
    }
}

/// The answers of one process.
#[derive(Debug)]
pub(super) struct Kept<P> {
    slots: Mutex<Slots<P>>,
}

#[derive(Debug)]
struct Slots<P> {
    by_key: HashMap<Key, Arc<Slot<P>>>,
    tidied_at: Timestamp,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Slot<P> {
    answer: Mutex<Option<(Moment, Arc<P>)>>,
    /// Held by the one who asks the store.
    pub(super) asking: Waiting<()>,
}

impl<P> Default for Kept<P> {
    fn default() -> Self {
        let slots = Slots {
            by_key: HashMap::new(),
            tidied_at: Timestamp::UNIX_EPOCH,
        };
        Self {
            slots: Mutex::new(slots),
        }
    }
}

impl<P> Default for Slot<P> {
    fn default() -> Self {
        Self {
            answer: Mutex::default(),
            asking: Waiting::default(),
        }
    }
}

impl<P> Slot<P> {
    pub(super) fn get(&self, now: Moment) -> Option<Arc<P>> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let held = answer.as_ref().filter(|(then, _)| then.holds(now));
        held.map(|(_, answer)| Arc::clone(answer))
    }

    pub(super) fn set(&self, answer: Option<(Moment, Arc<P>)>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

impl<P> Kept<P> {
    pub(super) fn slot(&self, key: Key, now: Moment) -> Arc<Slot<P>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that is set back is no reason to wait for the old time.
        if now.at.duration_since(slots.tidied_at).abs() >= TIDY_EVERY {
            slots.tidied_at = now.at;
            // Whoever asks the store has a hold of the slot.
            let is_of_use =
                |slot: &mut Arc<Slot<P>>| Arc::strong_count(slot) > 1 || slot.get(now).is_some();
            slots.by_key.retain(|_, slot| is_of_use(slot));
        }
        if slots.by_key.len() >= MOST && !slots.by_key.contains_key(&key) {
            slots.by_key.clear();
        }
        Arc::clone(slots.by_key.entry(key).or_default())
    }

    /// Whoever is refused takes up no room.
    pub(super) fn forget(&self, key: &Key) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.by_key.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(ms: i64, changes: u64) -> Moment {
        Moment {
            at: Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap(),
            changes,
        }
    }

    fn answered(kept: &Kept<u8>, key: u8, then: Moment) {
        let answer = Some((then, Arc::new(key)));
        kept.slot([key; 32], then).set(answer);
    }

    fn keys(kept: &Kept<u8>) -> Vec<u8> {
        let slots = kept.slots.lock().unwrap();
        let mut keys: Vec<u8> = slots.by_key.keys().map(|key| key[0]).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn an_answer_holds_for_a_moment_and_until_something_changes() {
        let kept = Kept::default();
        answered(&kept, 1, moment(0, 5));
        let get = |now| kept.slot([1; 32], now).get(now).as_deref().copied();
        assert_eq!(get(moment(999, 5)), Some(1));
        assert_eq!(get(moment(1_000, 5)), None);
        assert_eq!(get(moment(10, 6)), None);
        assert_eq!(get(moment(-10, 5)), None, "a clock that was set back");
    }

    #[test]
    fn what_holds_no_longer_is_forgotten() {
        let kept = Kept::default();
        answered(&kept, 1, moment(0, 5));
        answered(&kept, 2, moment(0, 5));
        answered(&kept, 3, moment(9_500, 5));
        assert_eq!(keys(&kept), [1, 2, 3]);
        // Somebody asks the store for one of them.
        let asking = kept.slot([2; 32], moment(9_999, 5));
        answered(&kept, 4, moment(10_000, 5));
        assert_eq!(keys(&kept), [2, 3, 4]);
        drop(asking);
        answered(&kept, 5, moment(20_000, 6));
        assert_eq!(keys(&kept), [5]);
        // And by a clock that is set back.
        answered(&kept, 6, moment(0, 6));
        assert_eq!(keys(&kept), [6]);
    }
}

//! When the generated records were created and last updated.
//!
//! Shapes that a reader must survive are laid out on purpose: small groups that share one
//! `updated_on`, one import burst of more than a hundred (when there are enough records) so
//! that a whole page has the same time, and whole seconds without a fraction.

use super::identity::draw;

/// 2019-01-01T00:00:00Z and 2026-06-01T00:00:00Z in microseconds: data ends before the clock
/// of anybody who runs this, so that a touched record is always the newest.
const START_US: i64 = 1_546_300_800_000_000;
const END_US: i64 = 1_780_272_000_000_000;

/// Records that share the time of an import, when there are at least `BURST_FROM`.
const BURST: u32 = 105;
const BURST_FROM: u32 = 150;

/// Every fourth group of this many neighbours shares one `updated_on`.
const GROUP: u32 = 4;

const SECOND_US: i64 = 1_000_000;

/// Times of `count` records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    seed: u64,
    count: u32,
}

impl Calendar {
    pub(crate) fn new(parts: &[u64], count: u32) -> Self {
        Self {
            seed: draw(parts),
            count,
        }
    }

    pub(crate) fn count(self) -> u32 {
        self.count
    }

    /// Grows with the number, so that the order of creation is the order of numbers.
    pub(crate) fn created_us(self, number: u32) -> i64 {
        let step = (END_US - START_US) / 2 / i64::from(self.count.max(1));
        START_US + i64::from(number) * step + self.up_to(&[u64::from(number), 1], step - 1)
    }

    /// Never before the creation.
    pub(crate) fn updated_us(self, number: u32) -> i64 {
        let last = self.last_of_cluster(number);
        let earliest = self.created_us(last);
        let at = earliest + self.up_to(&[u64::from(last), 2], END_US - earliest - SECOND_US);
        if draw(&[self.seed, u64::from(last), 3]).is_multiple_of(8) {
            return (at / SECOND_US + 1) * SECOND_US;
        }
        at
    }

    /// The record whose times the whole cluster takes; itself when it stands alone.
    fn last_of_cluster(self, number: u32) -> u32 {
        let burst = self.count / 3;
        if self.count >= BURST_FROM && (burst..burst + BURST).contains(&number) {
            return burst + BURST - 1;
        }
        let group = number / GROUP;
        if draw(&[self.seed, u64::from(group), 4]).is_multiple_of(4) {
            return group * GROUP + GROUP - 1;
        }
        number
    }

    fn up_to(self, parts: &[u64], limit: i64) -> i64 {
        let drawn = draw(&[self.seed, draw(parts)]) >> 1;
        i64::try_from(drawn).unwrap_or_default() % limit.max(1)
    }
}

//! What a provider's own words do to a bucket: a 429 closes it, a warning that
//! the limit is near slows it down. Pure.
//!
//! A gate closes for a while that doubles with every further 429 and is
//! forgotten at the first answer that is none. A 429 to a call that was sent
//! before the gate closed says nothing new, so it does not count as a further
//! one. A gate that opens again lets one call through at a time until such an
//! answer has come: if the provider still refuses, it refuses one call and not
//! a crowd.

use serde::{Deserialize, Serialize};

/// The shortest and the longest first wait after a 429; in between, a sixtieth
/// of the window. Bitbucket's windows roll by the minute at the finest that
/// anyone has seen.
const FIRST_WAIT_MS: (i64, i64) = (1_000, 60_000);
/// The longest wait.
const LONGEST_WAIT_MS: i64 = 3_600_000;
/// The longest that a provider is believed when it names a wait itself.
const LONGEST_TOLD_MS: i64 = 24 * 3_600_000;
/// How long an opened gate waits for the answer to the one call it let through.
const PROBE_MS: i64 = 5_000;

/// A refusal for having called too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// When the call was counted, in milliseconds since 1970.
    pub(crate) sent_at: i64,
    /// How long the provider said to wait.
    pub(crate) told_ms: Option<i64>,
    /// By how much the wait is lengthened, in thousandths, so that those who were
    /// refused together do not come back together.
    pub(crate) jitter: u32,
}

/// Whether calls may pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gate {
    /// When it was last closed.
    closed_at: i64,
    /// Until when it is closed.
    until: i64,
    /// 429s without another answer in between.
    pub(crate) strikes: u32,
    /// Once opened: when the next call may be let through to see.
    probe_at: i64,
}

impl Gate {
    /// Until when nobody may call; `None` when calls may pass.
    pub(crate) fn shut(&self, now: i64) -> Option<i64> {
        let until = if self.strikes > 0 {
            self.until.max(self.probe_at)
        } else {
            self.until
        };
        (until > now).then_some(until)
    }

    /// Until when a 429 keeps it closed, for show.
    pub(crate) fn blocked(&self, now: i64) -> Option<i64> {
        (self.until > now).then_some(self.until)
    }

    /// Whether only one call may pass.
    pub(crate) fn is_probing(&self) -> bool {
        self.strikes > 0
    }

    /// One call passes.
    pub(crate) fn passed(&mut self, now: i64) {
        if self.strikes > 0 {
            self.probe_at = now.saturating_add(PROBE_MS);
        }
    }

    /// A call was refused.
    pub(crate) fn refused(&mut self, refusal: Refusal, window_ms: i64, now: i64) {
        let is_news = self.strikes == 0 || refusal.sent_at > self.closed_at;
        if is_news {
            self.strikes = self.strikes.saturating_add(1);
            self.closed_at = now;
        }
        let wait = match refusal.told_ms {
            Some(told) => told.clamp(1_000, LONGEST_TOLD_MS),
            None if is_news => {
                let first = (window_ms / 60).clamp(FIRST_WAIT_MS.0, FIRST_WAIT_MS.1);
                let doubled = first << self.strikes.saturating_sub(1).min(20);
                doubled.min(LONGEST_WAIT_MS)
            }
            None => return,
        };
        let jitter = wait.saturating_mul(i64::from(refusal.jitter)) / 1_000;
        let until = now.saturating_add(wait).saturating_add(jitter);
        self.until = self.until.max(until);
    }

    /// A call that was counted at `sent_at` got another answer.
    pub(crate) fn answered(&mut self, sent_at: i64) {
        if self.strikes > 0 && sent_at > self.closed_at {
            *self = Self::default();
        }
    }
}

/// After a warning that the limit is near.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pace {
    /// Until when the warning holds.
    until: i64,
    /// When the next call of a read may pass.
    next_at: i64,
}

impl Pace {
    /// A call's answer said whether the limit is near.
    pub(crate) fn told(&mut self, near: bool, window_ms: i64, now: i64) {
        let lasts = window_ms / 12;
        if !near {
            *self = Self::default();
        } else if self.until < now.saturating_add(lasts / 2) {
            // Not with every answer: that would be a write for each.
            self.until = now.saturating_add(lasts);
        }
    }

    /// Until when reads are slowed down, for show.
    pub(crate) fn slow(&self, now: i64) -> Option<i64> {
        (self.until > now).then_some(self.until)
    }

    /// When a read's next call may pass, if not now.
    pub(crate) fn next(&self, now: i64) -> Option<i64> {
        self.slow(now)
            .and((self.next_at > now).then_some(self.next_at))
    }

    /// A read's call passes: the next one may at a quarter of the usual rate.
    pub(crate) fn passed(&mut self, limit: u32, window_ms: i64, now: i64) {
        if self.slow(now).is_some() {
            let apart = window_ms.saturating_mul(4) / i64::from(limit.max(1));
            self.next_at = now.saturating_add(apart);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn refusal(sent_at: i64) -> Refusal {
        Refusal {
            sent_at,
            told_ms: None,
            jitter: 0,
        }
    }

    #[test]
    fn waits_double_and_one_good_answer_ends_it() {
        let mut gate = Gate::default();
        gate.refused(refusal(0), HOUR, 10);
        assert_eq!(gate.shut(10), Some(60_010));
        gate.refused(refusal(60_010), HOUR, 60_020);
        assert_eq!(gate.shut(60_020), Some(180_020));
        for n in 0..20 {
            gate.refused(refusal(200_000 + n), HOUR, 200_000 + n);
        }
        assert!(gate.shut(200_019).unwrap() <= 200_019 + HOUR);
        gate.answered(5);
        assert!(
            gate.shut(300_000).is_some(),
            "that was sent before it closed"
        );
        gate.answered(300_000);
        assert_eq!(gate, Gate::default());
    }

    #[test]
    fn calls_in_flight_when_it_closes_do_not_lengthen_it() {
        let mut gate = Gate::default();
        gate.refused(refusal(5), HOUR, 10);
        for late in 11..17 {
            gate.refused(refusal(late - 6), HOUR, late);
        }
        assert_eq!((gate.shut(40), gate.strikes), (Some(60_010), 1));
        let told = Refusal {
            told_ms: Some(300_000),
            ..refusal(9)
        };
        gate.refused(told, HOUR, 50);
        assert_eq!((gate.shut(50), gate.strikes), (Some(300_050), 1));
    }

    #[test]
    fn an_opened_gate_lets_one_call_through_at_a_time() {
        let mut gate = Gate::default();
        gate.refused(refusal(0), HOUR, 0);
        assert_eq!(gate.shut(60_000), None);
        gate.passed(60_000);
        assert_eq!(gate.shut(60_001), Some(65_000));
        assert_eq!(gate.blocked(60_001), None);
        gate.answered(60_000);
        assert_eq!(gate.shut(60_001), None);
    }

    #[test]
    fn near_the_limit_reads_go_at_a_quarter_of_the_rate() {
        let mut pace = Pace::default();
        pace.passed(1_000, HOUR, 0);
        assert_eq!(pace.next(0), None);
        pace.told(true, HOUR, 0);
        pace.passed(1_000, HOUR, 0);
        assert_eq!(pace.next(0), Some(14_400));
        assert_eq!(pace.next(14_400), None);
        let before = pace;
        pace.told(true, HOUR, 1_000);
        assert_eq!(pace, before, "one warning more writes nothing");
        pace.told(false, HOUR, 2_000);
        assert_eq!(pace, Pace::default());
    }
}

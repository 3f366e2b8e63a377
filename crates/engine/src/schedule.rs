//! When scheduled reads are due. Pure: the same sync has the same ticks on every
//! node and after every restart.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// The share of a period by which ticks are spread at most.
const SPREAD: i128 = 10;

/// What stands for the reads of one object through one connection. It outlives
/// an installation whose connection stays, so re-installing changes no tick then.
pub(crate) fn key(connection_id: &str, object_name: &str) -> String {
    format!("{connection_id}/{object_name}")
}

/// The first tick after `after` of a cron schedule of five parts, in UTC, for one
/// sync, which `key` stands for; `None` for an empty schedule, or one that never comes round.
///
/// Each sync has its own delay of up to a tenth of the period, so that a thousand
/// installations do not call at once; a delayed tick is never as late as the next.
pub(crate) fn next_tick(schedule: &str, key: &str, after: Timestamp) -> Option<Timestamp> {
    if schedule.trim().is_empty() {
        return None;
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed);
    let cron = parser.build().parse(schedule).ok()?;
    let mut tick = previous(&cron, after).or_else(|| next(&cron, after))?;
    // The tick before may still be to come, with its delay; the one after `after`
    // always is.
    for _ in 0..3 {
        let following = next(&cron, tick)?;
        let planned = tick
            .checked_add(delay(key, following.duration_since(tick)))
            .ok()?;
        if planned > after {
            return Some(planned);
        }
        tick = following;
    }
    None
}

/// The ticks of a sync after `begun` and up to `ended`, at most ten.
pub(crate) fn ticks_between(
    schedule: &str,
    key: &str,
    begun: Timestamp,
    ended: Timestamp,
) -> usize {
    let ticks = std::iter::successors(next_tick(schedule, key, begun), |tick| {
        next_tick(schedule, key, *tick)
    });
    ticks.take_while(|tick| *tick <= ended).take(10).count()
}

fn previous(cron: &Cron, at: Timestamp) -> Option<Timestamp> {
    let at = at.to_zoned(TimeZone::UTC).datetime();
    let found = cron.find_previous_occurrence(&at, true).ok()?;
    Some(found.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn next(cron: &Cron, after: Timestamp) -> Option<Timestamp> {
    let after = after.to_zoned(TimeZone::UTC).datetime();
    let found = cron.find_next_occurrence(&after, false).ok()?;
    Some(found.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The delay of a sync's ticks, from its key: a fraction of a tenth of the period.
fn delay(key: &str, period: SignedDuration) -> SignedDuration {
    let digest = Sha256::digest(key.as_bytes());
    let fraction = digest
        .iter()
        .take(2)
        .fold(0, |all, byte| all * 256 + i128::from(*byte));
    let most_ms = period.as_millis() / SPREAD;
    SignedDuration::from_millis(i64::try_from(most_ms * fraction / 65_536).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn ticks_are_spread_over_a_tenth_of_the_period_and_always_the_same() {
        let noon = at("2026-11-23T12:00:00Z");
        let mut seen = BTreeSet::new();
        for n in 0..1000 {
            let id = format!("sync-{n}");
            let tick = next_tick("0 * * * *", &id, noon).unwrap();
            assert_eq!(next_tick("0 * * * *", &id, noon), Some(tick));
            let delay = tick.duration_since(noon);
            let late = SignedDuration::from_mins(6);
            let again = SignedDuration::from_hours(1);
            assert!(
                delay > SignedDuration::ZERO
                    && (delay <= late || (again..=again + late).contains(&delay)),
                "{delay:?}"
            );
            seen.insert(delay.as_secs());
        }
        assert!(seen.len() > 250, "{} different seconds of 360", seen.len());
    }

    #[test]
    fn each_tick_comes_once_and_none_is_passed_over() {
        let expected = [
            ("*/10 * * * *", 59 * 24 * 6),
            ("0 * * * *", 59 * 24),
            ("0 0,1 * * *", 118),
            ("30 4 1 * *", 2),
        ];
        let (begin, end) = (at("2025-12-31T23:59:59Z"), at("2026-02-28T23:59:59Z"));
        for (schedule, expected) in expected {
            let ticks = std::iter::successors(next_tick(schedule, "sync", begin), |tick| {
                next_tick(schedule, "sync", *tick)
            });
            let ticks: Vec<Timestamp> = ticks.take_while(|tick| *tick <= end).collect();
            assert!(ticks.is_sorted(), "{schedule}");
            // The delay may move one tick over either border.
            assert!(
                ticks.len().abs_diff(expected) <= 1,
                "{schedule}: {} of {expected}",
                ticks.len()
            );
        }
    }

    #[test]
    fn no_schedule_has_no_ticks() {
        assert_eq!(next_tick("", "s", at("2026-01-01T00:00:00Z")), None);
        assert_eq!(next_tick("not cron", "s", at("2026-01-01T00:00:00Z")), None);
        assert_eq!(
            next_tick("0 0 31 2 *", "s", at("2026-01-01T00:00:00Z")),
            None
        );
    }

    #[test]
    fn a_run_that_is_too_long_is_counted() {
        let begun = at("2026-01-01T00:10:00Z");
        assert_eq!(
            ticks_between("0 * * * *", "s", begun, at("2026-01-01T00:40:00Z")),
            0
        );
        assert_eq!(
            ticks_between("0 * * * *", "s", begun, at("2026-01-01T03:30:00Z")),
            3
        );
    }
}

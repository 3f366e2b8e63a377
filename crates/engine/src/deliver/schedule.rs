//! What becomes of a failed attempt: pure, so the schedule can be read and tested
//! as a table.

use jiff::{SignedDuration, Timestamp};
use store::DeliveryOutcome;

use crate::random;

/// Waits after the first, second, … failed attempt. The attempt after the last
/// wait is the eighth and last one.
const WAITS: [SignedDuration; 7] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(10),
];

/// A receiver cannot put an attempt off for longer than this.
const MOST_WANTED_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Claims of one message after which it is given up unsent. There are eight
/// attempts; more claims than these mean that each has ended the process, and
/// that it will not end by itself.
const MOST_CLAIMS: i32 = 24;

/// The outcome of failed attempt number `attempt` (from 1): another one, or the
/// dead letters. A wait that the receiver wants counts where it is longer than
/// the schedule's.
pub(crate) fn after_failure(
    attempt: i32,
    status: Option<u16>,
    error: String,
    wanted: Option<SignedDuration>,
    now: Timestamp,
) -> DeliveryOutcome {
    let wait = usize::try_from(attempt)
        .ok()
        .and_then(|n| n.checked_sub(1))
        .and_then(|n| WAITS.get(n));
    match wait {
        Some(wait) => {
            let wanted = wanted.unwrap_or(SignedDuration::ZERO).min(MOST_WANTED_WAIT);
            let wait = random::jittered((*wait).max(wanted));
            let at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
            DeliveryOutcome::Retry { at, status, error }
        }
        None => DeliveryOutcome::Dead { status, error },
    }
}

/// How long the receiver wants to be left alone: `Retry-After` of a 429 or a
/// 503, in seconds or as an HTTP date.
pub(crate) fn wanted_wait(
    status: u16,
    retry_after: Option<&str>,
    now: Timestamp,
) -> Option<SignedDuration> {
    let text = retry_after.filter(|_| matches!(status, 429 | 503))?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number too large for any clock is still a wish to wait.
        let seconds = text.parse().unwrap_or(i64::MAX);
        return Some(SignedDuration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(date.duration_since(now))
}

/// Whether a message was claimed so often that it must be what ends the process.
pub(crate) fn is_worn_out(attempt: i32) -> bool {
    attempt > MOST_CLAIMS
}

/// What becomes of such a message.
pub(crate) fn worn_out(attempt: i32) -> DeliveryOutcome {
    DeliveryOutcome::Dead {
        status: None,
        error: format!("{} attempts were begun and none has ended", attempt - 1),
    }
}

/// A receiver's refusal in words.
pub(crate) fn explain_status(status: u16) -> String {
    match status {
        300..=399 => format!(
            "the destination answered {status}: redirects are not followed; set its final URL"
        ),
        410 => "the destination answered 410 Gone and was disabled".to_owned(),
        _ => format!("the destination answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_attempts_then_a_dead_letter() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut waits = Vec::new();
        let mut attempt = 1;
        let last = loop {
            match after_failure(attempt, Some(500), "no".to_owned(), None, now) {
                DeliveryOutcome::Retry { at, .. } => waits.push(at.duration_since(now).as_secs()),
                other => break other,
            }
            attempt += 1;
        };
        assert_eq!(attempt, 8);
        assert!(matches!(
            last,
            DeliveryOutcome::Dead {
                status: Some(500),
                ..
            }
        ));
        let planned = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];
        assert_eq!(waits.len(), planned.len());
        for (wait, planned) in waits.iter().zip(planned) {
            assert!(
                (planned..=planned + planned / 10 + 1).contains(wait),
                "{wait} for {planned}"
            );
        }
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait() {
        // 2026-11-24 12:00:00 UTC, a Tuesday.
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let wanted = |status, text| wanted_wait(status, Some(text), now);
        for status in [429, 503] {
            assert_eq!(wanted(status, " 90 "), Some(SignedDuration::from_secs(90)));
            let date = wanted(status, "Tue, 24 Nov 2026 13:00:00 GMT");
            assert_eq!(date, Some(SignedDuration::from_hours(1)));
            let past = wanted(status, "Tue, 24 Nov 2026 11:00:00 GMT");
            assert_eq!(past, Some(SignedDuration::from_hours(-1)));
        }
        for text in ["", "soon", "-5", "1.5", "1 h", "2026-13-99"] {
            assert_eq!(wanted(503, text), None, "{text}");
        }
        assert_eq!(wanted(500, "90"), None);
        assert_eq!(wanted_wait(503, None, now), None);
    }

    #[test]
    fn the_later_of_schedule_and_wish_counts_and_no_wish_is_endless() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let wait = |attempt, seconds| {
            let wanted = Some(SignedDuration::from_secs(seconds));
            match after_failure(attempt, Some(503), "no".to_owned(), wanted, now) {
                DeliveryOutcome::Retry { at, .. } => at.duration_since(now).as_secs(),
                other => panic!("{other:?}"),
            }
        };
        assert!((90..=100).contains(&wait(1, 90)));
        assert!(
            (300..=331).contains(&wait(2, 90)),
            "never earlier than planned"
        );
        assert!((5..=6).contains(&wait(1, -7)));
        let day = 24 * 3_600;
        assert!((day..=day + day / 10 + 1).contains(&wait(1, i64::MAX)));
        let last = after_failure(
            8,
            Some(503),
            "no".to_owned(),
            Some(SignedDuration::ZERO),
            now,
        );
        assert!(matches!(last, DeliveryOutcome::Dead { .. }));
    }
}

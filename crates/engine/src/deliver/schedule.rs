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

/// The outcome of failed attempt number `attempt` (from 1): another one, or the
/// dead letters.
pub(crate) fn after_failure(
    attempt: i32,
    status: Option<u16>,
    error: String,
    now: Timestamp,
) -> DeliveryOutcome {
    let wait = usize::try_from(attempt)
        .ok()
        .and_then(|n| n.checked_sub(1))
        .and_then(|n| WAITS.get(n));
    match wait {
        Some(wait) => {
            let at = now
                .saturating_add(random::jittered(*wait))
                .unwrap_or(Timestamp::MAX);
            DeliveryOutcome::Retry { at, status, error }
        }
        None => DeliveryOutcome::Dead { status, error },
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
            match after_failure(attempt, Some(500), "no".to_owned(), now) {
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
}

//! What a failed request means for the read it belonged to: again later, or the
//! end. Pure, so that it can be tested as a table.

use connector::Failure;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::random;

/// Attempts without a committed page in between. With the waits below that is
/// about a day of a provider being down.
const MOST_ATTEMPTS: i32 = 30;
const FIRST_WAIT_S: i64 = 2;
const LONGEST_WAIT_S: i64 = 3600;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try the same request again then.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// The run has failed.
    GiveUp {
        /// What a builder reads, with what to do about it.
        result: String,
    },
}

/// Judges the failure of attempt number `attempts` since the last committed page.
pub(super) fn judge(failure: &Failure, attempts: i32, now: Timestamp) -> Verdict {
    if failure.is_transient() && attempts < MOST_ATTEMPTS {
        let told = match failure {
            Failure::RateLimited {
                retry_after_s: Some(seconds),
            } => i64::try_from(*seconds).ok(),
            _ => None,
        };
        let doubled = FIRST_WAIT_S << attempts.clamp(1, 16).saturating_sub(1);
        let wait = SignedDuration::from_secs(told.unwrap_or(doubled).clamp(1, LONGEST_WAIT_S));
        return Verdict::Retry {
            at: now
                .saturating_add(random::jittered(wait))
                .unwrap_or(Timestamp::MAX),
        };
    }
    Verdict::GiveUp {
        result: in_words(failure),
    }
}

/// What happened, and what can be done about it.
pub(crate) fn in_words(failure: &Failure) -> String {
    format!(
        "{}. {}",
        failure.to_string().trim_end_matches('.'),
        remedy(failure)
    )
}

/// What a builder can do about it.
fn remedy(failure: &Failure) -> String {
    match failure {
        Failure::Unauthorized { .. } => "Ask the customer to connect the account again".to_owned(),
        Failure::Forbidden { required, .. } if !required.is_empty() => format!(
            "Give the provider app these permissions and ask the customer to connect again: {}",
            required.join(", ")
        ),
        Failure::Forbidden { .. } => {
            "The connected user may not see this: connect with one who may".to_owned()
        }
        Failure::NotFound { .. } => "Check the workspace that the customer connected".to_owned(),
        Failure::Gone { announcement, .. } => {
            let see = announcement
                .as_ref()
                .map_or(String::new(), |link| format!(" (see {link})"));
            format!("Remove the object from the manifest{see}")
        }
        Failure::Conflict { .. } | Failure::Invalid { .. } => {
            "Check the installation's config".to_owned()
        }
        Failure::RateLimited { .. } | Failure::Unavailable { .. } | Failure::Protocol { .. } => {
            "It was tried many times; start the read again when the provider works".to_owned()
        }
    }
}

/// The failure's particulars for the operation's log.
pub(super) fn details(failure: &Failure) -> Value {
    let mut details = json!({ "class": failure.class() });
    if let Failure::Forbidden {
        required, granted, ..
    } = failure
    {
        details = json!({ "class": failure.class(), "required": required.join(" "), "granted": granted.join(" ") });
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
    fn wait(verdict: &Verdict) -> i64 {
        let Verdict::Retry { at } = verdict else {
            panic!("{verdict:?}")
        };
        at.duration_since(now()).as_secs()
    }

    #[test]
    fn transient_failures_wait_longer_each_time_and_end() {
        let failure = Failure::Unavailable {
            message: "down".to_owned(),
        };
        assert!((2..=3).contains(&wait(&judge(&failure, 1, now()))));
        assert!((8..=9).contains(&wait(&judge(&failure, 3, now()))));
        assert!((3600..=3960).contains(&wait(&judge(&failure, 20, now()))));
        assert!(matches!(judge(&failure, 30, now()), Verdict::GiveUp { .. }));
    }

    #[test]
    fn a_limit_that_names_a_time_is_honoured() {
        let failure = Failure::RateLimited {
            retry_after_s: Some(120),
        };
        assert!((120..=132).contains(&wait(&judge(&failure, 1, now()))));
    }

    #[test]
    fn permanent_failures_say_what_to_do() {
        let forbidden = Failure::Forbidden {
            message: "no".to_owned(),
            required: vec!["project".to_owned()],
            granted: vec![],
        };
        let Verdict::GiveUp { result } = judge(&forbidden, 1, now()) else {
            panic!()
        };
        assert!(
            result.contains("project") && result.contains("connect again"),
            "{result}"
        );
    }
}

//! What a builder reads when a record was not written.

use connector::Failure;
use jiff::SignedDuration;

/// What the provider said, what is wrong with each field, and which permissions the
/// request needs against those that it has.
pub(super) fn of(failure: &Failure) -> String {
    let mut words = failure.to_string();
    match failure {
        Failure::Invalid { fields, .. } => {
            for (field, reasons) in fields {
                words.push_str(&format!("; {field}: {}", reasons.join(", ")));
            }
        }
        Failure::Forbidden {
            required, granted, ..
        } if !required.is_empty() => {
            let granted = match granted.as_slice() {
                [] => "nothing".to_owned(),
                granted => granted.join(", "),
            };
            words = format!(
                "{}; required: {}; granted: {granted}",
                words.trim_end_matches('.'),
                required.join(", ")
            );
        }
        Failure::Gone {
            announcement: Some(url),
            ..
        } => words.push_str(&format!("; see {url}")),
        Failure::Unauthorized { .. }
        | Failure::Forbidden { .. }
        | Failure::NotFound { .. }
        | Failure::Gone { .. }
        | Failure::Conflict { .. }
        | Failure::RateLimited { .. }
        | Failure::Unavailable { .. }
        | Failure::Protocol { .. } => {}
    }
    words
}

/// The same of a create of which nobody knows whether it came about.
pub(super) fn unknown(failure: &str, why: &str) -> String {
    format!(
        "it cannot be known whether the record was made: {failure}; {why}. Look for it before writing it again"
    )
}

/// Whether a request that failed so may have been carried out all the same.
pub(super) fn is_ambiguous(failure: &Failure) -> bool {
    match failure {
        Failure::Unavailable { .. } | Failure::Protocol { .. } => true,
        Failure::Unauthorized { .. }
        | Failure::Forbidden { .. }
        | Failure::NotFound { .. }
        | Failure::Gone { .. }
        | Failure::Conflict { .. }
        | Failure::Invalid { .. }
        | Failure::RateLimited { .. } => false,
    }
}

/// How long the provider wants to be left alone, if it said so.
pub(super) fn told_wait(failure: &Failure) -> Option<SignedDuration> {
    let Failure::RateLimited { retry_after_s } = failure else {
        return None;
    };
    let seconds = i64::try_from((*retry_after_s)?).ok()?;
    Some(SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_particular_is_told() {
        let invalid = Failure::Invalid {
            message: "Bad request".to_owned(),
            fields: [("key".to_owned(), vec!["taken".to_owned(), "odd".to_owned()])].into(),
        };
        assert_eq!(of(&invalid), "Bad request; key: taken, odd");
        let forbidden = Failure::Forbidden {
            message: "No.".to_owned(),
            required: vec!["project:admin".to_owned()],
            granted: Vec::new(),
        };
        assert_eq!(
            of(&forbidden),
            "No; required: project:admin; granted: nothing"
        );
    }
}

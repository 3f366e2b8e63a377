//! Identifiers.

use jiff::Timestamp;
use uuid::{NoContext, Uuid};

/// A new identifier: a version 7 UUID as lower-case text. Within a process
/// later ones compare greater.
#[must_use]
pub fn new() -> String {
    Uuid::now_v7().to_string()
}

/// A new identifier of what is made at that time, which [`made_at`] tells.
pub(crate) fn at(now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(NoContext, seconds, nanos);
    Uuid::new_v7(time).to_string()
}

/// When an identifier was made, to the millisecond.
pub(crate) fn made_at(id: &str) -> Option<Timestamp> {
    let (seconds, nanos) = Uuid::try_parse(id).ok()?.get_timestamp()?.to_unix();
    let (seconds, nanos) = (seconds.try_into().ok()?, nanos.try_into().ok()?);
    Timestamp::new(seconds, nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_tells_when_it_was_made() {
        let now: Timestamp = "2026-11-29T12:36:20.123Z".parse().unwrap();
        assert_eq!(made_at(&at(now)), Some(now));
        assert_ne!(at(now), at(now));
        assert!(made_at(&new()).is_some());
        // No time is in one of version 4, and none in what is no identifier.
        assert_eq!(made_at(&Uuid::new_v4().to_string()), None);
        assert_eq!(made_at("acme"), None);
    }
}

//! Timestamps as Bitbucket writes them: `+00:00`, microseconds, and no fraction at all when
//! the microseconds are zero.

use jiff::Timestamp;

/// Microseconds since 1970 in Bitbucket's notation.
pub(crate) fn notation(at_us: i64) -> String {
    let at = Timestamp::from_microsecond(at_us).unwrap_or_default();
    let format = if at_us.rem_euclid(1_000_000) == 0 {
        "%Y-%m-%dT%H:%M:%S+00:00"
    } else {
        "%Y-%m-%dT%H:%M:%S.%6f+00:00"
    };
    at.strftime(format).to_string()
}

/// Microseconds since 1970 as webhooks write them: with `Z`, and always a fraction.
pub(crate) fn zulu(at_us: i64) -> String {
    let at = Timestamp::from_microsecond(at_us).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_is_absent_when_it_is_zero() {
        assert_eq!(notation(0), "1970-01-01T00:00:00+00:00");
        assert_eq!(notation(1_000_020), "1970-01-01T00:00:01.000020+00:00");
    }
}

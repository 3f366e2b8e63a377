//! Bitbucket's times: RFC 3339 with an optional fraction and any offset in
//! records, milliseconds and `Z` in a filter, the HTTP form in headers.
//!
//! Nothing here asks what time it is; the only present is a response's own
//! `Date`.

use connector::Response;
use jiff::{SignedDuration, Timestamp};

/// How far a watermark stays behind what was read: Bitbucket may show a change
/// a little after the time that it stamps on it.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// Parses a record's time.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// UTC with six fractional digits, so that text order is time order.
pub(crate) fn normalise(time: Timestamp) -> String {
    format!("{time:.6}")
}

/// The latest whole millisecond that is not after `time`: what a filter can
/// express without leaving the record itself out.
pub(crate) fn cut(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_microsecond().div_euclid(1000)).unwrap_or(time)
}

/// The earliest whole millisecond that is not before `time`.
pub(crate) fn cut_up(time: Timestamp) -> Timestamp {
    let down = cut(time);
    if down == time { down } else { after(down) }
}

/// The whole millisecond after the one `time` lies in.
pub(crate) fn after(time: Timestamp) -> Timestamp {
    cut(time)
        .checked_add(SignedDuration::from_millis(1))
        .unwrap_or(time)
}

/// A time as a filter takes it: UTC with `Z`, three fractional digits.
pub(crate) fn filter(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Where the next read must begin when everything up to `time` has been read.
pub(crate) fn less_overlap(time: Timestamp) -> Timestamp {
    time.checked_sub(OVERLAP).unwrap_or(time)
}

/// When the provider says that it answered.
pub(crate) fn answered_at(response: &Response) -> Option<Timestamp> {
    http(response.header("date")?)
}

/// Parses the HTTP form, which is a subset of RFC 2822.
pub(crate) fn http(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::{after, cut, cut_up, filter, http, normalise, parse};

    #[test]
    fn fractions_are_optional_and_offsets_any() {
        for (sent, normal) in [
            (
                "2013-11-08T01:11:03.222520+00:00",
                "2013-11-08T01:11:03.222520Z",
            ),
            ("2010-07-07T05:16:36+00:00", "2010-07-07T05:16:36.000000Z"),
            ("2010-07-07T07:16:36.5+02:00", "2010-07-07T05:16:36.500000Z"),
            ("2010-07-07T05:16:36Z", "2010-07-07T05:16:36.000000Z"),
        ] {
            assert_eq!(parse(sent).map(normalise).as_deref(), Some(normal));
        }
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn filters_are_cut_down_never_up() {
        let time = parse("2026-01-02T03:04:05.678999+00:00").unwrap();
        assert_eq!(filter(cut(time)), "2026-01-02T03:04:05.678Z");
        assert_eq!(filter(after(time)), "2026-01-02T03:04:05.679Z");
        assert_eq!(filter(cut_up(time)), "2026-01-02T03:04:05.679Z");
        assert_eq!(cut_up(cut(time)), cut(time));
        let early = parse("1969-12-31T23:59:59.999900Z").unwrap();
        assert_eq!(filter(cut(early)), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn header_dates() {
        let time = http("Mon, 23 Nov 2026 10:00:00 GMT").map(normalise);
        assert_eq!(time.as_deref(), Some("2026-11-23T10:00:00.000000Z"));
        assert_eq!(http("120"), None);
    }
}

//! What lists are asked for: moments in forms, and links that ask for the same
//! with something more.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use url::form_urlencoded;

use crate::problem::Problem;

/// A moment, as `<input type="datetime-local">` sends it: with its offset, where a
/// script has told the viewer's zone, and else in UTC. `None` where it is empty.
pub(super) fn moment(name: &str, text: &str) -> Result<Option<Timestamp>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    // With an offset first: a civil time may be parsed from that too, and loses it.
    let in_utc = || {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let at = text.parse().ok().or_else(in_utc);
    at.map(Some).ok_or_else(|| {
        Problem::new(400, format!("`{name}` is not a time")).remedy(
            "Write it as 2026-11-29T13:45, in UTC, or with an offset, as 2026-11-29T13:45:00Z",
        )
    })
}

/// The same moment as such an input has it: in UTC, and without saying so. Nothing
/// where it is none.
pub(super) fn utc(text: &str) -> String {
    let at = moment("", text).ok().flatten();
    at.map_or_else(String::new, |at| {
        let civil = at.to_zoned(TimeZone::UTC).datetime();
        let format = match civil.second() {
            0 => "%Y-%m-%dT%H:%M",
            _ => "%Y-%m-%dT%H:%M:%S",
        };
        civil.strftime(format).to_string()
    })
}

/// `?name=value&…`, without what is empty.
pub(super) fn link(fields: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
    format!("?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_utc() {
        let at = |text| moment("from", text).ok().flatten().map(|at| at.to_string());
        let expected = Some("2026-11-29T13:45:00Z".to_owned());
        assert_eq!(at("2026-11-29T13:45"), expected);
        assert_eq!(at("2026-11-29T13:45:00"), expected);
        assert_eq!(
            at("2026-11-29T14:45:00+01:00").as_deref(),
            Some("2026-11-29T13:45:00Z")
        );
        assert!(matches!(moment("from", ""), Ok(None)));
        assert!(moment("from", "yesterday").is_err());
    }

    #[test]
    fn inputs_have_moments_in_utc_whatever_was_asked_for() {
        for (asked, shown) in [
            ("2026-11-29T13:45", "2026-11-29T13:45"),
            ("2026-11-29T13:45:00Z", "2026-11-29T13:45"),
            ("2026-11-29T19:30:07+05:45", "2026-11-29T13:45:07"),
            ("", ""),
            ("yesterday", ""),
        ] {
            assert_eq!(utc(asked), shown, "{asked}");
        }
    }

    #[test]
    fn links_have_what_is_given() {
        assert_eq!(
            link(&[("a", "x y&z"), ("b", ""), ("c", "1")]),
            "?a=x+y%26z&c=1"
        );
        assert_eq!(link(&[]), "?");
    }
}

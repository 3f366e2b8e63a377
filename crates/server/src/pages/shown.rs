//! How values are written on pages.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::{SignedDuration, Timestamp};

/// A moment as HTML. Without a script it is in UTC; a script puts it into the
/// viewer's zone and language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    at: Timestamp,
    now: Option<Timestamp>,
}

impl Time {
    /// The moment itself.
    pub(crate) fn at(at: Timestamp) -> Self {
        Self { at, now: None }
    }

    /// Its distance from now.
    pub(crate) fn from(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now: Some(now) }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.at.strftime("%Y-%m-%d %H:%M");
        match self.now {
            None => write!(f, "<time datetime=\"{:.0}\">{utc} UTC</time>", self.at),
            Some(now) => write!(
                f,
                "<time datetime=\"{:.0}\" data-ago title=\"{utc} UTC\">{}</time>",
                self.at,
                distance(self.at.duration_since(now))
            ),
        }
    }
}

impl HtmlSafe for Time {}

/// `3 min ago`, `in 2 h`.
fn distance(from_now: SignedDuration) -> String {
    let length = duration(from_now.abs());
    if from_now.abs() < SignedDuration::from_secs(1) {
        "now".to_owned()
    } else if from_now.is_negative() {
        format!("{length} ago")
    } else {
        format!("in {length}")
    }
}

/// The largest unit that says enough.
pub(crate) fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How far pages count what there may be any number of.
pub(crate) const MOST_COUNTED: u32 = 10_000;

/// A number that was counted no further than [`MOST_COUNTED`].
pub(crate) fn counted(n: i64) -> String {
    let more = if n < i64::from(MOST_COUNTED) { "" } else { "+" };
    format!("{}{more}", number(n))
}

/// A number whose thousands are apart.
pub(crate) fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if n < 0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_both_ways() {
        let at: Timestamp = "2026-11-29T12:36:20.123Z".parse().unwrap();
        assert_eq!(
            Time::at(at).to_string(),
            "<time datetime=\"2026-11-29T12:36:20Z\">2026-11-29 12:36 UTC</time>"
        );
        let told = |seconds| {
            let now = at.checked_add(SignedDuration::from_secs(seconds)).unwrap();
            let text = Time::from(at, now).to_string();
            let (_, text) = text.split_once("UTC\">").unwrap();
            text.strip_suffix("</time>").unwrap().to_owned()
        };
        assert_eq!(told(0), "now");
        assert_eq!(told(119), "119 s ago");
        assert_eq!(told(600), "10 min ago");
        assert_eq!(told(-7_200), "in 2 h");
        assert_eq!(told(400_000), "4 days ago");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(number(-1_000), "−1\u{202f}000");
        assert_eq!(counted(9_999), "9\u{202f}999");
        assert_eq!(counted(10_000), "10\u{202f}000+");
    }
}

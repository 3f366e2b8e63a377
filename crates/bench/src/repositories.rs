//! A workspace's repositories as Bitbucket would send them, sorted by
//! `updated_on`: records of 2 to 3 KB, all alike but for their names and times.
//!
//! Record `n` was updated `n` seconds after a fixed day, so a filter on the time
//! is an index, and a page is a run of bytes.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;

/// When record 0 was updated.
const FIRST: Timestamp = Timestamp::constant(1_546_300_800, 123_456_000);
/// More than this is made anew for each page: it would fill the memory.
const MOST_PRERENDERED: u64 = 50_000;

/// A record, with `@N@` where its number goes, `@T@` where its time goes, and
/// `@U@` for the end of its UUID.
const TEMPLATE: &str = include_str!("repository.json");

/// The repositories of every workspace there is.
#[derive(Debug)]
pub struct Repositories {
    count: u64,
    /// Every record and a comma, and where each begins; empty when they are made
    /// page by page.
    rendered: Vec<u8>,
    begins: Vec<usize>,
}

impl Repositories {
    /// That many.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let mut all = Self {
            count,
            rendered: Vec::new(),
            begins: Vec::new(),
        };
        if count <= MOST_PRERENDERED {
            let mut text = String::new();
            for n in 0..count {
                all.begins.push(text.len());
                render(&mut text, n);
            }
            all.begins.push(text.len());
            all.rendered = text.into_bytes();
        }
        all
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// When a record was updated, cut down to what a filter can say.
    #[must_use]
    pub fn filter_of(n: u64) -> String {
        format!("{:.3}", updated(n))
    }

    /// The answer's body for a request's target, of which the filter and the
    /// page's length are heeded. `None` for anything but a walk by key.
    #[must_use]
    pub fn answer(&self, target: &str, origin: &str) -> Option<Vec<u8>> {
        let (path, query) = target.split_once('?')?;
        if !path.starts_with("/2.0/repositories/") || !query.contains("sort=updated_on") {
            return None;
        }
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let length: u64 = parameter("pagelen")?.parse().ok()?;
        let from = match parameter("q") {
            None => 0,
            Some(q) => first_at_or_after(q).ok()?,
        };
        let (from, to) = (from.min(self.count), (from + length).min(self.count));
        let left = self.count - from;
        let mut body = format!("{{\"size\":{left},\"pagelen\":{length},\"page\":1,\"values\":[");
        let mut body = if self.begins.is_empty() {
            for n in from..to {
                render(&mut body, n);
            }
            body.into_bytes()
        } else {
            let at = |n: u64| self.begins.get(usize::try_from(n).ok()?).copied();
            let mut body = body.into_bytes();
            body.extend_from_slice(self.rendered.get(at(from)?..at(to)?)?);
            body
        };
        if to > from {
            body.pop();
        }
        body.push(b']');
        if to < self.count {
            let next = format!(",\"next\":\"{origin}{path}?{query}&page=2\"");
            body.extend_from_slice(next.as_bytes());
        }
        body.push(b'}');
        Some(body)
    }
}

/// The first record that a filter `updated_on >= T` lets through.
fn first_at_or_after(q: &str) -> Result<u64> {
    let q = percent_decode_str(&q.replace('+', " "))
        .decode_utf8()?
        .into_owned();
    let time = q.rsplit(' ').next().context("no time")?;
    let time: Timestamp = time.trim_matches('"').parse()?;
    let ahead = time.duration_since(FIRST);
    let whole = u64::try_from(ahead.as_secs()).unwrap_or(0);
    let beyond = ahead > SignedDuration::from_secs(i64::try_from(whole)?);
    Ok(whole + u64::from(beyond))
}

fn updated(n: u64) -> Timestamp {
    let seconds = i64::try_from(n).unwrap_or(i64::MAX);
    FIRST
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

/// A number of 48 bits for each `n`, in no order, as identifiers have it; none
/// comes twice, since the factor is odd.
fn scattered(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4b) % (1 << 48)
}

/// Appends a record and a comma.
fn render(to: &mut String, n: u64) {
    let time = updated(n).strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00");
    for (index, part) in TEMPLATE.trim_end().split('@').enumerate() {
        // Between the marks stands text, and between two marks a letter.
        if index % 2 == 0 {
            to.push_str(part);
        } else {
            // Writing to a text cannot fail.
            let written = match part {
                "T" => write!(to, "{time}"),
                "U" => write!(to, "{:012x}", scattered(n)),
                _ => write!(to, "{n:08}"),
            };
            debug_assert!(written.is_ok(), "a text takes everything");
        }
    }
    to.push(',');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(all: &Repositories) -> u64 {
        let mut target = "/2.0/repositories/w?sort=updated_on&pagelen=100".to_owned();
        let mut seen = 0;
        loop {
            let body = all.answer(&target, "http://127.0.0.1:1").unwrap();
            let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let values = page["values"].as_array().unwrap();
            let repeated = u64::from(seen > 0);
            seen += u64::try_from(values.len()).unwrap() - repeated;
            if page.get("next").is_none() {
                return seen;
            }
            let last = Repositories::filter_of(seen - 1);
            let updated = values.last().unwrap()["updated_on"].as_str().unwrap();
            let exact: Timestamp = updated.parse().unwrap();
            assert_eq!(format!("{exact:.3}"), last);
            target = format!(
                "/2.0/repositories/w?q=updated_on%20%3E%3D%20{last}&sort=updated_on&pagelen=100"
            );
        }
    }

    #[test]
    fn a_walk_by_key_meets_every_record() {
        assert_eq!(walk(&Repositories::new(250)), 250);
        let unrendered = Repositories {
            begins: Vec::new(),
            rendered: Vec::new(),
            ..Repositories::new(250)
        };
        assert_eq!(walk(&unrendered), 250);
    }

    #[test]
    fn records_are_of_a_realistic_size() {
        let mut one = String::new();
        render(&mut one, 7);
        assert!((2000..3000).contains(&one.len()), "{}", one.len());
    }

    #[test]
    fn after_the_last_record_there_is_an_empty_page() {
        let target = "/2.0/repositories/w?q=updated_on+%3E%3D+2026-01-01T00:00:00.000Z&sort=updated_on&pagelen=50";
        let body = Repositories::new(3).answer(target, "o").unwrap();
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(page["values"].as_array().unwrap().len(), 0);
    }
}

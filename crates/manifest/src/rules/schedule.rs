//! Schedules: cron of five parts, in UTC.
//!
//! How often one comes round is measured between its ticks: `0,1 0 * * *` is
//! once a day by its looks and a minute apart by its ticks.

use std::collections::HashMap;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::SignedDuration;
use jiff::civil::{DateTime, Time, date};

use crate::explain::Findings;
use crate::tree::At;
use crate::{Limits, Rule};

const REMEDY: &str = "Write minute, hour, day, month and weekday, such as \"0 * * * *\" for hourly";

/// How many days with ticks are looked at for the gap between two of them.
const DAYS_SEEN: usize = 400;

/// How many different schedules a manifest may have. Finding out that one never
/// comes round takes long, and manifests come from strangers.
const MAX_SCHEDULES: usize = 64;

/// What is wrong with a schedule and what to do about it.
type Verdict = Option<(Rule, String, &'static str)>;

/// The schedules of one manifest; each is measured once.
#[derive(Debug)]
pub(super) struct Schedules<'a> {
    limits: Limits,
    seen: HashMap<&'a str, Verdict>,
    is_full: bool,
}

impl<'a> Schedules<'a> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            seen: HashMap::new(),
            is_full: false,
        }
    }

    /// The rules about an object's `schedule`.
    pub(super) fn check(&mut self, object: &At<'a>, findings: &mut Findings) {
        let Some(at) = object.get("schedule") else {
            return;
        };
        let Some(text) = at.text().filter(|text| !text.is_empty()) else {
            return;
        };
        if self.seen.len() >= MAX_SCHEDULES && !self.seen.contains_key(text) {
            if !self.is_full {
                let message = format!("there are more than {MAX_SCHEDULES} different schedules");
                findings.add(
                    Rule::Size,
                    &at,
                    message,
                    "Use the same ones for several objects",
                );
            }
            self.is_full = true;
            return;
        }
        let limits = self.limits;
        let verdict = self.seen.entry(text).or_insert_with(|| judge(text, limits));
        if let Some((rule, message, remedy)) = verdict {
            findings.add(*rule, &at, message.as_str(), *remedy);
        }
    }
}

/// What is wrong with a schedule that stands alone, in one sentence with its
/// remedy; `None` for a good one, or for none at all.
#[must_use]
pub fn explain_schedule(text: &str, limits: Limits) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    judge(text, limits).map(|(_, message, remedy)| format!("{message}. {remedy}"))
}

fn judge(text: &str, limits: Limits) -> Verdict {
    let parts = text.split_whitespace().count();
    if parts != 5 {
        let message = format!("the schedule has {parts} parts, but cron has five");
        return Some((Rule::Cron, message, REMEDY));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed);
    let cron = match parser.build().parse(text) {
        Ok(cron) => cron,
        Err(error) => {
            let said = error.to_string();
            let message = format!("the schedule is not cron: {}", said.trim_end_matches('.'));
            return Some((Rule::Cron, message, REMEDY));
        }
    };
    let minimum = i64::from(limits.min_schedule_seconds);
    match shortest_gap(&cron, minimum).map(|gap| gap.as_secs()) {
        None => {
            let message = "the schedule never comes round".to_owned();
            Some((Rule::Cron, message, "Name a day that exists"))
        }
        Some(gap) if gap < minimum => {
            let message = format!(
                "two ticks of the schedule are {gap} seconds apart, but at least {minimum} are required"
            );
            Some((
                Rule::ScheduleTooOften,
                message,
                "Let it come round less often",
            ))
        }
        Some(_) => None,
    }
}

/// The shortest time between two ticks, or one below `minimum_s` as soon as it
/// is found; `None` if there are no ticks. Every day that has ticks has the same
/// ones, so one day is looked at closely, and of the others only their distance.
fn shortest_gap(cron: &Cron, minimum_s: i64) -> Option<SignedDuration> {
    // A leap year, so that every day of a year comes up.
    let from = date(2024, 1, 1).to_datetime(Time::midnight());
    let first = cron.find_next_occurrence(&from, true).ok()?;
    let mut shortest = SignedDuration::MAX;
    let mut last = first;
    while let Some(next) = next(cron, last).filter(|next| next.date() == first.date()) {
        shortest = shortest.min(next.duration_since(last));
        if shortest.as_secs() < minimum_s {
            return Some(shortest);
        }
        last = next;
    }
    let overnight = SignedDuration::from_hours(24) - last.duration_since(first);
    if overnight.as_secs() >= minimum_s {
        return Some(shortest.min(overnight));
    }
    let mut day = first;
    for _ in 0..DAYS_SEEN {
        let end = day.date().to_datetime(last.time());
        let Some(following) = next(cron, end) else {
            break;
        };
        shortest = shortest.min(following.duration_since(end));
        if shortest.as_secs() < minimum_s {
            break;
        }
        day = following;
    }
    Some(shortest)
}

fn next(cron: &Cron, after: DateTime) -> Option<DateTime> {
    cron.find_next_occurrence(&after, false).ok()
}

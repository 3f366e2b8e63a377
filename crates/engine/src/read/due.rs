//! When a sync reads next, and from where. Pure.
//!
//! The stored tick is what was planned. Ticks missed while nothing ran come to
//! one run; a schedule that was edited meanwhile is simply planned anew.

use connector::Filtering;
use jiff::Timestamp;
use store::{ConnectionStatus, ReadSubject, ReadType};

use crate::registry::Registry;
use crate::schedule;
use crate::shape::Selection;

/// What a sync without a run should do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Read.
    Now {
        /// From when on; `None` from the beginning.
        since: Option<Timestamp>,
    },
    /// Sleep until the customer has connected again.
    AfterConsent,
    /// Sleep until then; `None` is for good, or until something is changed.
    At(Option<Timestamp>),
}

/// What to do now.
pub(super) fn next(subject: &ReadSubject, registry: &Registry, now: Timestamp) -> Due {
    let tick = after(subject, now);
    let planned = subject.sync.due_at.is_some_and(|due| due <= now);
    let enabled = Selection::of(subject).is_ok_and(|selection| selection.enabled);
    if !planned || !enabled {
        return Due::At(tick);
    }
    // Bound to fail, and the consent that mends it wakes this up.
    if subject.connection.status == ConnectionStatus::BadCredentials {
        return Due::AfterConsent;
    }
    let connector = registry.get(&subject.connection.provider);
    let object = connector.and_then(|c| c.describe().object(&subject.sync.object_name));
    let by_time = object.is_some_and(|object| object.filtering == Filtering::ByTime);
    Due::Now {
        since: subject.sync.watermark.filter(|_| by_time),
    }
}

/// The first tick after `now`, by the definition as it is now.
pub(super) fn after(subject: &ReadSubject, now: Timestamp) -> Option<Timestamp> {
    let selection = Selection::of(subject).ok()?;
    schedule::next_tick(&selection.schedule, &key(subject), now)
}

/// When the sync reads next once the run under way has ended. What somebody asked
/// for stands beside the schedule: a tick that passed meanwhile is still due.
pub(super) fn following(subject: &ReadSubject, now: Timestamp) -> Option<Timestamp> {
    let next = after(subject, now)?;
    let planned = subject.sync.due_at;
    let planned = planned.filter(|_| subject.sync.read_type == Some(ReadType::Triggered));
    Some(planned.map_or(next, |planned| planned.min(next)))
}

/// What to tell of a scheduled run that went on past its next tick.
pub(super) fn overrun(subject: &ReadSubject, now: Timestamp) -> Option<String> {
    let selection = Selection::of(subject).ok()?;
    if subject.sync.read_type == Some(ReadType::Triggered) {
        return None;
    }
    let begun = subject.sync.due_at?;
    let passed = schedule::ticks_between(&selection.schedule, &key(subject), begun, now);
    (passed > 0).then(|| {
        format!("This read was still going at its next scheduled time ({passed} passed): reads of one object never overlap, so a longer schedule would do as well")
    })
}

fn key(subject: &ReadSubject) -> String {
    schedule::key(&subject.connection.id, &subject.sync.object_name)
}

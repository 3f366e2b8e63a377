//! When a sync reads next, and from where. Pure.
//!
//! The stored tick is what was planned. Ticks missed while nothing ran come to
//! one run; a schedule that was edited meanwhile is simply planned anew.

use connector::Filtering;
use jiff::Timestamp;
use store::{ConnectionStatus, ReadSubject, ReadType};

use crate::reconcile::FirstRun;
use crate::registry::Registry;
use crate::schedule;
use crate::shape::{Selection, definition};

/// What a sync without a run should do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Read.
    Now {
        /// Why.
        read_type: ReadType,
        /// From when on; `None` from the beginning.
        since: Option<Timestamp>,
    },
    /// Begin without a backfill.
    Without {
        /// From where the next read goes on.
        watermark: Option<Timestamp>,
        /// When that is.
        tick: Option<Timestamp>,
    },
    /// Sleep until the customer has connected again.
    AfterConsent,
    /// Sleep until then; `None` is for good, or until something is changed.
    At(Option<Timestamp>),
}

/// Whether a sync is to rest, wherever it is: it is paused or disabled. What
/// somebody has asked for goes on.
pub(super) fn rests(subject: &ReadSubject) -> bool {
    let asked_for = subject.sync.read_type == Some(ReadType::Triggered);
    let disabled = || Selection::of(subject).is_ok_and(|selection| !selection.enabled);
    !asked_for && (subject.sync.paused || disabled())
}

/// What to do now, for a sync that does not rest.
pub(super) fn next(subject: &ReadSubject, registry: &Registry, now: Timestamp) -> Due {
    let tick = after(subject, now);
    let planned = subject.sync.due_at.is_some_and(|due| due <= now);
    let Ok((object, choice)) = definition(subject) else {
        return Due::At(tick);
    };
    if !planned && !subject.sync.backfill_due {
        return Due::At(tick);
    }
    // Bound to fail, and the consent that mends it wakes this up.
    if subject.connection.status == ConnectionStatus::BadCredentials {
        return Due::AfterConsent;
    }
    if subject.sync.backfill_due {
        let first = FirstRun::of(&object, choice.as_ref(), now);
        return match first.run {
            Some(read_type) => Due::Now {
                read_type,
                since: first.since,
            },
            None => Due::Without {
                watermark: first.watermark,
                tick,
            },
        };
    }
    let connector = registry.get(&subject.connection.provider);
    let object = connector.and_then(|c| c.describe().object(&subject.sync.object_name));
    let by_time = object.is_some_and(|object| object.filtering == Filtering::ByTime);
    Due::Now {
        read_type: ReadType::Scheduled,
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
    let planned = subject.sync.due_at;
    let planned = planned.filter(|_| subject.sync.read_type == Some(ReadType::Triggered));
    after(subject, now).into_iter().chain(planned).min()
}

/// What to tell of a scheduled run that went on past its next tick.
pub(super) fn overrun(subject: &ReadSubject, now: Timestamp) -> Option<String> {
    let selection = Selection::of(subject).ok()?;
    if subject.sync.read_type == Some(ReadType::Triggered) {
        return None;
    }
    let begun = subject.begun_at?;
    let passed = schedule::ticks_between(&selection.schedule, &key(subject), begun, now);
    (passed > 0).then(|| {
        format!("This read was still going at its next scheduled time ({passed} passed): reads of one object never overlap, so a longer schedule would do as well")
    })
}

fn key(subject: &ReadSubject) -> String {
    schedule::key(&subject.connection.id, &subject.sync.object_name)
}

//! What a turn needs to know, worked out once; and how repeats are told from news.

use connector::{Failure, Intent, Object, Page, Record, State};
use jiff::Timestamp;
use serde_json::json;
use store::{NewLog, NewMessage, ReadRange, ReadSubject, ReadType, SeenKey};

use super::place::Place;
use super::{CLOCK_SKEW, log};
use crate::shape::{Selection, Wanted};

/// More than any run's id, in the order of text.
const AFTER_EVERY_RUN: &str = "~";

/// One turn's plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) intent: Intent,
    pub(super) selection: Selection,
    /// Which of the records that come are delivered.
    pub(super) wanted: Wanted,
    pub(super) destination_id: String,
    /// Whether the provider filters the object by time.
    pub(super) by_time: bool,
    /// Whether somebody asked for the read.
    pub(super) triggered: bool,
}

/// Which records of an object a run wants. Where the provider filters by time,
/// its word counts for where a read begins, and what comes twice is known by its
/// version; what somebody asked for is held to the records' own times.
pub(super) fn wanted(
    subject: &ReadSubject,
    selection: &Selection,
    object: Option<&Object>,
    by_time: bool,
) -> Wanted {
    let sync = &subject.sync;
    let triggered = sync.read_type == Some(ReadType::Triggered);
    let range = if triggered {
        sync.range.unwrap_or_default()
    } else {
        ReadRange {
            since: sync.since,
            until: None,
        }
    };
    let wanted = Wanted::new(range, selection.filters(sync.read_type).to_vec());
    if triggered || !by_time {
        return wanted.by_own_time(object);
    }
    wanted
}

impl Plan {
    /// The message, held back where the object is delivered on request.
    pub(super) fn held_if_asked(&self, mut message: NewMessage) -> NewMessage {
        if self.selection.on_request {
            let selection = &self.selection;
            let name = selection.raw_object_name.as_ref();
            message.hold_for = Some(name.unwrap_or(&selection.object_name).clone());
        }
        message
    }

    /// What tells each record of a page from those that came before. Where reads
    /// are incremental that is its version, so that what an earlier read has
    /// delivered is not delivered again until it changes. A full read delivers
    /// everything each time, and everything once: its mark is the run. So is that
    /// of a read that somebody asked for, whose marks lie apart from the others
    /// and are forgotten with the run.
    pub(super) fn marks(&self, page: &Page, subject: &ReadSubject) -> Vec<SeenKey> {
        let run = subject.sync.operation_id.clone().unwrap_or_default();
        let mark = |record: &Record| match (&record.version, self.by_time, self.triggered) {
            (Some(version), true, false) => SeenKey {
                key: record.key.clone(),
                version: version.clone(),
            },
            (version, true, true) => SeenKey {
                key: format!(
                    "{run} {} {}",
                    version.as_deref().unwrap_or_default(),
                    record.key
                ),
                version: run.clone(),
            },
            (None, true, false) | (_, false, _) => SeenKey {
                key: record.key.clone(),
                version: run.clone(),
            },
        };
        page.records.iter().map(mark).collect()
    }

    /// What marks a record as delivered to the incremental reads to come, where
    /// [`Plan::marks`] does not.
    pub(super) fn mark_for_later(&self, record: &Record) -> Option<SeenKey> {
        let version = record.version.clone()?;
        (self.by_time && self.triggered).then(|| SeenKey {
            key: record.key.clone(),
            version,
        })
    }

    /// From when on the next incremental read must ask after this run, if that
    /// moves. After a backfill with conditions of its own that is when it began:
    /// what it dropped meanwhile may be wanted by the others, and what it dropped
    /// of before is not. A read that somebody asked for moves it only when it left
    /// out nothing that the reads before it had not brought, and never back.
    pub(super) fn watermark(
        &self,
        subject: &ReadSubject,
        told: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let told = told.filter(|_| self.by_time)?;
        if subject.sync.read_type == Some(ReadType::Backfill)
            && self.selection.has_backfill_filters()
        {
            let begun = subject.begun_at.unwrap_or(subject.installation.create_time);
            return begun.checked_sub(CLOCK_SKEW).ok();
        }
        if !self.triggered {
            return Some(told);
        }
        let known = subject.sync.watermark;
        let range = self.wanted.range;
        let from_early_enough = range
            .since
            .is_none_or(|since| known.is_some_and(|known| since <= known));
        (range.until.is_none() && from_early_enough)
            .then(|| known.map_or(told, |known| known.max(told)))
    }

    /// Marks below this are of no use after the run.
    pub(super) fn forgettable(&self, watermark: Option<Timestamp>) -> Option<String> {
        if self.by_time {
            return watermark.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string());
        }
        Some(AFTER_EVERY_RUN.to_owned())
    }

    /// At the end of a full read that did not come to as many records as the
    /// provider says there are: the beginning of one more reading, which delivers
    /// only what was not seen. Pages shift when a collection changes under a read.
    pub(super) fn repair(
        &self,
        place: &Place,
        distinct: u64,
        size: Option<u64>,
        logs: &mut Vec<NewLog>,
        restart: impl FnOnce() -> Result<State, Failure>,
    ) -> Result<Option<Place>, Failure> {
        let Some(size) = size.filter(|size| !self.by_time && *size != distinct) else {
            return Ok(None);
        };
        if place.repairing {
            logs.push(log::warning(
                "The collection changes faster than it can be read whole; the next read may bring the rest",
                &format!("{distinct} distinct records were read, and the provider says there are {size}"),
                json!({ "distinct": distinct.to_string(), "size": size.to_string() }),
            ));
            return Ok(None);
        }
        logs.push(log::info(&format!(
            "{distinct} distinct records were read, and the provider says there are {size}: reading once more for what was missed"
        )));
        Ok(Some(Place {
            state: restart()?,
            distinct,
            repairing: true,
            fresh: false,
        }))
    }
}

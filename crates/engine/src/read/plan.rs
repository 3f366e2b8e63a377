//! What a turn needs to know, worked out once; and how repeats are told from news.

use connector::{Failure, Intent, Page, State};
use jiff::Timestamp;
use serde_json::json;
use store::{NewLog, ReadSubject, SeenKey};

use super::log;
use super::place::Place;
use crate::shape::Selection;

/// More than any run's id, in the order of text.
const AFTER_EVERY_RUN: &str = "~";

/// One turn's plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) intent: Intent,
    pub(super) selection: Selection,
    pub(super) destination_id: String,
    /// Whether the provider filters the object by time.
    pub(super) by_time: bool,
}

impl Plan {
    /// What marks each record as delivered. Where reads are incremental that is
    /// its version, so that what an earlier read has delivered is not delivered
    /// again until it changes. A full read delivers everything each time, and
    /// everything once: its mark is the run.
    pub(super) fn seen_keys(&self, page: &Page, subject: &ReadSubject) -> Vec<SeenKey> {
        let run = subject.sync.operation_id.clone().unwrap_or_default();
        let version = |version: &Option<String>| match version {
            Some(version) if self.by_time => version.clone(),
            Some(_) | None => run.clone(),
        };
        let records = page.records.iter();
        records
            .map(|r| SeenKey {
                key: r.key.clone(),
                version: version(&r.version),
            })
            .collect()
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
        delivered: u64,
        size: Option<u64>,
        logs: &mut Vec<NewLog>,
        restart: impl FnOnce() -> Result<State, Failure>,
    ) -> Result<Option<Place>, Failure> {
        let Some(size) = size.filter(|size| !self.by_time && *size != delivered) else {
            return Ok(None);
        };
        if place.repairing {
            logs.push(log::warning(
                "The collection changes faster than it can be read whole; the next read may bring the rest",
                &format!("{delivered} distinct records were read, and the provider says there are {size}"),
                json!({ "distinct": delivered.to_string(), "size": size.to_string() }),
            ));
            return Ok(None);
        }
        logs.push(log::info(&format!(
            "{delivered} distinct records were read, and the provider says there are {size}: reading once more for what was missed"
        )));
        Ok(Some(Place {
            state: restart()?,
            delivered,
            repairing: true,
        }))
    }
}

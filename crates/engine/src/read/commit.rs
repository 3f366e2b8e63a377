//! One page, committed: what of it is new and wanted, as messages; that it was
//! seen; where the run goes on or how it ended.

use std::collections::BTreeSet;

use connector::{Page, State};
use store::{Afterwards, Lease, NewLog, OperationStatus, PageCommit, ReadSubject, RunEnd, SeenKey};
use tracing::Instrument as _;

use super::place::Place;
use super::plan::Plan;
use super::{Reader, Stop, due, log};
use crate::metrics;
use crate::shape::{Envelope, ShapedRecord, messages};

/// A page's records, sorted out.
struct Sorted {
    /// What is delivered.
    shaped: Vec<ShapedRecord>,
    /// Records that had not come before in this run.
    distinct: u64,
    /// The marks that are left.
    seen: Vec<SeenKey>,
}

impl Reader {
    /// Commits one page; returns where to go on, or `None` at the end.
    pub(super) async fn commit(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        plan: &Plan,
        place: Place,
        page: Page,
        restart: impl FnOnce() -> Result<State, connector::Failure>,
    ) -> Result<Option<Place>, Stop> {
        let now = self.clock.now();
        let unusable = |e: &dyn std::fmt::Display| Stop::Definition(e.to_string());
        let sorted = self.sort(subject, plan, &page).await?;
        let records = u64::try_from(sorted.shaped.len()).unwrap_or(u64::MAX);
        let envelope = Envelope::new(subject, &plan.selection, now);
        let messages = messages(&envelope, sorted.shaped, plan.selection.most_records)
            .map_err(|e| unusable(&e))?;
        let messages = messages
            .into_iter()
            .map(|m| plan.held_if_asked(m.addressed(&plan.destination_id, subject)))
            .collect();
        let about = plan.wanted.note().filter(|_| place.fresh);
        let notes = about
            .into_iter()
            .chain(page.notes.iter().map(String::as_str));
        let mut logs: Vec<NewLog> = notes.map(log::info).collect();
        let distinct = place.distinct.saturating_add(sorted.distinct);
        let next = match page.next {
            Some(state) => Some(Place {
                state,
                distinct,
                fresh: false,
                ..place
            }),
            None => plan.repair(&place, distinct, page.estimated_total, &mut logs, restart)?,
        };
        let due_at = due::following(subject, now);
        if next.is_none() {
            logs.extend(due::overrun(subject, now).map(|note| log::info(&note)));
        }
        let watermark = plan.watermark(subject, page.watermark);
        let end = RunEnd {
            object_name: plan.selection.object_name.clone(),
            status: OperationStatus::Success,
            result: None,
            watermark,
            forget_seen_before: plan.forgettable(watermark),
            due_at,
        };
        let commit = PageCommit {
            position: next
                .as_ref()
                .map(Place::stored)
                .transpose()
                .map_err(|e| unusable(&e))?,
            messages: self.results.keep(messages, now).await?,
            seen: sorted.seen,
            records,
            estimated_total: page.estimated_total,
            logs,
            afterwards: if next.is_none() {
                Afterwards::Release(due_at)
            } else {
                Afterwards::Hold
            },
            end: next.is_none().then_some(end),
        };
        let bytes = commit.messages.iter().map(|message| message.body.bytes());
        let bytes = bytes.sum();
        self.store
            .commit_page(lease, commit, now)
            .instrument(tracing::info_span!("commit", records))
            .await?;
        self.room.taken(bytes).await;
        metrics::page(subject, records);
        if next.is_none() {
            metrics::read_ended(subject, OperationStatus::Success);
        }
        Ok(next)
    }

    /// Tells news from repeats, and what is wanted from what is not. Where a mark
    /// outlives the run, it stands for a delivery: another read may want what
    /// this one does not. Where it does not, it counts towards a whole reading.
    async fn sort(&self, subject: &ReadSubject, plan: &Plan, page: &Page) -> Result<Sorted, Stop> {
        let unusable = |e: &dyn std::fmt::Display| Stop::Definition(e.to_string());
        let marks = plan.marks(page, subject);
        let unseen = self.store.unseen(&subject.sync.id, &marks).await?;
        let mut sorted = Sorted {
            shaped: Vec::with_capacity(page.records.len()),
            distinct: 0,
            seen: Vec::with_capacity(page.records.len()),
        };
        let mut within = BTreeSet::new();
        let marked = page.records.iter().zip(&marks).zip(&unseen);
        for ((record, mark), _) in marked.filter(|(_, new)| **new) {
            if !within.insert((&mark.key, &mark.version)) {
                continue;
            }
            sorted.distinct += 1;
            let wanted = plan.wanted.holds(record).map_err(|e| unusable(&e))?;
            if wanted || !plan.by_time {
                sorted.seen.push(mark.clone());
            }
            if wanted {
                sorted
                    .shaped
                    .push(plan.selection.shape(record).map_err(|e| unusable(&e))?);
                sorted.seen.extend(plan.mark_for_later(record));
            }
        }
        Ok(sorted)
    }
}

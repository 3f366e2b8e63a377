//! Reading: one claimed sync, some pages, each committed before the next is
//! asked for.
//!
//! A page's messages, its seen keys, the new position and the progress are one
//! transaction whose first statement is the fence. So a process killed anywhere
//! loses nothing and repeats at most one page, and a process that lost its lease
//! while it was frozen changes nothing.

mod direct;
mod due;
mod failure;
mod log;
mod place;
mod plan;

pub use direct::{DirectError, DirectRead, Pause};

use connector::{Connector, Filtering, Intent, Outcome, Page, ReadIntent, State};
use jiff::Timestamp;
use serde_json::json;
use store::{
    Afterwards, Lease, NewLog, OperationStatus, PageCommit, ReadSubject, ReadType, RunEnd, Store,
    StoreError,
};
use tokio_util::sync::CancellationToken;

use crate::calls::{CallError, Caller, Calls, Lane};
use crate::clock::Clock;
use crate::registry::Registry;
use crate::shape::{Envelope, Selection, ShapedRecord, messages};
use due::Due;
use failure::Verdict;
use place::Place;
use plan::Plan;
use std::sync::Arc;

/// Pages in one turn. Then the sync steps back, so that a long backfill does not
/// keep others of its lane waiting.
const PAGES_PER_TURN: usize = 25;
/// Claims without a committed page, waits for the budget aside. More than a
/// provider's failures can come to: whatever it is, it does not end by itself.
const MOST_CLAIMS: i32 = 60;
/// Steps without a page in one turn: a connector that asks for more is broken.
const STEPS_PER_TURN: usize = 4 * PAGES_PER_TURN;

/// Reads claimed syncs.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) store: Store,
    pub(crate) calls: Calls,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
}

/// How a turn ended, when it did not finish the run.
enum Stop {
    /// The connector or the provider failed.
    Call(CallError),
    /// The store failed, or the lease is lost.
    Store(StoreError),
    /// The definition makes no sense any more.
    Definition(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}
impl From<connector::Failure> for Stop {
    fn from(failure: connector::Failure) -> Self {
        Self::Call(CallError::Provider(failure))
    }
}

impl Reader {
    /// Works on one claimed sync until its run is over, its turn is over, it
    /// fails, or `cancel` says that the lease is lost or the process stops.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when someone else has the sync now; others when
    /// the store fails. The lease then lapses by itself.
    pub(crate) async fn turn(
        &self,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut subject = self.store.read_subject(lease).await?;
        let now = self.clock.now();
        if due::rests(&subject) {
            return self.store.rest(lease, now).await;
        }
        if subject.sync.operation_id.is_none() {
            match due::next(&subject, &self.registry, now) {
                Due::Now { read_type, since } => {
                    self.store.begin_run(lease, read_type, since, now).await?;
                    subject = self.store.read_subject(lease).await?;
                }
                Due::Without { watermark, tick } => {
                    let begun = self
                        .store
                        .begin_without_backfill(lease, watermark, tick, now);
                    return begun.await;
                }
                Due::At(tick) => return self.store.plan(lease, tick, now).await,
                Due::AfterConsent => return self.store.finish(lease, None, now).await,
            }
        }
        if lease.attempts > MOST_CLAIMS {
            let result =
                "The read was begun again and again without a page, and is given up".to_owned();
            let claims = lease.attempts.to_string();
            let log = log::error(
                &result,
                "it may end this process each time",
                json!({ "claims": claims }),
            );
            return self.end_failed(lease, &subject, result, log).await;
        }
        let mut attempts = lease.attempts;
        match self.pages(lease, &subject, &mut attempts, cancel).await {
            Ok(()) => Ok(()),
            Err(Stop::Store(error)) => Err(error),
            Err(Stop::Call(CallError::Store(error))) => Err(error),
            Err(Stop::Call(CallError::Budget { until })) => {
                tracing::debug!(sync = %subject.sync.id, %until, "a read waits for the request budget");
                self.store.postpone(lease, until, self.clock.now()).await
            }
            Err(Stop::Call(CallError::Provider(failure))) => {
                self.failed(lease, &subject, attempts, &failure).await
            }
            Err(Stop::Definition(message)) => {
                let log = log::error(
                    "The read cannot go on: its definition is not usable",
                    &message,
                    json!({}),
                );
                self.end_failed(lease, &subject, message, log).await
            }
        }
    }

    async fn pages(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        attempts: &mut i32,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let connector = self
            .registry
            .get(&subject.connection.provider)
            .ok_or_else(|| {
                Stop::Definition(format!(
                    "this server has no provider `{}`",
                    subject.connection.provider
                ))
            })?;
        let plan = self.plan(connector.as_ref(), subject).await?;
        let unreadable = |e: serde_json::Error| Stop::Definition(format!("stored position: {e}"));
        let mut place = match &subject.sync.position {
            Some(position) => Place::parse(position).map_err(unreadable)?,
            None => Place::begin(connector.start(&plan.intent)?),
        };
        let (mut pages, mut steps) = (0, 0);
        while pages < PAGES_PER_TURN && steps < STEPS_PER_TURN && !cancel.is_cancelled() {
            steps += 1;
            let request = connector.step(&place.state)?;
            let response = self
                .calls
                .send(
                    connector.as_ref(),
                    Caller::Connection(&subject.connection.id),
                    plan.lane,
                    &request,
                )
                .await?;
            match connector.advance(&place.state, &response) {
                Outcome::Again(next) => place.state = next,
                Outcome::Failed(failure) => return Err(failure.into()),
                Outcome::Page(page) => {
                    pages += 1;
                    let restart = || connector.start(&plan.intent);
                    match self
                        .commit(lease, subject, &plan, place, page, restart)
                        .await?
                    {
                        Some(next) => place = next,
                        None => return Ok(()),
                    }
                    // A committed page sets the count back.
                    *attempts = 1;
                }
            }
        }
        if pages == 0 && steps == STEPS_PER_TURN {
            let message = "the read takes step after step and comes to no page".to_owned();
            return Err(connector::Failure::Protocol { message }.into());
        }
        Ok(self
            .store
            .finish(lease, Some(self.clock.now()), self.clock.now())
            .await?)
    }

    async fn plan(&self, connector: &dyn Connector, subject: &ReadSubject) -> Result<Plan, Stop> {
        let selection = Selection::of(subject).map_err(|e| Stop::Definition(e.to_string()))?;
        let tenant = self.store.within(&subject.scope);
        let destination_id = match tenant.destination(&selection.destination).await {
            Ok(destination) => destination.id,
            Err(StoreError::NotFound { .. }) => {
                let gone = format!(
                    "there is no destination `{}` any more",
                    selection.destination
                );
                return Err(Stop::Definition(gone));
            }
            Err(error) => return Err(error.into()),
        };
        let intent = Intent::Read(ReadIntent {
            object: subject.sync.object_name.clone(),
            inputs: inputs_of(connector, &subject.connection.provider_metadata),
            since: subject.sync.since,
        });
        let lane = match subject.sync.read_type {
            Some(ReadType::Backfill) => Lane::Backfill,
            Some(ReadType::Scheduled | ReadType::Triggered) | None => Lane::Scheduled,
        };
        let object = connector.describe().object(&subject.sync.object_name);
        let by_time = object.is_some_and(|object| object.filtering == Filtering::ByTime);
        Ok(Plan {
            intent,
            selection,
            destination_id,
            lane,
            by_time,
        })
    }

    /// Commits one page; returns where to go on, or `None` at the end.
    async fn commit(
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
        let seen = plan.seen_keys(&page, subject);
        let unseen = self.store.unseen(&subject.sync.id, &seen).await?;
        let mut shaped: Vec<ShapedRecord> = Vec::with_capacity(page.records.len());
        for (record, _) in page.records.iter().zip(&unseen).filter(|(_, new)| **new) {
            shaped.push(plan.selection.shape(record).map_err(|e| unusable(&e))?);
        }
        let records = u64::try_from(shaped.len()).unwrap_or(u64::MAX);
        let envelope = Envelope::new(subject, &plan.selection, now);
        let messages = messages(&envelope, shaped).map_err(|e| unusable(&e))?;
        let mut logs: Vec<NewLog> = page.notes.iter().map(|note| log::info(note)).collect();
        let delivered = place.delivered.saturating_add(records);
        let next = match page.next {
            Some(state) => Some(Place {
                state,
                delivered,
                ..place
            }),
            None => plan.repair(&place, delivered, page.estimated_total, &mut logs, restart)?,
        };
        let due_at = due::after(subject, now);
        if next.is_none() {
            logs.extend(due::overrun(subject, now).map(|note| log::info(&note)));
        }
        let end = RunEnd {
            status: OperationStatus::Success,
            result: None,
            watermark: page.watermark,
            forget_seen_before: plan.forgettable(page.watermark),
            due_at,
        };
        let commit = PageCommit {
            position: next
                .as_ref()
                .map(Place::stored)
                .transpose()
                .map_err(|e| unusable(&e))?,
            messages: messages
                .into_iter()
                .map(|m| m.addressed(&plan.destination_id, subject))
                .collect(),
            seen,
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
        self.store.commit_page(lease, commit, now).await?;
        Ok(next)
    }

    async fn failed(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        attempts: i32,
        failure: &connector::Failure,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        match failure::judge(failure, attempts, now) {
            Verdict::Retry { at } => {
                tracing::info!(sync = %subject.sync.id, class = failure.class(), %at, "a read failed and is tried again");
                let msg = format!("The read is tried again after attempt {attempts}");
                let details = json!({ "class": failure.class(), "nextAttempt": at.to_string() });
                let log = log::warning(&msg, &failure.to_string(), details);
                self.store.retry_run(lease, &[log], at, now).await
            }
            Verdict::GiveUp { result } => {
                tracing::warn!(sync = %subject.sync.id, class = failure.class(), "a read failed");
                let log = log::error(&result, &failure.to_string(), failure::details(failure));
                match failure {
                    // Due from now on: a new consent wakes it, or its next tick.
                    connector::Failure::Unauthorized { .. } => {
                        let next = due::after(subject, now);
                        self.end_run(lease, result, log, Some(now), next).await
                    }
                    _ => self.end_failed(lease, subject, result, log).await,
                }
            }
        }
    }

    async fn end_failed(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        result: String,
        log: NewLog,
    ) -> Result<(), StoreError> {
        let due_at = due::after(subject, self.clock.now());
        self.end_run(lease, result, log, due_at, due_at).await
    }

    /// Ends a run as a failure; `due_at` is its next tick, `wake_at` when the row
    /// is looked at again.
    async fn end_run(
        &self,
        lease: &Lease,
        result: String,
        log: NewLog,
        due_at: Option<Timestamp>,
        wake_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let commit = PageCommit {
            logs: vec![log],
            end: Some(RunEnd {
                status: OperationStatus::Failure,
                result: Some(result),
                watermark: None,
                forget_seen_before: None,
                due_at,
            }),
            afterwards: Afterwards::Release(wake_at),
            position: None,
            messages: Vec::new(),
            seen: Vec::new(),
            records: 0,
            estimated_total: None,
        };
        self.store
            .commit_page(lease, commit, self.clock.now())
            .await
    }
}

/// The provider's inputs out of a connection's metadata.
pub(crate) fn inputs_of(
    connector: &dyn Connector,
    metadata: &serde_json::Value,
) -> std::collections::BTreeMap<String, String> {
    let inputs = connector.describe().inputs.iter();
    inputs
        .filter_map(|input| {
            let value = metadata.get(input.name)?.get("value")?.as_str()?;
            Some((input.name.to_owned(), value.to_owned()))
        })
        .collect()
}

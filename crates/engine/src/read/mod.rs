//! Reading: one claimed sync, some pages, each committed before the next is
//! asked for.
//!
//! A page's messages, its seen keys, the new position and the progress are one
//! transaction whose first statement is the fence. So a process killed anywhere
//! loses nothing and repeats at most one page, and a process that lost its lease
//! while it was frozen changes nothing.

mod commit;
mod direct;
mod due;
mod ending;
mod failure;
mod log;
mod place;
mod plan;
mod sample;

pub use direct::{DirectError, DirectRead, Pause};
pub(crate) use failure::in_words;
pub(crate) use sample::{Sampled, first_record, sample};

use connector::{Connector, Filtering, Intent, Outcome, ReadIntent};
use jiff::SignedDuration;
use serde_json::json;
use store::{Lease, NewLog, ReadSubject, ReadType, Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::calls::{CallError, Caller, Calls, Lane};
use crate::clock::Clock;
use crate::pay::Purse;
use crate::registry::Registry;
use crate::results::{KeepError, Results};
use crate::room::Room;
use crate::shape::{FieldFilter, Selection};
use crate::trace;
use due::Due;
use place::Place;
use plan::Plan;
use std::sync::Arc;

/// How far behind ours a provider's clock may be, where one is compared with the
/// other. Once anything has been read, watermarks follow the provider's alone.
pub(crate) const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// Pages in one turn. Then the sync steps back, so that a long backfill does not
/// keep others of its lane waiting.
const PAGES_PER_TURN: usize = 25;
/// Claims without a committed page, waits for the budget aside. More than a
/// provider's failures can come to: whatever it is, it does not end by itself.
const MOST_CLAIMS: i32 = 60;
/// How long a read waits before it looks again.
const WAIT: SignedDuration = SignedDuration::from_secs(10);
/// Steps without a page in one turn: a connector that asks for more is broken.
const STEPS_PER_TURN: usize = 4 * PAGES_PER_TURN;

/// Reads claimed syncs.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) store: Store,
    pub(crate) calls: Calls,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
    pub(crate) results: Results,
    pub(crate) room: Room,
}

/// How a turn ended, when it did not finish the run.
enum Stop {
    /// The connector or the provider failed.
    Call(CallError),
    /// The store failed, or the lease is lost.
    Store(StoreError),
    /// The definition makes no sense any more.
    Definition(String),
    /// It has to wait for something that has nothing to do with it.
    Wait(NewLog),
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
impl From<KeepError> for Stop {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Store(error) => Self::Store(error),
            KeepError::Objects(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "a result could not be put into the object store");
                let msg = "The read waits: the object store cannot take a big result";
                Self::Wait(log::warning(msg, &error.to_string(), json!({})))
            }
        }
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
        let idle = subject.sync.operation_id.is_none();
        if idle && self.store.begin_triggered(lease).await? {
            subject = self.store.read_subject(lease).await?;
        }
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
        let span = tracing::info_span!(
            "read",
            operation_id = subject.sync.operation_id,
            installation_id = %subject.installation.id,
            object = %subject.sync.object_name,
        );
        trace::join(
            &span,
            subject.sync.operation_id.as_deref().unwrap_or_default(),
        );
        self.go_on(lease, &subject, cancel).instrument(span).await
    }

    /// Goes on with the run under way.
    async fn go_on(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        if lease.attempts > MOST_CLAIMS {
            let result =
                "The read was begun again and again without a page, and is given up".to_owned();
            let claims = lease.attempts.to_string();
            let log = log::error(
                &result,
                "it may end this process each time",
                json!({ "claims": claims }),
            );
            return self.end_failed(lease, subject, result, log).await;
        }
        let mut attempts = lease.attempts;
        let mut purse = Purse {
            installation_id: Some(&subject.installation.id),
            passes: lease.passes,
            ..Purse::of(lane_of(subject))
        };
        let read = self.pages(lease, subject, &mut purse, &mut attempts, cancel);
        let read = read.await;
        if let Err(error) = self.calls.settle(&purse).await {
            tracing::warn!(%error, "promised calls could not be given back; they lapse");
        }
        match read {
            Ok(()) => Ok(()),
            Err(Stop::Store(error) | Stop::Call(CallError::Store(error))) => {
                if let StoreError::Unwritable(_) = error {
                    // It is not the read's fault, if so much can be written down.
                    let now = self.clock.now();
                    self.store.postpone(lease, now + WAIT, now).await.ok();
                }
                Err(error)
            }
            Err(Stop::Wait(log)) => {
                let now = self.clock.now();
                self.store.wait(lease, &log, now + WAIT, now).await
            }
            Err(Stop::Call(CallError::Budget { until })) => {
                tracing::debug!(sync = %subject.sync.id, %until, "a read waits for the request budget");
                let now = self.clock.now();
                match &purse.last {
                    Some(bill) => {
                        let (bucket, lane) = (&bill.bucket, purse.lane);
                        self.store.wait_for_budget(lease, bucket, lane, now).await
                    }
                    None => self.store.postpone(lease, until, now).await,
                }
            }
            Err(Stop::Call(CallError::Provider(failure))) => {
                self.failed(lease, subject, attempts, &failure).await
            }
            Err(Stop::Definition(message)) => {
                let log = log::error(
                    "The read cannot go on: its definition is not usable",
                    &message,
                    json!({}),
                );
                self.end_failed(lease, subject, message, log).await
            }
        }
    }

    async fn pages(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        purse: &mut Purse<'_>,
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
            self.wait_for_room().await?;
            let request = connector.step(&place.state)?;
            let response = self
                .calls
                .send_from(
                    connector.as_ref(),
                    Caller::Connection(&subject.connection.id),
                    purse,
                    &request,
                )
                .await?;
            match connector.advance(&place.state, &response) {
                Outcome::Again(next) => place.state = next,
                Outcome::Failed(failure) => return Err(failure.into()),
                Outcome::Written(_) | Outcome::Traced(_) => return Err(not_a_page().into()),
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

    /// Stops the turn while too much waits to be delivered.
    async fn wait_for_room(&self) -> Result<(), Stop> {
        if self.room.is_left(self.clock.now()).await? {
            return Ok(());
        }
        let most = self.room.most_bytes();
        Err(Stop::Wait(log::waits(
            "The read waits for deliveries: messages are not taken as fast as they are read",
            json!({ "outboxMaxBytes": most.to_string() }),
        )))
    }

    async fn plan(&self, connector: &dyn Connector, subject: &ReadSubject) -> Result<Plan, Stop> {
        let selection = Selection::of(subject).map_err(|e| Stop::Definition(e.to_string()))?;
        if subject.sync.read_type == Some(ReadType::Triggered) && !selection.enabled {
            let off = "the object was disabled while the read waited for its turn";
            return Err(Stop::Definition(off.to_owned()));
        }
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
        let object = connector.describe().object(&subject.sync.object_name);
        let by_time = object.is_some_and(|object| object.filtering == Filtering::ByTime);
        let wanted = plan::wanted(subject, &selection, object, by_time);
        let intent = Intent::Read(ReadIntent {
            object: subject.sync.object_name.clone(),
            inputs: inputs_of(connector, &subject.connection.provider_metadata),
            since: wanted.range.since,
            until: wanted.range.until,
            filters: wanted
                .filters
                .iter()
                .map(FieldFilter::to_connector)
                .collect(),
            page_size: None,
        });
        Ok(Plan {
            intent,
            selection,
            wanted,
            destination_id,
            by_time,
            triggered: subject.sync.read_type == Some(ReadType::Triggered),
        })
    }
}

/// What an answer to a write is to a read.
fn not_a_page() -> connector::Failure {
    connector::Failure::Protocol {
        message: "the connector answered a read with something else".to_owned(),
    }
}

/// The lane of a run's calls.
fn lane_of(subject: &ReadSubject) -> Lane {
    match subject.sync.read_type {
        Some(ReadType::Backfill) => Lane::Backfill,
        Some(ReadType::Scheduled | ReadType::Triggered) | None => Lane::Scheduled,
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

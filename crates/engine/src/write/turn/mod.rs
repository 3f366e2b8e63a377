//! Writes that nobody waits for, and those whose waiter has gone: one claimed write,
//! a few records at a time.
//!
//! Records are marked as sent, then sent, then settled: two transactions for each
//! few. What was sent by whoever had the work before is lost: a create is looked for
//! and sent again only if there is nothing of it; a change is sent again.

mod lost;

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Connector, Failure, Written};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use store::{
    Lane, Lease, Settled, Settlement, Store, StoreError, WriteJob, WriteRecord, WriteState,
    WriteSubject,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::lost::sent_or_not;
use super::machine::{Machine, Stop};
use super::payload::{Action, Payload};
use super::words;
use crate::calls::{Caller, Calls};
use crate::clock::Clock;
use crate::metrics;
use crate::random;
use crate::read::inputs_of;
use crate::registry::Registry;
use crate::trace;

/// Records under way at once in one write.
const PARALLEL: usize = 4;
/// Few enough for one turn: then the write steps back.
const GROUPS_PER_TURN: usize = 25;
/// Claims without anything settled: whatever it is, it does not end by itself.
const MOST_CLAIMS: i32 = 60;
const FIRST_WAIT_S: i64 = 2;
const LONGEST_WAIT_S: i64 = 900;

/// Works on claimed writes.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) store: Store,
    pub(crate) calls: Calls,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
}

/// A claimed write, and all that its records need.
struct Turn<'a> {
    writer: &'a Writer,
    lease: &'a Lease,
    job: &'a WriteJob,
    action: Action,
    machine: Machine<'a>,
}

/// What a few records came to.
#[derive(Default)]
struct Came {
    settlements: Vec<Settlement>,
    /// When those that are left may be tried again.
    again_at: Option<Timestamp>,
    /// The bucket in which there was no room.
    bucket: Option<String>,
    /// Whether nothing was tried, since others have to be waited for.
    is_wait: bool,
    /// Whether it is settled already, and the write with it.
    has_ended: bool,
}

impl Writer {
    /// Works on one claimed write until it has ended, its turn is over, it has to
    /// wait, or `cancel` says that the lease is lost or the process stops.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when someone else has the write now; others when
    /// the store fails. The lease then lapses by itself.
    pub(crate) async fn turn(
        &self,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        let subject = self.store.write_subject(lease, self.clock.now()).await?;
        let job = &subject.job;
        let span = tracing::info_span!(
            "write",
            operation_id = %job.id,
            installation_id = %job.installation_id,
            object = %job.object_name,
        );
        trace::join(&span, &job.id);
        self.go_on(lease, &subject, cancel).instrument(span).await
    }

    async fn go_on(
        &self,
        lease: &Lease,
        subject: &WriteSubject,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        let (job, connection) = (&subject.job, &subject.connection);
        let connector = self.registry.get(&connection.provider);
        let action = Action::of_word(&job.action);
        let (Some(connector), Some(action)) = (connector, action) else {
            let why = format!("this server has no provider `{}`", connection.provider);
            return self.give_up(lease, subject, &why).await;
        };
        let inputs = inputs_of(connector.as_ref(), &connection.provider_metadata);
        if serde_json::to_value(&inputs).ok().as_ref() != Some(&job.inputs) {
            let why = "the customer has connected another account since it was asked for";
            return self.give_up(lease, subject, why).await;
        }
        if lease.attempts > MOST_CLAIMS {
            let why =
                "it was begun again and again without an end; it may end this process each time";
            return self.give_up(lease, subject, why).await;
        }
        let turn = Turn {
            writer: self,
            lease,
            job,
            action,
            machine: self.machine(connector.as_ref(), subject, &inputs),
        };
        turn.run(&subject.records, cancel).await
    }

    fn machine<'a>(
        &'a self,
        connector: &'a dyn Connector,
        subject: &'a WriteSubject,
        inputs: &'a BTreeMap<String, String>,
    ) -> Machine<'a> {
        Machine {
            calls: &self.calls,
            connector,
            caller: Caller::Connection(&subject.connection.id),
            lane: Lane::Scheduled,
            installation_id: Some(&subject.job.installation_id),
            object: &subject.job.object_name,
            inputs,
        }
    }

    /// Ends every record that is left, for one reason.
    async fn give_up(
        &self,
        lease: &Lease,
        subject: &WriteSubject,
        why: &str,
    ) -> Result<(), StoreError> {
        let settlements: Vec<Settlement> = subject
            .records
            .iter()
            .map(|record| failed(record, sent_or_not(record, why)))
            .collect();
        let now = self.clock.now();
        self.store
            .settle_write(lease, &settlements, Some(now), now)
            .await?;
        metrics::settled(&subject.connection.provider, &subject.job, &settlements);
        Ok(())
    }
}

impl Turn<'_> {
    async fn run(
        &self,
        records: &[WriteRecord],
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        let (lost, waiting): (Vec<_>, Vec<_>) = records
            .iter()
            .partition(|record| record.state == WriteState::Lost);
        for record in lost {
            if cancel.is_cancelled() {
                return self.release(self.now()).await;
            }
            let came = self.find(record).await?;
            if !self.settle(came).await? {
                return Ok(());
            }
        }
        for group in waiting.chunks(PARALLEL).take(GROUPS_PER_TURN) {
            if cancel.is_cancelled() {
                return self.release(self.now()).await;
            }
            let came = self.send(group).await?;
            if !self.settle(came).await? {
                return Ok(());
            }
        }
        // Lost records of which there is nothing are sent in the next turn.
        self.release(self.now()).await
    }

    fn now(&self) -> Timestamp {
        self.writer.clock.now()
    }

    async fn release(&self, until: Timestamp) -> Result<(), StoreError> {
        self.commit(&[], Some(until)).await.map(drop)
    }

    /// As [`Store::settle_write`], and counted.
    async fn commit(
        &self,
        settlements: &[Settlement],
        again_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let store = &self.writer.store;
        let ended = store
            .settle_write(self.lease, settlements, again_at, self.now())
            .await?;
        metrics::settled(self.provider(), self.job, settlements);
        Ok(ended)
    }

    fn provider(&self) -> &'static str {
        self.machine.connector.describe().provider
    }

    /// Commits what came of some records. False when the turn is over: the write
    /// has ended, or has to wait.
    async fn settle(&self, came: Came) -> Result<bool, StoreError> {
        if came.has_ended {
            return Ok(false);
        }
        let (store, now) = (&self.writer.store, self.now());
        if let (true, Some(until)) = (came.is_wait, came.again_at) {
            store.postpone(self.lease, until, now).await?;
            return Ok(false);
        }
        if came.settlements.is_empty() && came.again_at.is_none() && came.bucket.is_none() {
            return Ok(true);
        }
        if let Some(bucket) = &came.bucket {
            if !self.commit(&came.settlements, None).await? {
                let lane = self.machine.lane;
                store.wait_for_budget(self.lease, bucket, lane, now).await?;
            }
            return Ok(false);
        }
        let ended = self.commit(&came.settlements, came.again_at).await?;
        Ok(!ended && came.again_at.is_none())
    }

    /// Sends a few records that wait.
    async fn send(&self, group: &[&WriteRecord]) -> Result<Came, StoreError> {
        let now = self.now();
        if self.job.deadline_at.is_some_and(|deadline| deadline <= now) {
            let why = |record: &&&WriteRecord| match record.attempts {
                0 => "its time was over before it could be sent".to_owned(),
                n => format!("its time is over, after it was sent {n} times"),
            };
            let settlements = group.iter().map(|record| failed(record, why(&record)));
            return Ok(Came {
                settlements: settlements.collect(),
                ..Came::default()
            });
        }
        let ids: Vec<&str> = group.iter().map(|record| record.id.as_str()).collect();
        let store = &self.writer.store;
        store.mark_sent(self.lease, &ids, now).await?;
        let under_way = group.iter().map(|record| async move {
            let payload = Payload::parse(&record.payload)?;
            let again = record.attempts > 0;
            Ok::<_, StoreError>(self.machine.write(self.action, &payload, again).await)
        });
        let mut came = Came::default();
        for (record, answer) in group.iter().zip(join_all(under_way).await) {
            self.judge(record, answer?, &mut came)?;
        }
        Ok(came)
    }

    /// What an answer means for a record.
    fn judge(
        &self,
        record: &WriteRecord,
        answer: Result<Written, Stop>,
        came: &mut Came,
    ) -> Result<(), StoreError> {
        let to = match answer {
            Ok(written) => self.made(written),
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Budget { until, bucket }) => {
                came.bucket = came.bucket.take().or(bucket);
                came.wait_until(until);
                Settled::Unsent
            }
            Err(Stop::Refused { failure, raw }) => {
                let error = words::of(&failure);
                match self.again_at(&failure, record.attempts + 1) {
                    Some(at) if self.is_in_time(at) => {
                        came.wait_until(at);
                        if self.action == Action::Create && words::is_ambiguous(&failure) {
                            Settled::Lost { why: error }
                        } else {
                            Settled::Waiting { why: error }
                        }
                    }
                    Some(_) if self.action == Action::Create && words::is_ambiguous(&failure) => {
                        // The last look is taken at once.
                        came.wait_until(self.now());
                        Settled::Lost { why: error }
                    }
                    _ => Settled::Failed {
                        error,
                        raw: raw.filter(|_| self.job.keeps_answer),
                    },
                }
            }
        };
        came.settlements.push(settlement(record, to));
        Ok(())
    }

    fn made(&self, written: Written) -> Settled {
        let data = written.record.map(|raw| raw.get().to_owned());
        Settled::Made {
            record_id: written.id,
            data: data.filter(|_| self.job.keeps_answer),
        }
    }

    /// When a request that failed so may be sent again, if ever.
    fn again_at(&self, failure: &Failure, attempts: i32) -> Option<Timestamp> {
        if !failure.is_transient() {
            return None;
        }
        let doubled = FIRST_WAIT_S << attempts.clamp(1, 12).saturating_sub(1);
        let untold = SignedDuration::from_secs(doubled.min(LONGEST_WAIT_S));
        let wait = words::told_wait(failure).unwrap_or(untold);
        let wait = random::jittered(wait.max(SignedDuration::from_secs(1)));
        self.now().checked_add(wait).ok()
    }

    fn is_in_time(&self, at: Timestamp) -> bool {
        self.job.deadline_at.is_none_or(|deadline| at < deadline)
    }
}

impl Came {
    /// What one record came to.
    fn of(record: &WriteRecord, to: Settled) -> Self {
        Self {
            settlements: vec![settlement(record, to)],
            ..Self::default()
        }
    }

    /// Not before then.
    fn wait_until(&mut self, at: Timestamp) {
        self.again_at = Some(self.again_at.map_or(at, |other| other.max(at)));
    }
}

fn settlement(record: &WriteRecord, to: Settled) -> Settlement {
    Settlement {
        record: record.id.clone(),
        position: record.position,
        to,
    }
}

fn failed(record: &WriteRecord, error: String) -> Settlement {
    settlement(record, Settled::Failed { error, raw: None })
}

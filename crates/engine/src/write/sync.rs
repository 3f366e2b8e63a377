//! A write that somebody waits for. Its records go out a few at a time, as fast as
//! the request budget lets people's calls through.

use std::sync::Arc;

use connector::{Connector, Trace};
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use jiff::Timestamp;
use store::{Lane, Settled, Settlement, Store, StoreError, WriteJob};

use super::machine::{Machine, Stop};
use super::payload::{Action, Payload};
use super::words;
use crate::calls::{Caller, Calls};
use crate::clock::Clock;

/// Records under way at once.
const PARALLEL: usize = 8;

/// A write that was accepted, and is done here.
#[derive(Debug)]
pub(crate) struct SyncWrite {
    pub(crate) store: Store,
    pub(crate) calls: Calls,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) connection_id: String,
    pub(crate) job: WriteJob,
    pub(crate) inputs: std::collections::BTreeMap<String, String>,
    pub(crate) action: Action,
}

/// What came of one record.
#[derive(Debug)]
pub(crate) enum Done {
    /// It is written.
    Made {
        /// What it is called there.
        record_id: String,
        /// The record.
        data: Option<String>,
    },
    /// It is not.
    Failed {
        /// Why.
        error: String,
        /// What the provider answered.
        raw: Option<String>,
        /// When it may be tried again, where that is all that is wrong.
        again_at: Option<Timestamp>,
    },
}

impl SyncWrite {
    /// Writes the records, each of the identifier that it has in the store.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn run(&self, records: &[(String, Payload)]) -> Result<Vec<Done>, StoreError> {
        let machine = Machine {
            calls: &self.calls,
            connector: self.connector.as_ref(),
            caller: Caller::Connection(&self.connection_id),
            lane: Lane::Interactive,
            installation_id: Some(&self.job.installation_id),
            object: &self.job.object_name,
            inputs: &self.inputs,
        };
        let under_way: Vec<_> = records
            .iter()
            .map(|(_, payload)| self.one(machine, payload))
            .collect();
        let done = iter(under_way).buffered(PARALLEL);
        let done: Vec<Result<Done, StoreError>> = done.collect().await;
        let done: Vec<Done> = done.into_iter().collect::<Result<_, _>>()?;
        let settlements: Vec<Settlement> = records
            .iter()
            .zip(&done)
            .zip(0..)
            .map(|(((id, _), done), position)| Settlement {
                record: id.clone(),
                position,
                to: self.kept(done),
            })
            .collect();
        // What was not let through may be asked for again under the same key.
        let unsent = |done: &Done| {
            matches!(
                done,
                Done::Failed {
                    again_at: Some(_),
                    ..
                }
            )
        };
        let forgets_key = done.iter().all(unsent);
        let now = self.clock.now();
        self.store
            .settle_sync(&self.job.id, &settlements, forgets_key, now)
            .await?;
        Ok(done)
    }

    /// What is kept of it; answers only where they may be asked for again.
    fn kept(&self, done: &Done) -> Settled {
        let kept = |text: &Option<String>| text.clone().filter(|_| self.job.keeps_answer);
        match done {
            Done::Made { record_id, data } => Settled::Made {
                record_id: record_id.clone(),
                data: kept(data),
            },
            Done::Failed { error, raw, .. } => Settled::Failed {
                error: error.clone(),
                raw: kept(raw),
            },
        }
    }

    async fn one(&self, machine: Machine<'_>, payload: &Payload) -> Result<Done, StoreError> {
        let sent_at = self.clock.now();
        let failed = |error, raw, again_at| {
            Ok(Done::Failed {
                error,
                raw,
                again_at,
            })
        };
        let (failure, raw) = match machine.write(self.action, payload, false).await {
            Ok(written) => {
                return Ok(Done::Made {
                    record_id: written.id,
                    data: written.record.map(|raw| raw.get().to_owned()),
                });
            }
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Budget { until, .. }) => {
                let error = format!("the request budget is used up until {until}");
                return failed(error, None, Some(until));
            }
            Err(Stop::Refused { failure, raw }) => (failure, raw),
        };
        let error = words::of(&failure);
        if self.action != Action::Create || !words::is_ambiguous(&failure) {
            let again_at = match failure {
                connector::Failure::RateLimited { retry_after_s } => {
                    let wait = i64::try_from(retry_after_s.unwrap_or(60)).unwrap_or(60);
                    Some(sent_at + jiff::SignedDuration::from_secs(wait))
                }
                _ => None,
            };
            return failed(error, raw, again_at);
        }
        // It may have been made all the same.
        let ago_s = self.clock.now().duration_since(sent_at).as_secs();
        match machine.trace(payload, ago_s).await {
            Ok(Trace::Absent) => failed(format!("{error}; nothing was made"), raw, None),
            Ok(Trace::Present(found)) => {
                for written in found {
                    if !self.store.is_written(&self.job, &written.id).await? {
                        return Ok(Done::Made {
                            record_id: written.id,
                            data: written.record.map(|raw| raw.get().to_owned()),
                        });
                    }
                }
                failed(format!("{error}; nothing was made"), raw, None)
            }
            Ok(Trace::Unknown { why }) => failed(words::unknown(&error, &why), raw, None),
            Err(Stop::Store(error)) => Err(error),
            Err(Stop::Refused { .. } | Stop::Budget { .. }) => {
                let why = "it could not be looked for either";
                failed(words::unknown(&error, why), raw, None)
            }
        }
    }
}

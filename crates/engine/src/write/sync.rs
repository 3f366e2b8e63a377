//! A write that somebody waits for. Its records go out a few at a time, as fast as
//! the request budget lets people's calls through. Creates whose answer was lost are
//! looked for after all have been sent: then it is known what the others have made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{Connector, Failure, Trace, Written};
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use jiff::{SignedDuration, Timestamp};
use store::{Lane, Settled, Settlement, Store, StoreError, WriteJob};

use super::machine::{Machine, Stop};
use super::payload::{Action, Payload};
use super::words;
use crate::calls::{Caller, Calls};
use crate::clock::Clock;
use crate::metrics;

/// Records under way at once.
const PARALLEL: usize = 8;
/// After which a refused request may be made again, where the provider does not say.
const UNTOLD_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// A write that was accepted, and is done here.
#[derive(Debug)]
pub(crate) struct SyncWrite {
    pub(crate) store: Store,
    pub(crate) calls: Calls,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) connection_id: String,
    pub(crate) job: WriteJob,
    pub(crate) inputs: BTreeMap<String, String>,
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

impl Done {
    fn record_id(&self) -> Option<&str> {
        match self {
            Self::Made { record_id, .. } => Some(record_id),
            Self::Failed { .. } => None,
        }
    }
}

/// A create whose answer was lost.
struct Unheard {
    sent_at: Timestamp,
    error: String,
    raw: Option<String>,
}

/// The same after a look: what is there that it may have made, oldest first.
struct Found {
    error: String,
    raw: Option<String>,
    candidates: Vec<Written>,
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
        let sent: Vec<_> = records
            .iter()
            .map(|(_, payload)| self.send(machine, payload))
            .collect();
        let sent: Vec<Result<_, StoreError>> = iter(sent).buffered(PARALLEL).collect().await;
        let sent: Vec<_> = sent.into_iter().collect::<Result<_, _>>()?;
        let looked: Vec<_> = records
            .iter()
            .zip(sent)
            .map(|((_, payload), sent)| self.look(machine, payload, sent))
            .collect();
        let looked: Vec<Result<_, StoreError>> = iter(looked).buffered(PARALLEL).collect().await;
        let looked: Vec<_> = looked.into_iter().collect::<Result<_, _>>()?;
        let done = self.tell_apart(records, looked).await?;
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
        let provider = self.connector.describe().provider;
        metrics::settled(provider, &self.job, &settlements);
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

    /// Sends a record. `Err` is a create that may have been made all the same.
    async fn send(
        &self,
        machine: Machine<'_>,
        payload: &Payload,
    ) -> Result<Result<Done, Unheard>, StoreError> {
        let sent_at = self.clock.now();
        let (failure, raw) = match machine.write(self.action, payload, false).await {
            Ok(written) => return Ok(Ok(made(written))),
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Budget { until, .. }) => {
                return Ok(Ok(Done::Failed {
                    error: format!("the request budget is used up until {until}"),
                    raw: None,
                    again_at: Some(until),
                }));
            }
            Err(Stop::Refused { failure, raw }) => (failure, raw),
        };
        let error = words::of(&failure);
        if self.action == Action::Create && words::is_ambiguous(&failure) {
            return Ok(Err(Unheard {
                sent_at,
                error,
                raw,
            }));
        }
        let again_at = matches!(failure, Failure::RateLimited { .. }).then(|| {
            let wait = words::told_wait(&failure).unwrap_or(UNTOLD_WAIT);
            sent_at.saturating_add(wait).unwrap_or(Timestamp::MAX)
        });
        Ok(Ok(Done::Failed {
            error,
            raw,
            again_at,
        }))
    }

    /// Looks for a create of which nothing was heard. `Err` is what it may have made.
    async fn look(
        &self,
        machine: Machine<'_>,
        payload: &Payload,
        sent: Result<Done, Unheard>,
    ) -> Result<Result<Done, Found>, StoreError> {
        let Unheard {
            sent_at,
            error,
            raw,
        } = match sent {
            Ok(done) => return Ok(Ok(done)),
            Err(unheard) => unheard,
        };
        let ago_s = self.clock.now().duration_since(sent_at).as_secs();
        let candidates = match machine.trace(payload, ago_s).await {
            Ok(Trace::Absent) => Ok(Vec::new()),
            Ok(Trace::Present(candidates)) => Ok(candidates),
            Ok(Trace::Unknown { why }) => Err(why),
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Refused { .. } | Stop::Budget { .. }) => {
                Err("it could not be looked for either".to_owned())
            }
        };
        Ok(match candidates {
            Ok(candidates) => Err(Found {
                error,
                raw,
                candidates,
            }),
            Err(why) => Ok(Done::Failed {
                error: words::unknown(&error, &why),
                raw,
                again_at: None,
            }),
        })
    }

    /// Gives each create that was looked for one of what it may have made. Creates
    /// that are alike leave records that are alike, so each takes what is nobody's.
    async fn tell_apart(
        &self,
        records: &[(String, Payload)],
        looked: Vec<Result<Done, Found>>,
    ) -> Result<Vec<Done>, StoreError> {
        let heard = looked.iter().flatten().filter_map(Done::record_id);
        let mut taken: BTreeSet<String> = heard.map(str::to_owned).collect();
        let mut done = Vec::with_capacity(looked.len());
        for ((record, _), one) in records.iter().zip(looked) {
            let one = match one {
                Ok(done) => done,
                Err(found) => self.choose(record, found, &taken).await?,
            };
            taken.extend(one.record_id().map(str::to_owned));
            done.push(one);
        }
        Ok(done)
    }

    async fn choose(
        &self,
        record: &str,
        found: Found,
        taken: &BTreeSet<String>,
    ) -> Result<Done, StoreError> {
        let Found {
            error,
            raw,
            mut candidates,
        } = found;
        candidates.retain(|written| !taken.contains(&written.id));
        let ids: Vec<&str> = candidates.iter().map(|one| one.id.as_str()).collect();
        let free = self.store.take_made(&self.job, record, &ids).await?;
        let own = free.and_then(|n| candidates.into_iter().nth(n));
        Ok(own.map_or_else(
            || Done::Failed {
                error: format!("{error}; nothing was made"),
                raw,
                again_at: None,
            },
            made,
        ))
    }
}

fn made(written: Written) -> Done {
    Done::Made {
        record_id: written.id,
        data: written.record.map(|raw| raw.get().to_owned()),
    }
}

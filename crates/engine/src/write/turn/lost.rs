//! What was sent by whoever had the work before, or without an answer: a create is
//! looked for, and sent again only if there is nothing of it; a change is sent again.

use connector::{Failure, Trace};
use jiff::SignedDuration;
use store::{LostRecord, Settled, StoreError, WriteRecord, WriteState};

use super::{Came, MOST_CLAIMS, Turn};
use crate::metrics;
use crate::write::machine::Stop;
use crate::write::payload::{Action, Payload};
use crate::write::words;

/// How long a look waits for others of its kind, which may be what it would find.
const OTHERS_WAIT: SignedDuration = SignedDuration::from_secs(5);

impl Turn<'_> {
    /// Finds out what became of a record that was sent and lost.
    pub(super) async fn find(&self, record: &WriteRecord) -> Result<Came, StoreError> {
        let store = &self.writer.store;
        if self.action != Action::Create {
            // It may be repeated; but if somebody has waited for it, he has gone.
            let to = if self.job.is_sync {
                let error = "the server was interrupted: it may have been carried out or not";
                Settled::Failed {
                    error: error.to_owned(),
                    raw: None,
                }
            } else {
                let why = "the server was interrupted; a change may be repeated".to_owned();
                Settled::Anew { why }
            };
            return Ok(Came::of(record, to));
        }
        let payload = Payload::parse(&record.payload)?;
        let now = self.now();
        let sent_at = record.sent_at.unwrap_or(now);
        let ago_s = now.duration_since(sent_at).as_secs();
        let candidates = match self.machine.trace(&payload, ago_s).await {
            Ok(Trace::Absent) => return Ok(self.absent(record)),
            Ok(Trace::Present(found)) => found,
            Ok(Trace::Unknown { why }) => {
                let error = words::unknown("its answer was lost", &why);
                return Ok(Came::of(record, Settled::Failed { error, raw: None }));
            }
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Budget { until, bucket }) => {
                return Ok(Came {
                    again_at: Some(until),
                    bucket,
                    ..Came::default()
                });
            }
            Err(Stop::Refused { failure, .. }) => return Ok(self.unfound(record, &failure)),
        };
        if store.creates_under_way(self.job).await? > 0 {
            // One of these may be theirs: they will have said so in a while.
            return Ok(Came {
                again_at: Some(now.saturating_add(OTHERS_WAIT).unwrap_or(now)),
                is_wait: true,
                ..Came::default()
            });
        }
        let kept = |raw: &str| self.job.keeps_answer.then(|| raw.to_owned());
        let lost = LostRecord {
            record,
            candidates: candidates
                .into_iter()
                .map(|written| {
                    let data = written.record.as_ref().and_then(|raw| kept(raw.get()));
                    (written.id, data)
                })
                .collect(),
        };
        match store.claim_lost(self.lease, self.job, &lost, now).await? {
            Some(has_ended) => {
                metrics::record_settled(self.provider(), self.job, "made");
                Ok(Came {
                    has_ended,
                    ..Came::default()
                })
            }
            None => Ok(self.absent(record)),
        }
    }

    /// There is nothing of a create: it is sent again, unless somebody has waited
    /// for it, who has gone.
    fn absent(&self, record: &WriteRecord) -> Came {
        let to = if self.job.is_sync {
            let error = "the server was interrupted before the record was made".to_owned();
            Settled::Failed { error, raw: None }
        } else {
            let why = "its answer was lost, and nothing was made of it".to_owned();
            Settled::Anew { why }
        };
        Came::of(record, to)
    }

    /// A create that was lost cannot be looked for.
    fn unfound(&self, record: &WriteRecord, failure: &Failure) -> Came {
        let again_at = self.again_at(failure, record.attempts + self.lease.attempts);
        // Whoever waited for it has gone, so there is no hurry.
        match again_at.filter(|at| self.is_in_time(*at) && self.lease.attempts < MOST_CLAIMS) {
            Some(at) => Came {
                again_at: Some(at),
                ..Came::default()
            },
            None => {
                let error = words::unknown("its answer was lost", &words::of(failure));
                Came::of(record, Settled::Failed { error, raw: None })
            }
        }
    }
}

/// The reason, for a record of which nobody knows whether it came about.
pub(super) fn sent_or_not(record: &WriteRecord, why: &str) -> String {
    match record.state {
        WriteState::Lost => words::unknown("its answer was lost", why),
        WriteState::Waiting | WriteState::Sent | WriteState::Made | WriteState::Failed => {
            why.to_owned()
        }
    }
}

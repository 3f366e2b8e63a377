//! One read without a store: the same machine, calls and judgement of failures,
//! with the position in the caller's hands.

use std::sync::Arc;

use connector::{Connector, Failure, Intent, Outcome, Page, State};
use jiff::Timestamp;
use outbound::{Credential, Outbound};

use super::failure::{self, Verdict};
use crate::budget::OwnBudget;
use crate::calls::{BudgetOverride, CallError, Caller, Calls, Lane};
use crate::clock::Clock;

/// Why a read stopped.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// The provider refused, for good or for too long.
    #[error("{result}")]
    Refused {
        /// What happened, and what to do about it.
        result: String,
        /// What the provider said.
        failure: Failure,
    },
    /// Something of ours failed.
    #[error(transparent)]
    Call(CallError),
}

/// Why a read waits, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// In words.
    pub why: String,
    /// When it goes on.
    pub until: Timestamp,
}

/// A read under way.
#[derive(Debug)]
pub struct DirectRead {
    connector: Arc<dyn Connector>,
    credential: Credential,
    calls: Calls,
    state: Option<State>,
}

impl DirectRead {
    /// A read from its beginning.
    ///
    /// # Errors
    /// [`DirectError::Refused`] when the intent makes no sense.
    pub fn start(
        connector: Arc<dyn Connector>,
        credential: Credential,
        outbound: Outbound,
        clock: Arc<dyn Clock>,
        budgets: Vec<BudgetOverride>,
        intent: &Intent,
    ) -> Result<Self, DirectError> {
        let state = connector.start(intent).map_err(refused)?;
        let calls = Calls {
            outbound,
            clock,
            budget: Arc::new(OwnBudget::default()),
            tokens: None,
            budgets: budgets.into(),
        };
        Ok(Self {
            connector,
            credential,
            calls,
            state: Some(state),
        })
    }

    /// Goes on from a position that [`DirectRead::position`] gave earlier.
    pub fn resume(&mut self, position: State) {
        self.state = Some(position);
    }

    /// Where the next page begins; `None` at the end.
    #[must_use]
    pub fn position(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// The next page; `None` after the last one. Waits for the budget and after
    /// failures that may pass, and says so.
    ///
    /// # Errors
    /// [`DirectError`]. The position stays as it was, so the read can be resumed.
    pub async fn page(
        &mut self,
        mut pausing: impl FnMut(&Pause),
    ) -> Result<Option<Page>, DirectError> {
        let mut attempts = 0;
        while let Some(state) = self.state.clone() {
            attempts += 1;
            let pause = match self.step(&state).await {
                Ok(Outcome::Page(page)) => {
                    self.state.clone_from(&page.next);
                    return Ok(Some(page));
                }
                Ok(Outcome::Again(next)) => {
                    self.state = Some(next);
                    attempts = 0;
                    continue;
                }
                Ok(Outcome::Written(_) | Outcome::Traced(_)) => {
                    return Err(refused(super::not_a_page()));
                }
                Err(CallError::Budget { until }) => {
                    attempts -= 1;
                    Pause {
                        why: "the request budget is used up".to_owned(),
                        until,
                    }
                }
                Ok(Outcome::Failed(failure)) | Err(CallError::Provider(failure)) => {
                    match failure::judge(&failure, attempts, self.calls.clock.now()) {
                        Verdict::Retry { at } => Pause {
                            why: failure.to_string(),
                            until: at,
                        },
                        Verdict::GiveUp { result } => {
                            return Err(DirectError::Refused { result, failure });
                        }
                    }
                }
                Err(error) => return Err(DirectError::Call(error)),
            };
            pausing(&pause);
            let wait = pause.until.duration_since(self.calls.clock.now());
            self.calls
                .clock
                .sleep(wait.max(jiff::SignedDuration::ZERO).unsigned_abs())
                .await;
        }
        Ok(None)
    }

    async fn step(&self, state: &State) -> Result<Outcome, CallError> {
        let request = self.connector.step(state)?;
        let caller = Caller::Holder(&self.credential);
        let response = self
            .calls
            .send(self.connector.as_ref(), caller, Lane::Backfill, &request)
            .await?;
        Ok(self.connector.advance(state, &response))
    }
}

fn refused(failure: Failure) -> DirectError {
    DirectError::Refused {
        result: failure.to_string(),
        failure,
    }
}

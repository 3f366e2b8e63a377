//! One write of one record: the connector's steps, sent one after the other.

use std::collections::BTreeMap;

use connector::{
    Connector, Failure, Intent, Outcome, Response, Trace, WriteAction, WriteIntent, Written,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use store::{Lane, StoreError};

use super::payload::{Action, Payload};
use super::settings::keep_filled;
use crate::calls::{CallError, Caller, Calls};
use crate::pay::Purse;

/// Requests for one record: a list may have to be walked for it.
const MOST_STEPS: usize = 500;
/// The longest refusal that is handed on whole.
const LONGEST_RAW: usize = 64 * 1024;

/// Writes records of one object for one caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine<'a> {
    pub(crate) calls: &'a Calls,
    pub(crate) connector: &'a dyn Connector,
    pub(crate) caller: Caller<'a>,
    pub(crate) lane: Lane,
    pub(crate) installation_id: Option<&'a str>,
    pub(crate) object: &'a str,
    pub(crate) inputs: &'a BTreeMap<String, String>,
}

/// Why a record was not written.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The provider refused, or did not answer.
    Refused {
        failure: Failure,
        /// Its answer, if it is JSON: other bodies may hold anything.
        raw: Option<String>,
    },
    /// There is no room in the request budget; and the bucket that is full.
    Budget {
        until: Timestamp,
        bucket: Option<String>,
    },
    /// The store failed.
    Store(StoreError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused { failure, raw: None }
    }
}

impl Machine<'_> {
    /// Does what a payload says.
    ///
    /// # Errors
    /// [`Stop`]: nothing was written, or nobody knows.
    pub(crate) async fn write(
        &self,
        action: Action,
        payload: &Payload,
        again: bool,
    ) -> Result<Written, Stop> {
        let mut payload = payload.clone();
        let if_empty = payload.paths();
        if action == Action::Update && !if_empty.is_empty() {
            let look = WriteAction::Look {
                id: payload.id.clone(),
            };
            let current = written(self.run(look).await?)?;
            let raw = current.record.as_ref().map_or("{}", |raw| raw.get());
            let current: Map<String, Value> = serde_json::from_str(raw).unwrap_or_default();
            keep_filled(&mut payload.record, &if_empty, &current);
        }
        written(self.run(payload.action(action, again)).await?)
    }

    /// Finds out what became of a create that was sent so long ago.
    ///
    /// # Errors
    /// [`Stop`]: it could not be looked for.
    pub(super) async fn trace(&self, payload: &Payload, sent_ago_s: i64) -> Result<Trace, Stop> {
        let record = payload.record.clone();
        match self.run(WriteAction::Trace { record, sent_ago_s }).await? {
            Outcome::Traced(trace) => Ok(trace),
            _ => Err(unexpected().into()),
        }
    }

    /// Takes the steps of an intent until something comes of it.
    async fn run(&self, action: WriteAction) -> Result<Outcome, Stop> {
        let intent = Intent::Write(WriteIntent {
            object: self.object.to_owned(),
            inputs: self.inputs.clone(),
            action,
        });
        let mut state = self.connector.start(&intent)?;
        for _ in 0..MOST_STEPS {
            let request = self.connector.step(&state)?;
            let response = self.send(&request).await?;
            match self.connector.advance(&state, &response) {
                Outcome::Again(next) => state = next,
                Outcome::Failed(failure) => {
                    let raw = raw(&response);
                    return Err(Stop::Refused { failure, raw });
                }
                done @ (Outcome::Written(_) | Outcome::Traced(_)) => return Ok(done),
                Outcome::Page(_) => return Err(unexpected().into()),
            }
        }
        let message = format!("the write has no end after {MOST_STEPS} requests");
        Err(Failure::Protocol { message }.into())
    }

    async fn send(&self, request: &connector::Request) -> Result<Response, Stop> {
        let mut purse = Purse::of(self.lane);
        purse.installation_id = self.installation_id;
        let sent = self
            .calls
            .send_from(self.connector, self.caller, &mut purse, request)
            .await;
        sent.map_err(|error| match error {
            CallError::Provider(failure) => failure.into(),
            CallError::Store(error) => Stop::Store(error),
            CallError::Budget { until } => Stop::Budget {
                until,
                bucket: purse.last.map(|bill| bill.bucket.clone()),
            },
        })
    }
}

fn written(outcome: Outcome) -> Result<Written, Stop> {
    match outcome {
        Outcome::Written(written) => Ok(written),
        _ => Err(unexpected().into()),
    }
}

fn unexpected() -> Failure {
    Failure::Protocol {
        message: "the connector answered a write with something else".to_owned(),
    }
}

/// An answer's body as it may be shown: HTML pages may hold the caller's profile.
fn raw(response: &Response) -> Option<String> {
    let body = response.is_json().then_some(&response.body)?;
    let short = (body.len() <= LONGEST_RAW).then_some(body)?;
    String::from_utf8(short.clone()).ok()
}

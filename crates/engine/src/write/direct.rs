//! Writes without a store: the same machine and calls, with the credential in the
//! caller's hands. Waits and repeats what may be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{Connector, Failure, Trace, Written};
use jiff::{SignedDuration, Timestamp};
use outbound::{Credential, Outbound};
use serde_json::{Map, Value};

use super::machine::{Machine, Stop};
use super::payload::{Action, Payload};
use super::words;
use crate::budget::OwnBudget;
use crate::calls::{BudgetOverride, Caller, Calls, Lane};
use crate::clock::Clock;

/// Times that a record is sent, failures of the provider in between.
const MOST_TRIES: u32 = 5;
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DirectWriteError {
    /// In words.
    pub message: String,
    /// What the provider answered, if it is JSON.
    pub raw: Option<String>,
    /// Whether the credential was refused, so that nothing else will do better.
    pub unauthorized: bool,
}

/// Writes records of one object.
#[derive(Debug)]
pub struct DirectWrite {
    connector: Arc<dyn Connector>,
    credential: Credential,
    calls: Calls,
    object: String,
    inputs: BTreeMap<String, String>,
    /// What creates have made: it is not taken for what another one did.
    made: BTreeSet<String>,
}

impl DirectWrite {
    /// For one object of one account.
    #[must_use]
    pub fn new(
        connector: Arc<dyn Connector>,
        credential: Credential,
        outbound: Outbound,
        clock: Arc<dyn Clock>,
        budgets: Vec<BudgetOverride>,
        (object, inputs): (&str, BTreeMap<String, String>),
    ) -> Self {
        let calls = Calls {
            outbound,
            clock,
            budget: Arc::new(OwnBudget::default()),
            tokens: None,
            budgets: budgets.into(),
        };
        Self {
            connector,
            credential,
            calls,
            object: object.to_owned(),
            inputs,
            made: BTreeSet::new(),
        }
    }

    /// Makes a record.
    ///
    /// # Errors
    /// [`DirectWriteError`].
    pub async fn create(
        &mut self,
        record: Map<String, Value>,
    ) -> Result<Written, DirectWriteError> {
        let payload = Payload {
            record,
            ..Payload::default()
        };
        let written = self.write(Action::Create, &payload).await?;
        self.made.insert(written.id.clone());
        Ok(written)
    }

    /// Changes a record.
    ///
    /// # Errors
    /// [`DirectWriteError`].
    pub async fn update(
        &self,
        id: String,
        record: Map<String, Value>,
    ) -> Result<Written, DirectWriteError> {
        let payload = Payload {
            id,
            record,
            ..Payload::default()
        };
        self.write(Action::Update, &payload).await
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// [`DirectWriteError`].
    pub async fn delete(&self, id: String) -> Result<Written, DirectWriteError> {
        let payload = Payload {
            id,
            ..Payload::default()
        };
        self.write(Action::Delete, &payload).await
    }

    async fn write(&self, action: Action, payload: &Payload) -> Result<Written, DirectWriteError> {
        let machine = Machine {
            calls: &self.calls,
            connector: self.connector.as_ref(),
            caller: Caller::Holder(&self.credential),
            lane: Lane::Scheduled,
            installation_id: None,
            object: &self.object,
            inputs: &self.inputs,
        };
        let clock = &self.calls.clock;
        let mut tries = 0;
        let mut wait = FIRST_WAIT;
        loop {
            tries += 1;
            let sent_at = clock.now();
            let (failure, raw) = match machine.write(action, payload, tries > 1).await {
                Ok(written) => return Ok(written),
                Err(Stop::Store(error)) => return Err(said(error.to_string(), None)),
                Err(Stop::Budget { until, .. }) => {
                    // Nothing was sent.
                    tries -= 1;
                    self.rest(until.duration_since(clock.now())).await;
                    continue;
                }
                Err(Stop::Refused { failure, raw }) => (failure, raw),
            };
            let error = words::of(&failure);
            if action == Action::Create && words::is_ambiguous(&failure) {
                let found = self.find(machine, payload, sent_at, &error).await?;
                if let Some(written) = found {
                    return Ok(written);
                }
            }
            if !failure.is_transient() || tries >= MOST_TRIES {
                return Err(DirectWriteError {
                    unauthorized: matches!(failure, Failure::Unauthorized { .. }),
                    ..said(error, raw)
                });
            }
            self.rest(words::told_wait(&failure).unwrap_or(wait)).await;
            wait = wait.saturating_mul(2);
        }
    }

    /// What a create whose answer was lost has made; none where it has made nothing.
    async fn find(
        &self,
        machine: Machine<'_>,
        payload: &Payload,
        sent_at: Timestamp,
        error: &str,
    ) -> Result<Option<Written>, DirectWriteError> {
        let ago_s = self.calls.clock.now().duration_since(sent_at).as_secs();
        let why = match machine.trace(payload, ago_s).await {
            Ok(Trace::Absent) => return Ok(None),
            Ok(Trace::Present(mut found)) => {
                found.retain(|written| !self.made.contains(&written.id));
                if found.len() < 2 {
                    return Ok(found.pop());
                }
                "there are several that look like it".to_owned()
            }
            Ok(Trace::Unknown { why }) => why,
            Err(_) => "it could not be looked for either".to_owned(),
        };
        Err(said(words::unknown(error, &why), None))
    }

    async fn rest(&self, wait: SignedDuration) {
        let wait = wait.max(SignedDuration::from_millis(50));
        self.calls.clock.sleep(wait.unsigned_abs()).await;
    }
}

fn said(message: String, raw: Option<String>) -> DirectWriteError {
    DirectWriteError {
        message,
        raw,
        unauthorized: false,
    }
}

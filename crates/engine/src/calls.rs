//! The only door to a provider: credential, request budget, one send, and once
//! more after a refresh when the credential was refused.

use std::sync::Arc;
use std::time::Duration;

use connector::{Connector, Description, Failure, Request, Response};
use jiff::{SignedDuration, Timestamp};
use outbound::{Credential, Outbound, SendError};
use sha2::{Digest, Sha256};
use store::{Spend, StoreError};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::budget::Budget;
use crate::clock::Clock;
use crate::metrics;
use crate::random;
use crate::tokens::{Fresh, TokenError, Tokens};

/// How long an interactive call waits for the budget before it is answered 429.
const INTERACTIVE_PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// How long everyone waits after a 429 that names no time. Bitbucket's windows
/// roll by the minute at the finest that anyone has seen, so a minute is the
/// shortest wait that can help.
const GATE_AFTER_429: SignedDuration = SignedDuration::from_secs(60);

/// Who waits for an answer. The order is the order of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// A person or a program waits.
    Interactive,
    /// A scheduled read.
    Scheduled,
    /// A backfill.
    Backfill,
}

impl Lane {
    /// The name, for metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Scheduled => "scheduled",
            Self::Backfill => "backfill",
        }
    }
}

/// Limits of one resource group that the operator has set.
#[derive(Debug, Clone)]
pub struct BudgetOverride {
    /// The resource group.
    pub group: &'static str,
    /// Calls in a window; 0 for no limit.
    pub limit: u32,
    /// The window in seconds.
    pub window_s: u32,
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The provider refused, or could not be reached.
    #[error(transparent)]
    Provider(#[from] Failure),
    /// The request budget is used up; ask again then.
    #[error("the request budget is used up until {until}")]
    Budget {
        /// When a call may pass again.
        until: Timestamp,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// In whose name a request is sent.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// A connection's, by its id; its token is kept fresh.
    Connection(&'a str),
    /// Of whoever holds this credential, which cannot be refreshed.
    Holder(&'a Credential),
}

/// Sends requests to providers.
#[derive(Debug, Clone)]
pub struct Calls {
    pub(crate) outbound: Outbound,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) budget: Arc<dyn Budget>,
    /// Absent where there is no store, and so no connection.
    pub(crate) tokens: Option<Tokens>,
    pub(crate) budgets: Arc<[BudgetOverride]>,
}

impl Calls {
    /// Sends `request` with the caller's credential, within the budget.
    ///
    /// Any answer of the provider is `Ok`, a refusal too: what it means is for
    /// the connector to say.
    ///
    /// # Errors
    /// [`CallError`]: no usable credential, no budget, no answer.
    pub async fn send(
        &self,
        connector: &dyn Connector,
        caller: Caller<'_>,
        lane: Lane,
        request: &Request,
    ) -> Result<Response, CallError> {
        let description = connector.describe();
        let (tokens, connection_id) = match (caller, &self.tokens) {
            (Caller::Connection(id), Some(tokens)) => (tokens, id),
            (Caller::Connection(_), None) => {
                let message = "there is no store, and so no connection".to_owned();
                return Err(Failure::Unauthorized { message }.into());
            }
            (Caller::Holder(credential), _) => {
                let fresh = Fresh::held(credential);
                return self.send_once(description, &fresh, lane, request).await;
            }
        };
        let fresh = tokens.fresh(description, connection_id).await?;
        let response = self.send_once(description, &fresh, lane, request).await?;
        if response.status != 401 || !request.judges_credential {
            return Ok(response);
        }
        // A refused credential is refreshed once. If that brings nothing newer,
        // the first answer stands: the connector says what a 401 means here.
        match tokens
            .after_refusal(description, connection_id, fresh.version)
            .await
        {
            Ok(Some(newer)) => self.send_once(description, &newer, lane, request).await,
            Ok(None) => Ok(response),
            Err(error) => Err(error.into()),
        }
    }

    async fn send_once(
        &self,
        description: &Description,
        fresh: &Fresh,
        lane: Lane,
        request: &Request,
    ) -> Result<Response, CallError> {
        let group = request.group.unwrap_or("other");
        let bucket = bucket(&fresh.counted_as, group);
        self.pay(description, request.group, &bucket, lane).await?;
        let span = tracing::info_span!(
            "call",
            otel.kind = "client",
            provider = description.provider,
            group,
            lane = lane.as_str(),
            status = tracing::field::Empty,
        );
        let began = Instant::now();
        let response = self
            .outbound
            .provider(&description.origin, Some(&fresh.credential), request)
            .instrument(span.clone())
            .await
            .map_err(failure_of)?;
        span.record("status", response.status);
        let took = began.elapsed();
        metrics::call(description.provider, group, lane, response.status, took);
        if response.status == 429 {
            self.close_gate(&bucket, &response).await?;
        }
        Ok(response)
    }

    /// Takes one call from the budget, waiting if a person waits too.
    async fn pay(
        &self,
        description: &Description,
        group: Option<&'static str>,
        bucket: &str,
        lane: Lane,
    ) -> Result<(), CallError> {
        let (limit, window) = self.limit_of(description, group);
        // A tenth is kept for interactive calls.
        let share = if lane == Lane::Interactive {
            limit
        } else {
            limit - limit / 10
        };
        let deadline = self
            .clock
            .now()
            .saturating_add(INTERACTIVE_PATIENCE)
            .unwrap_or(Timestamp::MAX);
        loop {
            let now = self.clock.now();
            let until = match self.budget.spend(bucket, share, window, now).await? {
                Spend::Granted => return Ok(()),
                Spend::Full { until } | Spend::Blocked { until } => until,
            };
            metrics::budget_wait(group.unwrap_or("other"), lane);
            if lane != Lane::Interactive || until > deadline {
                return Err(CallError::Budget { until });
            }
            let wait = until
                .duration_since(now)
                .unsigned_abs()
                .max(Duration::from_millis(50));
            self.clock.sleep(wait).await;
        }
    }

    /// The limit of a group; without one only the gate after a 429 counts.
    fn limit_of(
        &self,
        description: &Description,
        group: Option<&'static str>,
    ) -> (u32, SignedDuration) {
        let Some(group) = group else {
            return (u32::MAX, SignedDuration::from_hours(1));
        };
        if let Some(own) = self.budgets.iter().find(|budget| budget.group == group) {
            let limit = if own.limit == 0 { u32::MAX } else { own.limit };
            return (limit, SignedDuration::from_secs(i64::from(own.window_s)));
        }
        description
            .group(group)
            .map_or((u32::MAX, SignedDuration::from_hours(1)), |published| {
                (
                    published.limit,
                    SignedDuration::from_secs(i64::from(published.window_s)),
                )
            })
    }

    /// After a 429 nobody who shares the bucket calls for a while.
    async fn close_gate(&self, bucket: &str, response: &Response) -> Result<(), CallError> {
        let now = self.clock.now();
        let told = response
            .header("retry-after")
            .and_then(|value| value.trim().parse::<i64>().ok());
        let wait = match told {
            Some(seconds) => SignedDuration::from_secs(seconds.clamp(1, 24 * 3600)),
            None => GATE_AFTER_429,
        };
        let until = now
            .saturating_add(random::jittered(wait))
            .unwrap_or(Timestamp::MAX);
        tracing::warn!(%until, "the provider's request limit is reached; calls wait");
        Ok(self.budget.gate(bucket, until, now).await?)
    }
}

/// The name of a bucket: who the provider counts the call for, hashed, since it
/// may be a token; and the group.
fn bucket(counted_as: &str, group: &str) -> String {
    format!(
        "{}:{group}",
        hex::encode(Sha256::digest(counted_as.as_bytes()))
    )
}

/// What it means to a read when a request did not get through.
pub(crate) fn failure_of(error: SendError) -> Failure {
    let message = error.to_string();
    if error.is_transient() {
        Failure::Unavailable { message }
    } else {
        Failure::Invalid {
            message,
            fields: std::collections::BTreeMap::new(),
        }
    }
}

impl From<TokenError> for CallError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Store(error) => Self::Store(error),
            TokenError::Refused { message } => Self::Provider(Failure::Unauthorized { message }),
            TokenError::Unavailable { message } => Self::Provider(Failure::Unavailable { message }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_separates_credentials_and_groups_and_hides_the_credential() {
        let one = bucket("client-a", "repositories");
        assert_ne!(one, bucket("client-b", "repositories"));
        assert_ne!(one, bucket("client-a", "other"));
        assert!(!one.contains("client-a"));
    }
}

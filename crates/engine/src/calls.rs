//! The only door to a provider: credential, request budget, one send, and once
//! more after a refresh when the credential was refused.

use std::sync::Arc;

use connector::{Connector, Description, Failure, Request, Response};
use jiff::Timestamp;
use outbound::{Credential, Outbound, SendError};

pub use store::Lane;
use store::StoreError;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::budget::Budget;
use crate::clock::Clock;
use crate::pay::Purse;
use crate::tokens::{Fresh, TokenError, Tokens};

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
        self.send_from(connector, caller, &mut Purse::of(lane), request)
            .await
    }

    /// As [`Calls::send`], for work that makes many calls and waits in line when
    /// there is no budget for one: then the purse says for which account.
    ///
    /// # Errors
    /// As [`Calls::send`].
    pub(crate) async fn send_from(
        &self,
        connector: &dyn Connector,
        caller: Caller<'_>,
        purse: &mut Purse<'_>,
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
                return self
                    .send_once(description, &fresh, None, purse, request)
                    .await;
            }
        };
        let id = Some(connection_id);
        let fresh = tokens.fresh(description, connection_id).await?;
        let response = self
            .send_once(description, &fresh, id, purse, request)
            .await?;
        if response.status != 401 || !request.judges_credential {
            return Ok(response);
        }
        // A refused credential is refreshed once. If that brings nothing newer,
        // the first answer stands: the connector says what a 401 means here.
        match tokens
            .after_refusal(description, connection_id, fresh.version)
            .await
        {
            Ok(Some(newer)) => {
                self.send_once(description, &newer, id, purse, request)
                    .await
            }
            Ok(None) => Ok(response),
            Err(error) => Err(error.into()),
        }
    }

    async fn send_once(
        &self,
        description: &Description,
        fresh: &Fresh,
        connection_id: Option<&str>,
        purse: &mut Purse<'_>,
        request: &Request,
    ) -> Result<Response, CallError> {
        let bill = self.bill(description, fresh, connection_id, request.group);
        let sent_at = self.pay(&bill, purse).await?;
        let (group, lane) = (bill.group, purse.lane);
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
        bill.meter.answered(lane, response.status, took);
        self.told(&bill, sent_at, &response).await?;
        Ok(response)
    }
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

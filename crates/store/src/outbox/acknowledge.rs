//! What came of attempts, and what that says of their destinations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use crate::Store;
use crate::columns::ms;
use crate::connect::Tx;
use crate::destination::{self, WhyDisabled};
use crate::error::Result;

/// Most bytes of a destination's answer that are kept.
const ANSWER_MAX_BYTES: usize = 1024;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The message.
    pub id: String,
    /// The attempt, as it was claimed.
    pub attempt: i32,
    /// When it was made.
    pub attempt_time: Timestamp,
    /// What came of it.
    pub outcome: DeliveryOutcome,
    /// The beginning of the destination's answer; a kilobyte of it is kept.
    pub answer: Option<String>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The destination took it.
    Delivered {
        /// Its status code.
        status: u16,
    },
    /// To be tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// The destination's status code, if it answered.
        status: Option<u16>,
        /// What went wrong.
        error: String,
    },
    /// Given up; kept for a replay.
    Dead {
        /// The destination's status code, if it answered.
        status: Option<u16>,
        /// What went wrong.
        error: String,
    },
    /// The destination wants no more: it is disabled, and the message waits for
    /// it to be enabled again.
    Gone {
        /// Its status code.
        status: u16,
        /// What went wrong.
        error: String,
    },
}

/// What attempts say of a destination, the later ones outweighing the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// It failed.
    Failed,
    /// It took something.
    Took,
    /// It wants no more.
    Gone,
}

impl DeliveryOutcome {
    fn sign(&self) -> Sign {
        match self {
            Self::Delivered { .. } => Sign::Took,
            Self::Retry { .. } | Self::Dead { .. } => Sign::Failed,
            Self::Gone { .. } => Sign::Gone,
        }
    }
}

impl Store {
    /// Records what came of attempts. An attempt that is no longer the latest
    /// is passed over. A destination that took something is no longer failing;
    /// one that has failed for too long, or is gone, is disabled.
    pub async fn acknowledge(&self, results: &[Acknowledged], now: Timestamp) -> Result<()> {
        self.watch(self.settle(results, now).await, now)
    }

    async fn settle(&self, results: &[Acknowledged], now: Timestamp) -> Result<()> {
        // In one order everywhere, so that two senders cannot lock each other out.
        let mut results: Vec<&Acknowledged> = results.iter().collect();
        results.sort_by(|a, b| a.id.cmp(&b.id));
        let mut signs: BTreeMap<String, Sign> = BTreeMap::new();
        let mut tx = self.write().await?;
        for result in results {
            if let Some(destination_id) = record(&tx, result, now).await? {
                let sign = result.outcome.sign();
                let known = signs.entry(destination_id).or_insert(sign);
                *known = sign.max(*known);
            }
        }
        for (destination_id, sign) in &signs {
            match sign {
                Sign::Took => destination::took(&tx, destination_id).await?,
                Sign::Failed => destination::failed(&mut tx, destination_id, now).await?,
                Sign::Gone => {
                    destination::disable(&mut tx, destination_id, WhyDisabled::Gone, now).await?;
                }
            }
        }
        tx.commit().await
    }
}

/// Records one attempt; returns the destination, unless the attempt is an old
/// one.
async fn record(tx: &Tx<'_>, result: &Acknowledged, now: Timestamp) -> Result<Option<String>> {
    let (word, at, status, error) = match &result.outcome {
        DeliveryOutcome::Delivered { status } => ("delivered", now, Some(*status), None),
        DeliveryOutcome::Retry { at, status, error } => ("pending", *at, *status, Some(error)),
        DeliveryOutcome::Dead { status, error } => ("dead", now, *status, Some(error)),
        DeliveryOutcome::Gone { status, error } => ("pending", now, Some(*status), Some(error)),
    };
    let update = tx.backend().sql(
        "UPDATE outbox SET status = $3, next_at = $4, owner = NULL, last_status = $5, \
         last_error = $6, last_answer = $7, update_time = $8, \
         attempt_times = COALESCE(attempt_times || ',', '') || CAST($9 AS TEXT) \
         WHERE id = $1 AND attempt = $2 AND status = 'pending' AND owner IS NOT NULL \
         RETURNING destination_id",
        [
            result.id.as_str().into(),
            result.attempt.into(),
            word.into(),
            ms(at).into(),
            status.map(i32::from).into(),
            error.map(|error| storable(error)).into(),
            result.answer.as_deref().map(storable).into(),
            ms(now).into(),
            ms(result.attempt_time).to_string().into(),
        ],
    );
    let row = tx.db().query_one_raw(update).await?;
    Ok(row
        .map(|row| row.try_get("", "destination_id"))
        .transpose()?)
}

/// Text from outside as a column can hold it: short, and without the character
/// that PostgreSQL refuses in any text.
fn storable(text: &str) -> String {
    let mut end = text.len().min(ANSWER_MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    kept.chars().filter(|c| *c != '\0').collect()
}

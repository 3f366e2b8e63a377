//! Which installation made how many calls, for show: the limit does not rest on
//! it. Each node counts in memory and writes every few seconds, so a node that
//! is killed takes a few seconds of it along.

use std::collections::HashMap;
use std::sync::PoisonError;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, Value};

use super::lane::PerLane;
use super::{Ask, millis};
use crate::Store;
use crate::columns::ms;
use crate::error::Result;
use crate::statement::rows;

/// Parts of a window in which an installation's calls are counted.
const PARTS: i64 = 12;
/// How often a node writes.
const EVERY_MS: i64 = 2_000;
/// Rows in one statement.
const ROWS: usize = 200;

/// Calls that are counted and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By bucket, installation, and when they leave the window.
    calls: HashMap<String, HashMap<String, HashMap<i64, PerLane>>>,
    written_at: i64,
}

#[derive(Debug, Clone)]
struct Part {
    bucket: String,
    installation_id: String,
    leaves_at: i64,
}

impl Tally {
    /// Counts one call. The names are copied for the first one only.
    fn count(&mut self, ask: &Ask<'_>, installation_id: &str, leaves_at: i64) {
        let bucket = ask.account.bucket;
        let parts = self
            .calls
            .get_mut(bucket)
            .and_then(|installations| installations.get_mut(installation_id));
        if let Some(parts) = parts {
            *parts.entry(leaves_at).or_default().at(ask.lane) += 1;
            return;
        }
        let installations = self.calls.entry(bucket.to_owned()).or_default();
        let parts = installations.entry(installation_id.to_owned());
        let calls = parts.or_default().entry(leaves_at).or_default();
        *calls.at(ask.lane) += 1;
    }

    fn drain(&mut self) -> Vec<(Part, PerLane)> {
        let mut counted = Vec::new();
        for (bucket, installations) in self.calls.drain() {
            for (installation_id, parts) in installations {
                counted.extend(parts.into_iter().map(|(leaves_at, calls)| {
                    let part = Part {
                        bucket: bucket.clone(),
                        installation_id: installation_id.clone(),
                        leaves_at,
                    };
                    (part, calls)
                }));
            }
        }
        counted
    }
}

impl Store {
    /// Counts a call for its installation.
    pub(super) fn tally(&self, ask: &Ask<'_>, now: Timestamp) {
        let Some(installation_id) = ask.installation_id else {
            return;
        };
        let window = millis(ask.account.window).max(1);
        let part = (window / PARTS).max(1);
        let ends = ms(now)
            .div_euclid(part)
            .saturating_add(1)
            .saturating_mul(part);
        let tally = self.inner.books.tally.lock();
        let mut tally = tally.unwrap_or_else(PoisonError::into_inner);
        tally.count(ask, installation_id, ends.saturating_add(window));
    }

    /// Writes what has been counted, when it is time.
    pub(crate) async fn write_tally_sometimes(&self, now: Timestamp) -> Result<()> {
        let is_time = {
            let tally = self.inner.books.tally.lock();
            let tally = tally.unwrap_or_else(PoisonError::into_inner);
            !tally.calls.is_empty() && (ms(now) - tally.written_at).abs() >= EVERY_MS
        };
        if is_time {
            self.write_tally(now).await?;
        }
        Ok(())
    }

    /// Writes what has been counted.
    pub(super) async fn write_tally(&self, now: Timestamp) -> Result<()> {
        let counted: Vec<(Part, PerLane)> = {
            let tally = self.inner.books.tally.lock();
            let mut tally = tally.unwrap_or_else(PoisonError::into_inner);
            tally.written_at = ms(now);
            tally.drain()
        };
        if counted.is_empty() {
            return Ok(());
        }
        // The same order on every node, so that two never wait for each other.
        let mut counted = counted;
        counted.sort_by(|(a, _), (b, _)| {
            let key = |part: &Part| {
                (
                    part.bucket.clone(),
                    part.installation_id.clone(),
                    part.leaves_at,
                )
            };
            key(a).cmp(&key(b))
        });
        let tx = self.write().await?;
        tx.execute(
            "DELETE FROM budget_share WHERE leaves_at <= $1",
            [ms(now).into()],
        )
        .await?;
        for counted in counted.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO budget_share (bucket, installation_id, leaves_at, interactive, \
                 scheduled, backfill) VALUES {} ON CONFLICT (bucket, installation_id, leaves_at) \
                 DO UPDATE SET interactive = budget_share.interactive + excluded.interactive, \
                 scheduled = budget_share.scheduled + excluded.scheduled, \
                 backfill = budget_share.backfill + excluded.backfill",
                rows(1, 6, counted.len())
            );
            let mut values: Vec<Value> = Vec::with_capacity(counted.len() * 6);
            for (part, calls) in counted {
                values.extend([
                    part.bucket.as_str().into(),
                    part.installation_id.as_str().into(),
                    part.leaves_at.into(),
                    i64::from(calls.interactive).into(),
                    i64::from(calls.scheduled).into(),
                    i64::from(calls.backfill).into(),
                ]);
            }
            let statement = tx.backend().sql_many(&sql, values);
            tx.db().execute_raw(statement).await?;
        }
        tx.commit().await
    }
}

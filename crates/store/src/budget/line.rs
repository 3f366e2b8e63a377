//! Waiting in line for a bucket, and being called up.
//!
//! Work that finds no room is due, but names the bucket it waits for, and no
//! claim takes it. When there is room again whoever claims next calls up the
//! first in line: about as many as can call, whatever the length of the line.
//!
//! The line is fair between installations: each gets a pass in turn, first the
//! one that was served longest ago, over all nodes. How many rows of work an
//! installation has in line makes no difference.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, Value};

use super::lane::Lane;
use super::ledger::Ledger;
use super::{lock, save, vanished};
use crate::Store;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::statement::count;
use crate::wake::WakeKind;
use crate::work::{Lease, fence};

/// Passes for one row at a time: work that goes on costs a claim, and this many
/// calls share it.
const PASSES_AT_ONCE: u32 = 5;
/// Rows that are called up at a time. What is free beyond is given out at the
/// next claim.
const ROWS_AT_ONCE: u32 = 64;

/// A row that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InLine {
    kind: String,
    subject_id: String,
    installation_id: String,
}

/// Shares out up to `calls` passes, at most [`PASSES_AT_ONCE`] for a row, to
/// each installation in turn. The rows come in the order in which installations
/// are to be served, and within one in its own. Returns the passes of each row.
fn share_out(rows: &[InLine], calls: u32) -> Vec<u32> {
    let mut passes = vec![0; rows.len()];
    let mut turns: Vec<(&str, VecDeque<usize>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let id = row.installation_id.as_str();
        let place = *places.entry(id).or_insert_with(|| {
            turns.push((id, VecDeque::new()));
            turns.len() - 1
        });
        if let Some((_, own)) = turns.get_mut(place) {
            own.push_back(index);
        }
    }
    let mut left = calls;
    while left > 0 && !turns.is_empty() {
        for (_, own) in &mut turns {
            let Some(index) = own.pop_front().filter(|_| left > 0) else {
                continue;
            };
            if let Some(given) = passes.get_mut(index) {
                *given += 1;
                left -= 1;
                if *given < PASSES_AT_ONCE {
                    own.push_back(index);
                }
            }
        }
        turns.retain(|(_, own)| !own.is_empty());
    }
    passes
}

/// Wakes whoever claims, if someone in line can be called up at once.
pub(super) async fn call_up(tx: &mut Tx<'_>, ledger: &Ledger, now: i64) -> Result<()> {
    if ledger.look_at(now).is_some_and(|at| at <= now) {
        tx.wake(WakeKind::Work).await?;
    }
    Ok(())
}

impl Store {
    /// Frees the row and puts it in line for a bucket in which there was no room.
    /// The claim does not count as an attempt. Fenced.
    pub async fn wait_for_budget(
        &self,
        lease: &Lease,
        bucket: &str,
        lane: Lane,
        now: Timestamp,
    ) -> Result<()> {
        let book = self.inner.books.of(bucket);
        let mut book = book.lock().await;
        book.forget();
        let mut tx = self.write().await?;
        fence(&tx, lease).await?;
        tx.execute(
            "UPDATE work SET owner = NULL, lease_until = NULL, run_again = FALSE, next_at = $3, \
             attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END, \
             waits_for = $4, waits_lane = $5, waits_since = $3, passes = 0 \
             WHERE kind = $1 AND subject_id = $2",
            [
                lease.kind.as_str().into(),
                lease.subject_id.as_str().into(),
                ms(now).into(),
                bucket.into(),
                lane.number().into(),
            ],
        )
        .await?;
        let mut entry = lock(&tx, bucket, now).await?.ok_or_else(vanished)?;
        entry.ledger.queue(lane, ms(now));
        save(&tx, bucket, &entry, ms(now)).await?;
        call_up(&mut tx, &entry.ledger, ms(now)).await?;
        tx.commit().await
    }

    /// Calls up those in line for whom there is room. Returns how many.
    pub(crate) async fn call_up_waiting(&self, now: Timestamp) -> Result<u32> {
        let select = self.backend().sql(
            "SELECT bucket FROM budget_bucket WHERE look_at IS NOT NULL AND look_at <= $1",
            [ms(now).into()],
        );
        let mut called = 0_u32;
        for row in self.read().query_all_raw(select).await? {
            let bucket: String = row.try_get("", "bucket")?;
            called = called.saturating_add(self.call_up_for(&bucket, now).await?);
        }
        Ok(called)
    }

    async fn call_up_for(&self, bucket: &str, now: Timestamp) -> Result<u32> {
        let mut tx = self.write().await?;
        let Some(mut entry) = lock(&tx, bucket, now).await? else {
            return Ok(0);
        };
        let time = ms(now);
        entry.ledger.settle(time);
        if entry.ledger.look_at(time).is_none_or(|at| at > time) {
            // Another node was quicker.
            return Ok(0);
        }
        let mut called = 0_u32;
        for lane in Lane::IN_LINE {
            let waiting = waiting(&tx, bucket, lane).await?;
            entry.ledger.recount(lane, waiting);
            let calls = entry.ledger.to_promise(lane, time);
            if waiting == 0 || calls == 0 {
                continue;
            }
            let rows = first_in_line(&tx, bucket, lane, calls.min(ROWS_AT_ONCE)).await?;
            let passes = share_out(&rows, calls);
            let mut given: Vec<(&InLine, u32)> = rows
                .iter()
                .zip(passes)
                .filter(|(_, passes)| *passes > 0)
                .collect();
            // Whose turn it is, is settled; rows are locked in the order of keys.
            given.sort_by_key(|(row, _)| (&row.kind, &row.subject_id));
            release(&tx, &given, time).await?;
            serve(&tx, bucket, &given, time).await?;
            let rows = u32::try_from(given.len()).unwrap_or(u32::MAX);
            let total = given.iter().map(|(_, passes)| passes).sum();
            let still = waiting.saturating_sub(rows);
            entry.ledger.promise(lane, total, still, time);
            called = called.saturating_add(rows);
        }
        save(&tx, bucket, &entry, time).await?;
        if called > 0 {
            tx.execute(
                "DELETE FROM budget_turn WHERE bucket = $1 AND served_at < $2",
                [
                    bucket.into(),
                    time.saturating_sub(entry.ledger.terms().window_ms).into(),
                ],
            )
            .await?;
            tx.wake(WakeKind::Work).await?;
        }
        tx.commit().await?;
        Ok(called)
    }
}

/// How many wait.
async fn waiting(tx: &Tx<'_>, bucket: &str, lane: Lane) -> Result<u32> {
    let select = tx.backend().sql(
        "SELECT COUNT(*) AS n FROM work WHERE waits_for = $1 AND waits_lane = $2",
        [bucket.into(), lane.number().into()],
    );
    match tx.db().query_one_raw(select).await? {
        Some(row) => count("work", row.try_get("", "n")?),
        None => Ok(0),
    }
}

/// The first `n` in line: of each installation the one that waits longest, then
/// of each the next; among installations first the one served longest ago. Work
/// that is for no installation stands for itself.
async fn first_in_line(tx: &Tx<'_>, bucket: &str, lane: Lane, n: u32) -> Result<Vec<InLine>> {
    let select = tx.backend().sql(
        "SELECT kind, subject_id, installation FROM (\
         SELECT work.kind AS kind, work.subject_id AS subject_id, work.waits_since AS since, \
         COALESCE(sync.installation_id, write_job.installation_id, work.subject_id) AS installation, \
         COALESCE(budget_turn.served_at, 0) AS served, \
         ROW_NUMBER() OVER (PARTITION BY \
         COALESCE(sync.installation_id, write_job.installation_id, work.subject_id) \
         ORDER BY work.waits_since, work.subject_id) AS nth \
         FROM work LEFT JOIN sync ON sync.id = work.subject_id \
         LEFT JOIN write_job ON write_job.id = work.subject_id \
         LEFT JOIN budget_turn ON budget_turn.bucket = $1 AND budget_turn.installation_id = \
         COALESCE(sync.installation_id, write_job.installation_id, work.subject_id) \
         WHERE work.waits_for = $1 AND work.waits_lane = $2) AS line \
         ORDER BY nth, served, since, subject_id LIMIT $3",
        [bucket.into(), lane.number().into(), i64::from(n).into()],
    );
    let mut rows = Vec::new();
    for row in tx.db().query_all_raw(select).await? {
        rows.push(InLine {
            kind: row.try_get("", "kind")?,
            subject_id: row.try_get("", "subject_id")?,
            installation_id: row.try_get("", "installation")?,
        });
    }
    Ok(rows)
}

/// Lets rows be claimed, with their passes.
async fn release(tx: &Tx<'_>, given: &[(&InLine, u32)], now: i64) -> Result<()> {
    for (row, passes) in given {
        tx.execute(
            "UPDATE work SET waits_for = NULL, waits_lane = NULL, waits_since = NULL, \
             passes = $3, next_at = $4 WHERE kind = $1 AND subject_id = $2",
            [
                row.kind.as_str().into(),
                row.subject_id.as_str().into(),
                i32::try_from(*passes).unwrap_or(i32::MAX).into(),
                now.into(),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Notes which installations have had their turn.
async fn serve(tx: &Tx<'_>, bucket: &str, given: &[(&InLine, u32)], now: i64) -> Result<()> {
    let served: BTreeSet<&str> = given
        .iter()
        .map(|(row, _)| row.installation_id.as_str())
        .collect();
    let rows: Vec<String> = (0..served.len())
        .map(|n| format!("($1, ${}, $2)", n + 3))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO budget_turn (bucket, installation_id, served_at) VALUES {} \
         ON CONFLICT (bucket, installation_id) DO UPDATE SET served_at = excluded.served_at",
        rows.join(", ")
    );
    let mut values: Vec<Value> = vec![bucket.into(), now.into()];
    values.extend(served.into_iter().map(Value::from));
    let statement = tx.backend().sql_many(&sql, values);
    tx.db()
        .execute_raw(statement)
        .await
        .map_err(StoreError::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(installations: &[&str]) -> Vec<InLine> {
        let row = |(n, id): (usize, &&str)| InLine {
            kind: "read".to_owned(),
            subject_id: n.to_string(),
            installation_id: (*id).to_owned(),
        };
        installations.iter().enumerate().map(row).collect()
    }

    #[test]
    fn each_installation_gets_a_pass_in_turn() {
        let line = rows(&["a", "b", "a", "a"]);
        assert_eq!(share_out(&line, 1), [1, 0, 0, 0]);
        assert_eq!(share_out(&line, 2), [1, 1, 0, 0]);
        // However many rows one has in line, the other gets as much.
        assert_eq!(share_out(&line, 8), [2, 4, 1, 1]);
        assert_eq!(share_out(&line, 100), [5, 5, 5, 5]);
        assert!(share_out(&[], 3).is_empty());
    }
}

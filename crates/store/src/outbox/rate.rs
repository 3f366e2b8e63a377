//! How many messages a project may send in a second, over all nodes together.
//!
//! Counted in seconds of the clock, when messages are claimed. The rows are
//! locked until the claim is committed, so two nodes never count past another.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, Value};

use crate::connect::Tx;
use crate::error::Result;
use crate::statement::{ROWS_PER_STATEMENT, list};

/// How many more each project may send in this second.
pub(super) async fn allowances(
    tx: &Tx<'_>,
    projects: &BTreeSet<&str>,
    rate: u32,
    now: Timestamp,
) -> Result<HashMap<String, usize>> {
    let mut left = HashMap::new();
    if rate == 0 {
        return Ok(left);
    }
    for project in projects {
        tx.execute(
            "INSERT INTO delivery_rate (project_id, second, sent) VALUES ($1, 0, 0) \
             ON CONFLICT (project_id) DO NOTHING",
            [(*project).into()],
        )
        .await?;
    }
    // In one order everywhere, so that two nodes cannot lock each other out.
    let projects: Vec<&str> = projects.iter().copied().collect();
    for projects in projects.chunks(ROWS_PER_STATEMENT) {
        let sql = format!(
            "SELECT project_id, second, sent FROM delivery_rate WHERE project_id IN ({}) \
             ORDER BY project_id{}",
            list(1, projects.len()),
            tx.backend().for_update()
        );
        let ids: Vec<Value> = projects.iter().map(|project| (*project).into()).collect();
        let select = tx.backend().sql_many(&sql, ids);
        for row in tx.db().query_all_raw(select).await? {
            let second: i64 = row.try_get("", "second")?;
            let sent: i64 = row.try_get("", "sent")?;
            let sent = if second == now.as_second() { sent } else { 0 };
            let room = i64::from(rate).saturating_sub(sent).max(0);
            left.insert(
                row.try_get("", "project_id")?,
                usize::try_from(room).unwrap_or(usize::MAX),
            );
        }
    }
    Ok(left)
}

/// Counts what was claimed in this second.
pub(super) async fn spend(
    tx: &Tx<'_>,
    project_id: &str,
    messages: usize,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE delivery_rate SET sent = CASE WHEN second = $2 THEN sent ELSE 0 END + $3, \
         second = $2 WHERE project_id = $1",
        [
            project_id.into(),
            now.as_second().into(),
            i64::try_from(messages).unwrap_or(i64::MAX).into(),
        ],
    )
    .await?;
    Ok(())
}

/// When the next second begins.
pub(super) fn next_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second().saturating_add(1)).unwrap_or(Timestamp::MAX)
}

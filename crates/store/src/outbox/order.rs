//! The order of messages: numbers for destinations that want one, and messages
//! that wait to be asked for.
//!
//! A number is taken under the lock of the destination's row, which is held until
//! the commit: whoever comes later commits later. So the numbers of a destination
//! follow the order in which its messages were committed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use super::NewMessage;
use crate::Backend;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::Result;
use crate::scope::Tenant;
use crate::wake::WakeKind;

/// Messages let go in one transaction, which locks them and their destination.
const RELEASED_AT_ONCE: u32 = 200;

/// Gives messages that were put in just now their place: held back, numbered, or
/// neither.
pub(super) async fn place<'m>(
    tx: &Tx<'_>,
    messages: impl Iterator<Item = &'m NewMessage>,
) -> Result<()> {
    // By destination, so that two transactions lock them in the same order.
    let mut at_once: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for message in messages {
        let Some(object) = &message.hold_for else {
            let ids = at_once.entry(&message.destination_id).or_default();
            ids.push(&message.id);
            continue;
        };
        tx.execute(
            "UPDATE outbox SET status = 'held', hold_for = $2 \
             WHERE id = $1 AND status = 'pending' AND attempt = 0 AND hold_for IS NULL",
            [message.id.as_str().into(), object.as_str().into()],
        )
        .await?;
    }
    for (destination_id, ids) in at_once {
        number(tx, destination_id, &ids).await?;
    }
    Ok(())
}

/// Numbers messages in the order given, where the destination wants order.
async fn number(tx: &Tx<'_>, destination_id: &str, ids: &[&str]) -> Result<()> {
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let take = tx.backend().sql(
        "UPDATE destination SET last_seq = last_seq + $2 WHERE id = $1 AND ordered \
         RETURNING last_seq",
        [destination_id.into(), count.into()],
    );
    let Some(row) = tx.db().query_one_raw(take).await? else {
        return Ok(());
    };
    let last: i64 = row.try_get("", "last_seq")?;
    for (seq, id) in (last.saturating_sub(count).saturating_add(1)..).zip(ids) {
        tx.execute(
            "UPDATE outbox SET seq = $2 \
             WHERE id = $1 AND status = 'pending' AND attempt = 0 AND seq IS NULL",
            [(*id).into(), seq.into()],
        )
        .await?;
    }
    Ok(())
}

/// Keeps a destination as it is until the transaction ends, as a message that is
/// put in does: whether it wants order must not change beside us.
async fn keep(tx: &Tx<'_>, destination_id: &str) -> Result<()> {
    if tx.backend() == Backend::Postgres {
        tx.execute(
            "SELECT id FROM destination WHERE id = $1 FOR KEY SHARE",
            [destination_id.into()],
        )
        .await?;
    }
    Ok(())
}

/// Numbers what is pending already, oldest first, for a destination that wants
/// order from now on. Its row is locked. Replays stay outside of the order.
pub(crate) async fn begin(tx: &Tx<'_>, destination_id: &str) -> Result<()> {
    let numbered = tx
        .execute(
            "UPDATE outbox SET seq = numbered.place + \
             (SELECT d.last_seq FROM destination d WHERE d.id = $1) \
             FROM (SELECT o.id AS numbered_id, \
             ROW_NUMBER() OVER (ORDER BY o.create_time, o.id) AS place FROM outbox o \
             WHERE o.destination_id = $1 AND o.status = 'pending' AND o.seq IS NULL \
             AND o.replayed_after = 0) AS numbered WHERE id = numbered.numbered_id",
            [destination_id.into()],
        )
        .await?;
    tx.execute(
        "UPDATE destination SET last_seq = last_seq + $2 WHERE id = $1",
        [
            destination_id.into(),
            i64::try_from(numbered).unwrap_or(i64::MAX).into(),
        ],
    )
    .await?;
    Ok(())
}

/// Takes the numbers away: what is pending goes in parallel from now on.
pub(crate) async fn end(tx: &Tx<'_>, destination_id: &str) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET seq = NULL \
         WHERE destination_id = $1 AND status = 'pending' AND seq IS NOT NULL",
        [destination_id.into()],
    )
    .await?;
    Ok(())
}

impl Tenant<'_> {
    /// Lets the oldest `most` messages go that wait to be asked for, of one
    /// object of an installation; says how many there were. A few hundred at a
    /// time: when one step fails, those before it have gone.
    pub async fn release_held(
        &self,
        installation_id: &str,
        object_name: &str,
        most: u32,
        now: Timestamp,
    ) -> Result<u32> {
        let mut released = 0;
        loop {
            let step = (most - released).min(RELEASED_AT_ONCE);
            let gone = self
                .release_some(installation_id, object_name, step, now)
                .await?;
            released += gone;
            if gone < step || released == most {
                return Ok(released);
            }
        }
    }

    /// At most `most` of them, in one transaction.
    async fn release_some(
        &self,
        installation_id: &str,
        object_name: &str,
        most: u32,
        now: Timestamp,
    ) -> Result<u32> {
        let mut tx = self.store.write().await?;
        let sql = format!(
            "SELECT id, destination_id FROM outbox WHERE project_id = $1 \
             AND installation_id = $2 AND hold_for = $3 AND status = 'held' \
             ORDER BY create_time, id LIMIT $4{}",
            tx.backend().for_update()
        );
        let select = tx.backend().sql(
            &sql,
            [
                self.scope.project_id().into(),
                installation_id.into(),
                object_name.into(),
                i64::from(most).into(),
            ],
        );
        let mut held: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in tx.db().query_all_raw(select).await? {
            let destination_id: String = row.try_get("", "destination_id")?;
            let ids = held.entry(destination_id).or_default();
            ids.push(row.try_get("", "id")?);
        }
        let mut released = 0;
        for (destination_id, ids) in &held {
            keep(&tx, destination_id).await?;
            for id in ids {
                released += 1;
                tx.execute(
                    "UPDATE outbox SET status = 'pending', next_at = $2 WHERE id = $1",
                    [id.as_str().into(), ms(now).into()],
                )
                .await?;
            }
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            number(&tx, destination_id, &ids).await?;
        }
        if released > 0 {
            tx.wake(WakeKind::Outbox).await?;
        }
        tx.commit().await?;
        Ok(released)
    }
}

//! Accepting a write: the operation, its records, and the work that they are, in
//! one transaction.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{Accepted, NewWrite, WriteKey, WriteMode, WriteState, place};
use crate::columns::{ms, span_ms};
use crate::connect::Tx;
use crate::entities::{insert, installation};
use crate::error::{Result, StoreError, or_conflict};
use crate::scope::Tenant;
use crate::secrets::digest;
use crate::wake::WakeKind;
use crate::work::{self, Kind, SCHEDULED};
use crate::{ids, operation};

impl Tenant<'_> {
    /// Accepts a write. One that somebody waits for is marked as sent at once.
    pub async fn accept_write(&self, new: &NewWrite, now: Timestamp) -> Result<Accepted> {
        let installation = self.installation_of(new).await?;
        if let Some(known) = self.known_write(new).await? {
            return Ok(known);
        }
        if let WriteMode::Collected {
            flush_at,
            tried_for,
        } = new.mode
        {
            let collected = self
                .collect(&installation, new, (flush_at, tried_for), now)
                .await;
            return self.unless_known(new, collected).await;
        }
        let mut tx = self.store.write().await?;
        let accepted = add_job(&mut tx, &installation, new, now).await;
        let accepted = match accepted {
            Ok(accepted) => tx.commit().await.map(|()| accepted),
            Err(error) => Err(error),
        };
        self.unless_known(new, accepted).await
    }

    async fn installation_of(&self, new: &NewWrite) -> Result<installation::Model> {
        installation::Entity::find_by_id(&new.installation_id)
            .filter(installation::Column::ProjectId.eq(self.scope.project_id()))
            .one(self.store.read())
            .await?
            .filter(|row| {
                let group = self.scope.group_ref();
                group.is_none_or(|group| group == row.group_ref)
            })
            .ok_or_else(|| StoreError::not_found("installation", &new.installation_id))
    }

    /// What a request came to that was sent before.
    async fn known_write(&self, new: &NewWrite) -> Result<Option<Accepted>> {
        let Some(key) = &new.key else {
            return Ok(None);
        };
        let select = self.store.backend().sql(
            "SELECT request_digest, job_id FROM write_key \
             WHERE installation_id = $1 AND key_digest = $2",
            [new.installation_id.as_str().into(), digest(&key.key).into()],
        );
        let Some(row) = self.store.read().query_one_raw(select).await? else {
            return Ok(None);
        };
        let request: String = row.try_get("", "request_digest")?;
        Ok(Some(if request == digest(&key.request) {
            Accepted::Known {
                operation_id: row.try_get("", "job_id")?,
            }
        } else {
            Accepted::Reused
        }))
    }

    /// The same request may have come twice at once.
    async fn unless_known(&self, new: &NewWrite, accepted: Result<Accepted>) -> Result<Accepted> {
        match accepted {
            Err(error @ StoreError::Conflict { .. }) => self.known_write(new).await?.ok_or(error),
            accepted => accepted,
        }
    }
}

/// Adds a write with its records, its key and its work.
pub(super) async fn add_job(
    tx: &mut Tx<'_>,
    installation: &installation::Model,
    new: &NewWrite,
    now: Timestamp,
) -> Result<Accepted> {
    let operation = operation::write_of(installation, &new.object_name, new.records.len(), now);
    let id = operation.id.clone();
    insert(tx.db(), operation).await?;
    let (is_sync, next_at, deadline_at, tried_for) = match new.mode {
        WriteMode::Sync { hold_until } => (true, hold_until, None, None),
        WriteMode::Async { deadline_at } => (false, now, Some(deadline_at), None),
        WriteMode::Collected {
            flush_at,
            tried_for,
        } => (false, flush_at, None, Some(tried_for)),
    };
    tx.execute(
        "INSERT INTO write_job (id, installation_id, object_name, named, action, is_sync, \
         is_batch, is_open, inputs, deadline_at, tried_for_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [
            id.as_str().into(),
            installation.id.as_str().into(),
            new.object_name.as_str().into(),
            new.named.as_str().into(),
            new.action.into(),
            is_sync.into(),
            new.is_batch.into(),
            tried_for.is_some().into(),
            new.inputs.to_string().into(),
            deadline_at.map(ms).into(),
            tried_for.map(span_ms).into(),
        ],
    )
    .await
    .map_err(|error| or_conflict(error, "write", || id.clone()))?;
    let state = match new.mode {
        WriteMode::Sync { .. } => WriteState::Sent,
        WriteMode::Async { .. } | WriteMode::Collected { .. } => WriteState::Waiting,
    };
    let mut records = Vec::with_capacity(new.records.len());
    for (position, payload) in (0_i32..).zip(&new.records) {
        records.push(add_record(tx, &id, position, (state, payload.as_slice()), now).await?);
    }
    if let Some(key) = &new.key {
        remember(tx, &installation.id, key, &id).await?;
    }
    work::add(tx, Kind::WRITE, &id, SCHEDULED, Some(next_at)).await?;
    if next_at <= now {
        tx.wake(WakeKind::Work).await?;
    }
    Ok(Accepted::New {
        operation_id: id,
        records,
    })
}

/// Adds a record; its identifier.
pub(super) async fn add_record(
    tx: &Tx<'_>,
    job_id: &str,
    position: i32,
    (state, payload): (WriteState, &[u8]),
    now: Timestamp,
) -> Result<String> {
    let id = ids::new();
    let sealed = tx.keys().seal(place(&id), payload)?;
    let sent_at = (state == WriteState::Sent).then(|| ms(now));
    tx.execute(
        "INSERT INTO write_record (id, job_id, position, state, payload, sent_at, attempts) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            id.as_str().into(),
            job_id.into(),
            position.into(),
            state.as_str().into(),
            sealed.into(),
            sent_at.into(),
            i32::from(sent_at.is_some()).into(),
        ],
    )
    .await?;
    Ok(id)
}

/// Remembers by what the request is known again.
pub(super) async fn remember(
    tx: &Tx<'_>,
    installation_id: &str,
    key: &WriteKey,
    job_id: &str,
) -> Result<()> {
    tx.execute(
        "INSERT INTO write_key (installation_id, key_digest, request_digest, job_id) \
         VALUES ($1, $2, $3, $4)",
        [
            installation_id.into(),
            digest(&key.key).into(),
            digest(&key.request).into(),
            job_id.into(),
        ],
    )
    .await
    .map_err(|error| or_conflict(error, "idempotency key", || "it is in use".to_owned()))?;
    Ok(())
}

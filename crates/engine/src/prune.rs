//! Deleting what has been kept for long enough, once an hour, by one process at
//! a time: whoever has the lease on that work.

use std::sync::Arc;

use jiff::SignedDuration;
use outbound::Objects;
use store::{Lease, Retention, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// Between one pruning and the next.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Objects deleted between two commits.
const OBJECTS: u32 = 100;
/// The pause before an object store that failed is tried again.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(5);

/// Prunes.
#[derive(Debug, Clone)]
pub(crate) struct Pruner {
    pub(crate) store: Store,
    pub(crate) objects: Option<Objects>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention: Retention,
}

impl Pruner {
    /// Prunes everything that is due, or until `cancel`.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another process has taken over; others
    /// when the store fails. What was deleted stays deleted.
    pub(crate) async fn turn(
        &self,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut rows = 0_u64;
        while !cancel.is_cancelled() {
            let now = self.clock.now();
            match self.store.prune(lease, self.retention, now).await? {
                0 => break,
                gone => rows = rows.saturating_add(gone),
            }
        }
        let again_after = self.objects(lease, cancel).await?;
        while !cancel.is_cancelled() && self.store.give_back_pages().await? {}
        if rows > 0 {
            tracing::info!(rows, "what was kept for long enough was deleted");
        }
        let now = self.clock.now();
        let next = if cancel.is_cancelled() {
            now
        } else {
            now + again_after
        };
        self.store.finish(lease, Some(next), now).await
    }

    /// Deletes the objects that nothing names; says when to look again.
    async fn objects(
        &self,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<SignedDuration, StoreError> {
        let Some(objects) = &self.objects else {
            return Ok(EVERY);
        };
        while !cancel.is_cancelled() {
            let now = self.clock.now();
            let doomed = self.store.doomed_objects(lease, OBJECTS, now).await?;
            if doomed.is_empty() {
                break;
            }
            let mut deleted = Vec::with_capacity(doomed.len());
            let mut failure = None;
            for key in doomed {
                match objects.delete(&key).await {
                    Ok(()) => deleted.push(key),
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                }
            }
            self.store.forget_objects(lease, &deleted).await?;
            if let Some(error) = failure {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "objects could not be deleted; it is tried again");
                return Ok(AFTER_FAILURE);
            }
        }
        Ok(EVERY)
    }
}

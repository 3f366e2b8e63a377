//! Pausing reads, and going on.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::audit::note;
use crate::entities::{installation, sync};
use crate::error::{Result, StoreError};
use crate::notification::{self, Happening};
use crate::operation_log::{self, NewLog};
use crate::scope::Tenant;
use crate::sync::Sync;
use crate::work::{self, Reads};

impl Tenant<'_> {
    /// The state of everything that an installation reads, by object.
    pub async fn syncs(&self, installation_id: &str) -> Result<Vec<Sync>> {
        self.find_installations()
            .filter(installation::Column::Id.eq(installation_id))
            .one(self.store.read())
            .await?
            .ok_or_else(|| StoreError::not_found("installation", installation_id))?;
        let rows = sync::Entity::find()
            .filter(sync::Column::InstallationId.eq(installation_id))
            .order_by_asc(sync::Column::ObjectName)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(Sync::from).collect())
    }

    /// Pauses these reads of an installation, or lets them go on, from the commit
    /// of this on; `log` goes to the runs under way. Nothing happens to those
    /// that are so already.
    pub async fn pause_reads(
        &self,
        installation_id: &str,
        sync_ids: &[String],
        paused: bool,
        log: &NewLog,
        now: Timestamp,
    ) -> Result<()> {
        let theirs = self.syncs(installation_id).await?;
        let changing: Vec<String> = theirs
            .into_iter()
            .filter(|sync| sync.paused != paused && sync_ids.contains(&sync.id))
            .map(|sync| sync.id)
            .collect();
        let mut tx = self.store.write().await?;
        work::recall_reads(&mut tx, Reads::Of(&changing), now).await?;
        let rows = sync::Entity::find()
            .filter(sync::Column::Id.is_in(changing))
            .filter(sync::Column::Paused.eq(!paused))
            .all(tx.db())
            .await?;
        if paused && rows.iter().any(|row| row.due_at.is_some()) {
            let happening = Happening::SchedulePaused {
                id: installation_id,
                error: None,
            };
            notification::tell(&mut tx, happening, now).await?;
        }
        for row in rows {
            tx.execute(
                "UPDATE sync SET paused = $2 WHERE id = $1",
                [row.id.into(), paused.into()],
            )
            .await?;
            if let Some(operation_id) = row.operation_id {
                operation_log::append(&tx, &operation_id, std::slice::from_ref(log), now).await?;
            }
        }
        let done = if paused {
            "installation.pause"
        } else {
            "installation.unpause"
        };
        note(&tx, self.scope, done, installation_id, now).await?;
        tx.commit().await
    }

    /// Says whether objects that an installation gets later begin paused.
    pub async fn pause_installation(&self, installation_id: &str, paused: bool) -> Result<()> {
        let tx = self.store.write().await?;
        let found = tx
            .execute(
                "UPDATE installation SET reads_paused = $3 WHERE id = $1 AND project_id = $2",
                [
                    installation_id.into(),
                    self.scope.project_id().into(),
                    paused.into(),
                ],
            )
            .await?;
        if found == 0 {
            return Err(StoreError::not_found("installation", installation_id));
        }
        tx.commit().await
    }
}

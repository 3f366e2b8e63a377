//! A deploy reaching every installation: what the new revision enables for
//! everyone is added, what it offers no longer is taken away.
//!
//! A few installations at a time, each in its own transaction, fence first. Which
//! ones are done is kept with each, so a process killed anywhere leaves the rest
//! to whoever comes next, and nothing is done twice.

use std::sync::Arc;

use manifest::Limits;
use store::{Behind, Change, Deployed, Lease, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::reconcile::{Plan, Reconciliation};
use crate::registry::Registry;
use crate::shape::InstallationConfig;

/// Installations looked at in one go.
const CHUNK: u64 = 100;

/// Brings installations in line with their integration's latest revision.
#[derive(Debug, Clone)]
pub(crate) struct Reconciler {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
    pub(crate) limits: Limits,
}

impl Reconciler {
    /// Works on one integration until the deploy has reached all of its
    /// installations, or `cancel` says that the lease is lost or the process stops.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when someone else has the work now; others when
    /// the store fails. The lease then lapses by itself.
    pub(crate) async fn turn(
        &self,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        while !cancel.is_cancelled() {
            let deployed = self.store.deployed(lease).await?;
            let behind = self.store.behind(&deployed.integration, CHUNK).await?;
            if behind.is_empty() {
                return self.store.rest(lease, self.clock.now()).await;
            }
            match self.chunk(lease, &deployed, behind).await {
                // Another deploy, an update or an uninstall came in between: look again.
                Ok(()) | Err(StoreError::Outdated | StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let now = self.clock.now();
        self.store.finish(lease, Some(now), now).await
    }

    async fn chunk(
        &self,
        lease: &Lease,
        deployed: &Deployed,
        behind: Vec<Behind>,
    ) -> Result<(), StoreError> {
        let revision = &deployed.integration.latest_revision;
        let (mut same, mut changed) = (Vec::new(), Vec::new());
        for one in behind {
            match self.plan(deployed, &one) {
                Some(plan) if !plan.is_empty() => changed.push((one, plan)),
                Some(_) | None => same.push(one.installation.id),
            }
        }
        let same: Vec<&str> = same.iter().map(String::as_str).collect();
        self.store.reached(lease, &same, &revision.id).await?;
        for (one, plan) in changed {
            let id = &one.installation.id;
            tracing::info!(installation = %id, added = plan.add.len(), removed = plan.remove.len(), "a deploy changed what is read");
            let change = Change {
                revision_id: revision.id.clone(),
                config_id: one.installation.config_id,
                config: None,
                add: plan.add,
                remove: plan.remove,
            };
            let now = self.clock.now();
            self.store.reconcile(lease, id, change, now).await?;
        }
        Ok(())
    }

    /// What a deploy changes for one installation; `None` when that cannot be
    /// told, which is logged.
    fn plan(&self, deployed: &Deployed, one: &Behind) -> Option<Plan> {
        let revision = &deployed.integration.latest_revision;
        let unusable = |error: &dyn std::fmt::Display| {
            tracing::error!(installation = %one.installation.id, %error, "a deploy cannot reach an installation");
        };
        let manifest: manifest::Integration = serde_json::from_value(revision.content.clone())
            .inspect_err(|error| unusable(error))
            .ok()?;
        let config: InstallationConfig = serde_json::from_value(one.installation.config.clone())
            .inspect_err(|error| unusable(error))
            .ok()?;
        let Some(connector) = self.registry.get(&one.connection.provider) else {
            unusable(&"this server has no such provider");
            return None;
        };
        let reconciliation = Reconciliation {
            connector: connector.as_ref(),
            connection: &one.connection,
            manifest: &manifest,
            syncs: &one.syncs,
            destinations: None,
            limits: self.limits,
            now: self.clock.now(),
        };
        let plan = reconciliation.plan(&config, &config);
        for cause in &plan.causes {
            tracing::warn!(installation = %one.installation.id, cause, "a deployed object cannot be read for an installation");
        }
        Some(plan)
    }
}

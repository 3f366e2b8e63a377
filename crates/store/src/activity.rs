//! What a project did over time, for plots: messages and records, what was given
//! up, how long it took until messages were taken, reads that failed; and how much
//! there is of what a project needs.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait as _, FromQueryResult};

use crate::columns::{at, ms};
use crate::error::Result;
use crate::scope::Tenant;

/// One step of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// When it began.
    pub at: Timestamp,
    /// Messages that entered the outbox.
    pub messages: i64,
    /// Records in them.
    pub records: i64,
    /// Those messages that were given up.
    pub dead: i64,
    /// Those that took more than one attempt.
    pub retried: i64,
    /// From entering to being taken, on average; `None` where none was taken.
    pub latency_ms: Option<i64>,
    /// Of the reads that began, those that failed.
    pub failed: i64,
}

/// How much a project has of what it takes to deliver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromQueryResult)]
pub struct Inventory {
    /// Provider apps.
    pub provider_apps: i64,
    /// Destinations.
    pub destinations: i64,
    /// Integrations.
    pub integrations: i64,
    /// Connections.
    pub connections: i64,
    /// Connections whose credential is refused.
    pub bad_connections: i64,
    /// Installations.
    pub installations: i64,
    /// Destinations that nothing is sent to.
    pub disabled_destinations: i64,
    /// Operations under way.
    pub operations_in_progress: i64,
}

impl Tenant<'_> {
    /// Steps of that length from `from` on, with nothing left out: a step in which
    /// nothing happened has zeros.
    pub async fn activity(
        &self,
        from: Timestamp,
        step: SignedDuration,
        steps: u32,
    ) -> Result<Vec<Activity>> {
        let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let first = ms(from).div_euclid(step_ms);
        let mut all = Vec::new();
        for n in 0..i64::from(steps) {
            let begins = (first + n).saturating_mul(step_ms);
            all.push(Activity {
                at: at(begins)?,
                messages: 0,
                records: 0,
                dead: 0,
                retried: 0,
                latency_ms: None,
                failed: 0,
            });
        }
        let backend = self.store.backend();
        let values = || {
            let begins = first.saturating_mul(step_ms);
            [
                self.scope.project_id().into(),
                begins.into(),
                step_ms.into(),
            ]
        };
        let select = backend.sql(
            "SELECT create_time / $3 AS step, COUNT(*) AS messages, \
             CAST(SUM(num_records) AS BIGINT) AS records, \
             SUM(CASE WHEN status = 'dead' THEN 1 ELSE 0 END) AS dead, \
             SUM(CASE WHEN attempt > 1 THEN 1 ELSE 0 END) AS retried, \
             SUM(CASE WHEN status = 'delivered' THEN 1 ELSE 0 END) AS taken, \
             CAST(SUM(CASE WHEN status = 'delivered' THEN COALESCE(update_time, create_time) - create_time \
             ELSE 0 END) AS BIGINT) AS waited \
             FROM outbox WHERE project_id = $1 AND create_time >= $2 GROUP BY 1",
            values(),
        );
        for row in self.store.read().query_all_raw(select).await? {
            let number = |name: &str| row.try_get::<i64>("", name);
            let Some(of) = step_of(&mut all, number("step")? - first) else {
                continue;
            };
            let (taken, waited) = (number("taken")?, number("waited")?);
            of.messages = number("messages")?;
            of.records = number("records")?;
            of.dead = number("dead")?;
            of.retried = number("retried")?;
            of.latency_ms = waited.checked_div(taken);
        }
        let select = backend.sql(
            "SELECT create_time / $3 AS step, COUNT(*) AS failed FROM operation \
             WHERE project_id = $1 AND create_time >= $2 AND status = 'failure' \
             AND action_type = 'read' GROUP BY 1",
            values(),
        );
        for row in self.store.read().query_all_raw(select).await? {
            let number = |name: &str| row.try_get::<i64>("", name);
            if let Some(of) = step_of(&mut all, number("step")? - first) {
                of.failed = number("failed")?;
            }
        }
        Ok(all)
    }

    /// Counts what there is.
    pub async fn inventory(&self) -> Result<Inventory> {
        let select = self.store.backend().sql(
            "SELECT (SELECT COUNT(*) FROM provider_app WHERE project_id = $1) AS provider_apps, \
             (SELECT COUNT(*) FROM destination WHERE project_id = $1) AS destinations, \
             (SELECT COUNT(*) FROM integration WHERE project_id = $1) AS integrations, \
             (SELECT COUNT(*) FROM connection WHERE project_id = $1) AS connections, \
             (SELECT COUNT(*) FROM connection WHERE project_id = $1 AND status = 'bad_credentials') \
             AS bad_connections, \
             (SELECT COUNT(*) FROM installation WHERE project_id = $1) AS installations, \
             (SELECT COUNT(*) FROM destination WHERE project_id = $1 AND disabled) \
             AS disabled_destinations, \
             (SELECT COUNT(*) FROM operation WHERE project_id = $1 AND status = 'in_progress') \
             AS operations_in_progress",
            [self.scope.project_id().into()],
        );
        let found = Inventory::find_by_statement(select)
            .one(self.store.read())
            .await?;
        Ok(found.unwrap_or_default())
    }
}

fn step_of(all: &mut [Activity], n: i64) -> Option<&mut Activity> {
    all.get_mut(usize::try_from(n).ok()?)
}

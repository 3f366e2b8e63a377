//! What the budgets look like at a moment: for the API, and for metrics.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::lane::{Lane, PerLane};
use super::ledger::Ledger;
use super::unreadable;
use crate::Store;
use crate::columns::{at, ms};
use crate::error::Result;
use crate::scope::Tenant;
use crate::statement::{count, list};

/// One bucket at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// The name of the bucket. Made from a credential: never to be shown.
    pub bucket: String,
    /// The provider.
    pub provider: String,
    /// The resource group.
    pub group: String,
    /// The provider app whose client the calls are counted for; where several
    /// projects share the client, the first that called.
    pub provider_app_id: Option<String>,
    /// Or the connection whose own credential they are counted for.
    pub connection_id: Option<String>,
    /// Calls allowed in a window; `None` is no limit, and then none are counted.
    pub limit: Option<u32>,
    /// The length of the window.
    pub window: SignedDuration,
    /// Calls within the window.
    pub used: PerLane,
    /// How many of the limit no other lane may take.
    pub floors: PerLane,
    /// Rows of work that wait in line. Interactive calls wait in no line.
    pub waiting: PerLane,
    /// Until when a 429 keeps everyone from calling.
    pub blocked_until: Option<Timestamp>,
    /// 429s since the last other answer.
    pub strikes: u32,
    /// Until when reads go slower because the provider said that the limit is near.
    pub slow_until: Option<Timestamp>,
}

/// The calls of one installation within the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationCalls {
    /// The installation.
    pub installation_id: String,
    /// Its calls.
    pub calls: PerLane,
}

const COLUMNS: &str = "SELECT bucket, provider, resource_group, provider_app_id, connection_id, ledger \
     FROM budget_bucket";

impl BudgetSnapshot {
    fn of(row: &QueryResult, now: Timestamp) -> Result<Self> {
        let text: String = row.try_get("", "ledger")?;
        let mut ledger: Ledger = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
        ledger.settle(ms(now));
        let terms = ledger.terms();
        let time = |ms: Option<i64>| ms.map(at).transpose();
        Ok(Self {
            bucket: row.try_get("", "bucket")?,
            provider: row.try_get("", "provider")?,
            group: row.try_get("", "resource_group")?,
            provider_app_id: row.try_get("", "provider_app_id")?,
            connection_id: row.try_get("", "connection_id")?,
            limit: (terms.limit != u32::MAX).then_some(terms.limit),
            window: SignedDuration::from_millis(terms.window_ms),
            used: ledger.used(),
            floors: PerLane {
                interactive: ledger.floor(Lane::Interactive),
                scheduled: ledger.floor(Lane::Scheduled),
                backfill: ledger.floor(Lane::Backfill),
            },
            waiting: ledger.waiting(),
            blocked_until: time(ledger.gate().blocked(ms(now)))?,
            strikes: ledger.gate().strikes,
            slow_until: time(ledger.pace().slow(ms(now)))?,
        })
    }
}

impl Store {
    /// Every bucket, of all projects: for metrics.
    pub async fn budget_snapshot(&self, now: Timestamp) -> Result<Vec<BudgetSnapshot>> {
        let select = format!("{COLUMNS} ORDER BY provider, resource_group, bucket");
        let rows = self
            .read()
            .query_all_raw(self.backend().sql(&select, []))
            .await?;
        rows.iter()
            .map(|row| BudgetSnapshot::of(row, now))
            .collect()
    }
}

impl Tenant<'_> {
    /// The buckets of these names, and those of the project's connections that
    /// call with a credential of their own.
    pub async fn budgets(&self, buckets: &[String], now: Timestamp) -> Result<Vec<BudgetSnapshot>> {
        let named = if buckets.is_empty() {
            "FALSE".to_owned()
        } else {
            format!("bucket IN ({})", list(2, buckets.len()))
        };
        let sql = format!(
            "{COLUMNS} WHERE {named} OR connection_id IN \
             (SELECT id FROM connection WHERE project_id = $1) \
             ORDER BY provider, resource_group, bucket"
        );
        let mut values: Vec<Value> = vec![self.scope.project_id().into()];
        values.extend(buckets.iter().map(|bucket| bucket.as_str().into()));
        let select = self.store.backend().sql_many(&sql, values);
        let rows = self.store.read().query_all_raw(select).await?;
        rows.iter()
            .map(|row| BudgetSnapshot::of(row, now))
            .collect()
    }

    /// The project's installations that have called most on a bucket within its
    /// window, at most `top`.
    pub async fn budget_shares(
        &self,
        bucket: &str,
        top: u32,
        now: Timestamp,
    ) -> Result<Vec<InstallationCalls>> {
        self.store.write_tally(now).await?;
        let select = self.store.backend().sql(
            "SELECT installation_id, CAST(SUM(interactive) AS BIGINT) AS interactive, \
             CAST(SUM(scheduled) AS BIGINT) AS scheduled, \
             CAST(SUM(backfill) AS BIGINT) AS backfill FROM budget_share \
             JOIN installation ON installation.id = budget_share.installation_id \
             WHERE budget_share.bucket = $1 AND budget_share.leaves_at > $2 \
             AND installation.project_id = $3 GROUP BY installation_id \
             ORDER BY SUM(interactive + scheduled + backfill) DESC, installation_id LIMIT $4",
            [
                bucket.into(),
                ms(now).into(),
                self.scope.project_id().into(),
                i64::from(top).into(),
            ],
        );
        let mut shares = Vec::new();
        for row in self.store.read().query_all_raw(select).await? {
            let number = |column| count("budget_share", row.try_get("", column)?);
            shares.push(InstallationCalls {
                installation_id: row.try_get("", "installation_id")?,
                calls: PerLane {
                    interactive: number("interactive")?,
                    scheduled: number("scheduled")?,
                    backfill: number("backfill")?,
                },
            });
        }
        Ok(shares)
    }
}

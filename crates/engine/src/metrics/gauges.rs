//! What is read from the store at a scrape.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::gauge;
use store::{BudgetSnapshot, Observation, Store, StoreError};
use tokio::sync::Mutex;

use crate::backoff::answered;
use crate::clock::Clock;

/// Scrapes closer together than this share one look at the store.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How long the store may take: less than whoever scrapes waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// The gauges of one process. All nodes of a store show the same.
#[derive(Debug, Clone)]
pub(crate) struct Gauges {
    store: Store,
    clock: Arc<dyn Clock>,
    /// When they were last brought up to date.
    last: Arc<Mutex<Option<Timestamp>>>,
}

impl Gauges {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            last: Arc::default(),
        }
    }

    /// Sets the gauges to what is now. A store that does not answer is told by
    /// `ligature_store_up`; the other gauges then keep what they had.
    pub(crate) async fn refresh(&self) {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        let recent = |at: Timestamp| now.duration_since(at).abs() < LOOK_EVERY;
        if last.is_some_and(recent) {
            return;
        }
        match answered(self.clock.as_ref(), PATIENCE, self.look(now)).await {
            Ok((seen, budgets)) => {
                gauge!("ligature_store_up").set(1.0);
                show(&seen, now);
                show_budgets(&budgets, now);
                show_syncs(&seen, now);
            }
            Err(error) => {
                tracing::warn!(%error, "the store could not be looked at for the metrics");
                gauge!("ligature_store_up").set(0.0);
            }
        }
        *last = Some(now);
    }

    async fn look(&self, now: Timestamp) -> Result<(Observation, Vec<BudgetSnapshot>), StoreError> {
        let seen = self.store.observe(now).await?;
        Ok((seen, self.store.budget_snapshot(now).await?))
    }
}

/// Only budgets of provider apps, which are few; one of a connection's own
/// credential would be a series for each customer. An app that was given another
/// client has the budget of the one before beside its own for a while.
fn show_budgets(budgets: &[BudgetSnapshot], now: Timestamp) {
    let mut shown: BTreeMap<(&str, &str), (f64, f64, f64)> = BTreeMap::new();
    for budget in budgets {
        let Some(app) = &budget.provider_app_id else {
            continue;
        };
        let (used, limit, blocked) = shown.entry((app, &budget.group)).or_default();
        *used += f64::from(budget.used.total());
        // Without a limit nothing is counted.
        *limit = limit.max(budget.limit.map_or(0.0, f64::from));
        let left = |until: Timestamp| until.duration_since(now).as_secs_f64();
        *blocked = blocked.max(budget.blocked_until.map_or(0.0, left));
    }
    for ((app, group), (used, limit, blocked)) in shown {
        let labels = [("consumer", app.to_owned()), ("group", group.to_owned())];
        gauge!("ligature_budget_used", &labels).set(used);
        gauge!("ligature_budget_limit", &labels).set(limit);
        gauge!("ligature_budget_blocked_seconds", &labels).set(blocked);
    }
}

fn show(seen: &Observation, now: Timestamp) {
    gauge!("ligature_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!("ligature_outbox_pending_messages").set(number(seen.pending));
    gauge!("ligature_outbox_oldest_seconds").set(age(seen.oldest_pending_at, now));
    gauge!("ligature_outbox_dead_messages").set(number(seen.dead));
    gauge!("ligature_installations").set(number(seen.installations));
    for status in ["created", "working", "bad_credentials"] {
        let known = seen.connections.iter().find(|(name, _)| name == status);
        gauge!("ligature_connections", "status" => status)
            .set(number(known.map_or(0, |(_, count)| *count)));
    }
    for (lane, name) in [(0, "interactive"), (1, "scheduled"), (2, "backfill")] {
        let known = seen
            .work
            .iter()
            .find(|work| work.kind == "read" && work.lane == lane);
        let labels = [("kind", "read"), ("lane", name)];
        gauge!("ligature_work_due", &labels).set(number(known.map_or(0, |work| work.due)));
        gauge!("ligature_work_leased", &labels).set(number(known.map_or(0, |work| work.leased)));
        gauge!("ligature_work_oldest_due_seconds", &labels)
            .set(age(known.and_then(|work| work.oldest_due_at), now));
    }
}

/// The series of one that is not among the stalest any more ends with the
/// recorder's patience.
fn show_syncs(seen: &Observation, now: Timestamp) {
    for sync in &seen.syncs {
        let labels = [
            ("project", sync.project.clone()),
            ("installation", sync.installation_id.clone()),
            ("object", sync.object_name.clone()),
        ];
        gauge!("ligature_sync_freshness_seconds", &labels).set(age(Some(sync.fresh_at), now));
    }
}

/// Seconds since then; nothing is no age.
fn age(at: Option<Timestamp>, now: Timestamp) -> f64 {
    at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0))
}

/// Counts stay far below the 2^53 that a float holds exactly.
fn number(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::from(i32::MAX), f64::from)
}

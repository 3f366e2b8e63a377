//! What is read from the store at a scrape.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use metrics::gauge;
use store::{BudgetSnapshot, Observation, Store, StoreError};
use tokio::sync::Mutex;

use crate::clock::Clock;

/// Scrapes closer together than this share one look at the store.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The gauges of one process. All nodes of a store show the same.
#[derive(Debug, Clone)]
pub(crate) struct Gauges {
    store: Store,
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<Last>>,
}

/// The last look: when, and the series of syncs that it showed.
#[derive(Debug, Default)]
struct Last {
    at: Option<Timestamp>,
    syncs: Vec<[(&'static str, String); 3]>,
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
        if last.at.is_some_and(recent) {
            return;
        }
        match self.look(now).await {
            Ok((seen, budgets)) => {
                gauge!("ligature_store_up").set(1.0);
                show(&seen, now);
                budgets.iter().for_each(|budget| show_budget(budget, now));
                show_syncs(&seen, now, &mut last.syncs);
            }
            Err(error) => {
                tracing::warn!(%error, "the store could not be looked at for the metrics");
                gauge!("ligature_store_up").set(0.0);
            }
        }
        last.at = Some(now);
    }

    async fn look(&self, now: Timestamp) -> Result<(Observation, Vec<BudgetSnapshot>), StoreError> {
        let seen = self.store.observe(now).await?;
        Ok((seen, self.store.budget_snapshot(now).await?))
    }
}

/// Only budgets of provider apps, which are few; one of a connection's own
/// credential would be a series for each customer.
fn show_budget(budget: &BudgetSnapshot, now: Timestamp) {
    let Some(app) = &budget.provider_app_id else {
        return;
    };
    let labels = [("consumer", app.clone()), ("group", budget.group.clone())];
    let used = f64::from(budget.used.total());
    gauge!("ligature_budget_used", &labels).set(used);
    // Without a limit nothing is counted.
    gauge!("ligature_budget_limit", &labels).set(budget.limit.map_or(0.0, f64::from));
    let blocked = budget.blocked_until.map_or(0.0, |until| {
        until.duration_since(now).as_secs_f64().max(0.0)
    });
    gauge!("ligature_budget_blocked_seconds", &labels).set(blocked);
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

/// A sync that is not among the stalest any more, or gone, is shown as fresh: a
/// series that stays at its last value would alert for ever.
fn show_syncs(seen: &Observation, now: Timestamp, shown: &mut Vec<[(&'static str, String); 3]>) {
    let series: Vec<_> = seen
        .syncs
        .iter()
        .map(|sync| {
            [
                ("project", sync.project.clone()),
                ("installation", sync.installation_id.clone()),
                ("object", sync.object_name.clone()),
            ]
        })
        .collect();
    for labels in shown.iter().filter(|labels| !series.contains(labels)) {
        gauge!("ligature_sync_freshness_seconds", labels).set(0.0);
    }
    for (sync, labels) in seen.syncs.iter().zip(&series) {
        gauge!("ligature_sync_freshness_seconds", labels).set(age(Some(sync.fresh_at), now));
    }
    *shown = series;
}

/// Seconds since then; nothing is no age.
fn age(at: Option<Timestamp>, now: Timestamp) -> f64 {
    at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0))
}

/// Counts stay far below the 2^53 that a float holds exactly.
fn number(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::from(i32::MAX), f64::from)
}

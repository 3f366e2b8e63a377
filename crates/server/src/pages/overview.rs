//! `/projects/{project}`: what is left to set up, what needs attention, what went
//! through over time, and how much of each provider's limit is used.

use askama::Template;
use engine::RequestBudget;
use jiff::{SignedDuration, Timestamp};
use store::{Activity, DeliveriesOverview, Inventory, PerLane};

use super::answer::{Answer, show};
use super::frame::{Frame, Place};
use super::here::Here;
use super::shown;

/// The spans that plots may have: the word of the query, its name, the length of a
/// step, and how many.
const SPANS: [(&str, &str, SignedDuration, u32); 3] = [
    ("day", "24 hours", SignedDuration::from_mins(30), 48),
    ("week", "7 days", SignedDuration::from_hours(4), 42),
    ("month", "30 days", SignedDuration::from_hours(24), 30),
];

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    inventory: Inventory,
    deliveries: DeliveriesOverview,
    steps: Vec<Step>,
    budgets: Vec<Budget>,
    span: &'static str,
    plots: String,
    totals: Totals,
}

/// A thing to do before the first record arrives.
struct Step {
    is_done: bool,
    text: &'static str,
    path: &'static str,
}

/// Sums of the span.
#[derive(Default)]
struct Totals {
    records: i64,
    messages: i64,
    dead: i64,
    failed: i64,
}

/// A bucket of requests as it is drawn.
struct Budget {
    name: String,
    limit: Option<u32>,
    used: u32,
    window: String,
    lanes: [Lane; 3],
    blocked_until: Option<Timestamp>,
    slow_until: Option<Timestamp>,
    busiest: Vec<(String, u32)>,
}

struct Lane {
    name: &'static str,
    used: u32,
    guaranteed: u32,
    waiting: u32,
}

impl Page {
    fn spans(&self) -> [(&'static str, &'static str); 3] {
        SPANS.map(|(word, name, _, _)| (word, name))
    }

    fn is_set_up(&self) -> bool {
        self.steps.iter().all(|step| step.is_done)
    }

    fn next_step(&self, step: &Step) -> bool {
        let first = self.steps.iter().find(|step| !step.is_done);
        first.is_some_and(|first| std::ptr::eq(first, step))
    }

    fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.is_done).count()
    }

    fn needs_attention(&self) -> bool {
        self.inventory.bad_connections > 0
            || self.inventory.disabled_destinations > 0
            || self.deliveries.dead > 0
            || self
                .budgets
                .iter()
                .any(|budget| budget.blocked_until.is_some())
    }

    /// Whether there is anything to plot.
    fn has_moved(&self) -> bool {
        self.inventory.installations > 0 || self.totals.messages > 0
    }

    fn number(&self, n: &i64) -> String {
        shown::number(*n)
    }

    fn counted(&self, n: &i64) -> String {
        shown::counted(*n)
    }
}

/// `GET /projects/{project}`
pub(crate) async fn page(here: Here) -> Answer {
    let asked = here.query().text("span");
    let [default, ..] = SPANS;
    let span = SPANS.into_iter().find(|(word, ..)| *word == asked);
    let (span, _, step, steps) = span.unwrap_or(default);
    let tenant = here.tenant();
    let now = here.engine.clock.now();
    let length = step.saturating_mul(i32::try_from(steps).unwrap_or(i32::MAX) - 1);
    let from = now.saturating_sub(length).unwrap_or(now);
    let activity = tenant.activity(from, step, steps).await?;
    let inventory = tenant.inventory().await?;
    let deliveries = tenant.deliveries_overview(shown::MOST_COUNTED).await?;
    let budgets = here.engine.request_budgets(here.scope()).await?;
    show(&Page {
        frame: here.frame(Place::Overview, "Overview"),
        steps: steps_of(&inventory, &deliveries),
        budgets: budgets.iter().map(budget).collect(),
        plots: plots(&activity),
        totals: totals(&activity),
        inventory,
        deliveries,
        span,
    })
}

fn steps_of(inventory: &Inventory, deliveries: &DeliveriesOverview) -> Vec<Step> {
    let step = |count: i64, text, path| Step {
        is_done: count > 0,
        text,
        path,
    };
    vec![
        step(
            inventory.provider_apps,
            "Set up a provider app: your own OAuth client",
            "/provider-apps",
        ),
        step(
            inventory.destinations,
            "Add a destination: where messages go",
            "/destinations",
        ),
        step(
            inventory.integrations,
            "Deploy a manifest: what is read",
            "/integrations/deploy",
        ),
        step(
            inventory.connections,
            "Let an account be connected",
            "/connections",
        ),
        step(
            inventory.installations,
            "Install for that customer",
            "/installations",
        ),
        step(
            deliveries.delivered,
            "See the first delivery",
            "/installations",
        ),
    ]
}

fn totals(activity: &[Activity]) -> Totals {
    activity.iter().fold(Totals::default(), |sum, step| Totals {
        records: sum.records + step.records,
        messages: sum.messages + step.messages,
        dead: sum.dead + step.dead,
        failed: sum.failed + step.failed,
    })
}

/// A column of numbers of the plots.
type Column = fn(&Activity) -> Option<i64>;

/// What the script draws: columns of numbers, the first of them times in seconds.
fn plots(activity: &[Activity]) -> String {
    let columns: [Column; 7] = [
        |step| Some(step.at.as_second()),
        |step| Some(step.records),
        |step| Some(step.messages),
        |step| Some(step.dead),
        |step| Some(step.retried),
        |step| Some(step.failed),
        |step| step.latency_ms,
    ];
    let columns = columns.map(|column| activity.iter().map(column).collect::<Vec<_>>());
    serde_json::to_string(&columns).unwrap_or_default()
}

fn budget(budget: &RequestBudget) -> Budget {
    let state = budget.state.as_ref();
    let of = |lanes: fn(&store::BudgetSnapshot) -> PerLane| state.map(lanes).unwrap_or_default();
    let (used, floors, waiting) = (of(|s| s.used), of(|s| s.floors), of(|s| s.waiting));
    let lane = |name, used, guaranteed, waiting| Lane {
        name,
        used,
        guaranteed,
        waiting,
    };
    Budget {
        name: format!("{} · {}", budget.provider, budget.group),
        limit: budget.limit,
        used: used.total(),
        window: shown::duration(SignedDuration::from_secs(budget.window_s)),
        lanes: [
            lane(
                "Interactive",
                used.interactive,
                floors.interactive,
                waiting.interactive,
            ),
            lane(
                "Scheduled",
                used.scheduled,
                floors.scheduled,
                waiting.scheduled,
            ),
            lane("Backfill", used.backfill, floors.backfill, waiting.backfill),
        ],
        blocked_until: state.and_then(|state| state.blocked_until),
        slow_until: state.and_then(|state| state.slow_until),
        busiest: budget
            .installations
            .iter()
            .take(5)
            .map(|share| (share.installation_id.clone(), share.calls.total()))
            .collect(),
    }
}

//! `/projects/{p}/request-budgets`, beside the contract: how much of a provider's
//! limit is used, by whom, and who waits.

use axum::extract::State;
use engine::{Engine, RequestBudget};
use jiff::Timestamp;
use serde::Serialize;
use store::{InstallationCalls, PerLane};
use utoipa::ToSchema;

use crate::auth::FullCaller;
use crate::extract::Path;
use crate::problem::Problem;

/// One bucket. Credentials that share a bucket go by the provider app or the
/// connection; what the bucket is called inside is not shown, since it is made
/// from a credential.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RequestBudget)]
pub(crate) struct RequestBudgetJson {
    provider: String,
    group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_app_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    /// Absent where there is no limit; then calls are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    window_seconds: i64,
    used: u32,
    lanes: Lanes,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_until: Option<Timestamp>,
    installations: Vec<InstallationJson>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestBudgetLanes)]
struct Lanes {
    interactive: LaneJson,
    scheduled: LaneJson,
    backfill: LaneJson,
}

/// `guaranteed` is what no other lane may take; of reads, while some wait.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestBudgetLane)]
struct LaneJson {
    used: u32,
    guaranteed: u32,
    waiting: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RequestBudgetShare)]
struct InstallationJson {
    installation_id: String,
    used: u32,
    interactive: u32,
    scheduled: u32,
    backfill: u32,
}

impl Lanes {
    fn of(used: PerLane, floors: PerLane, waiting: PerLane) -> Self {
        Self {
            interactive: LaneJson {
                used: used.interactive,
                guaranteed: floors.interactive,
                waiting: waiting.interactive,
            },
            scheduled: LaneJson {
                used: used.scheduled,
                guaranteed: floors.scheduled,
                waiting: waiting.scheduled,
            },
            backfill: LaneJson {
                used: used.backfill,
                guaranteed: floors.backfill,
                waiting: waiting.backfill,
            },
        }
    }
}

impl From<InstallationCalls> for InstallationJson {
    fn from(share: InstallationCalls) -> Self {
        Self {
            installation_id: share.installation_id,
            used: share.calls.total(),
            interactive: share.calls.interactive,
            scheduled: share.calls.scheduled,
            backfill: share.calls.backfill,
        }
    }
}

impl From<RequestBudget> for RequestBudgetJson {
    fn from(budget: RequestBudget) -> Self {
        let state = budget.state.as_ref();
        let of =
            |number: fn(&store::BudgetSnapshot) -> PerLane| state.map(number).unwrap_or_default();
        let used = of(|state| state.used);
        Self {
            connection_id: state
                .filter(|_| budget.provider_app_id.is_none())
                .and_then(|state| state.connection_id.clone()),
            used: used.total(),
            lanes: Lanes::of(used, of(|state| state.floors), of(|state| state.waiting)),
            blocked_until: state.and_then(|state| state.blocked_until),
            slow_until: state.and_then(|state| state.slow_until),
            provider: budget.provider,
            group: budget.group,
            provider_app_id: budget.provider_app_id,
            limit: budget.limit,
            window_seconds: budget.window_s,
            installations: budget.installations.into_iter().map(Into::into).collect(),
        }
    }
}

/// Every bucket in which calls of the project are counted.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
) -> Result<axum::Json<Vec<RequestBudgetJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let budgets = engine.request_budgets(&scope).await?;
    Ok(axum::Json(budgets.into_iter().map(Into::into).collect()))
}

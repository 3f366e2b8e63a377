//! `/projects/{p}/deliveries`: what was sent, what was not, and sending it again.
//! Beyond the contract, which has nothing for it.

use axum::extract::State;
use engine::actions::delivery::ReplayRange;
use engine::{ActionError, Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Delivery, DeliveryFilter, DeliveryStatus};

use crate::api::page::{PageQuery, Pagination};
use crate::auth::FullCaller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// What ends the path of a request to replay.
const REPLAY: &str = ":replay";

/// `?status=&destination=&installation=&from=&to=`.
#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    status: Option<String>,
    destination: Option<String>,
    installation: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// One page of deliveries.
#[derive(Debug, Serialize)]
pub(crate) struct PageJson {
    results: Vec<Value>,
    pagination: Pagination,
}

/// `POST …:replay` of a destination.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Range {
    status: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Range {
    /// The range in the engine's words.
    pub(crate) fn parsed(self) -> Result<ReplayRange, ActionError> {
        Ok(ReplayRange {
            status: self.status.as_deref().map(status_of).transpose()?,
            from: self.from,
            to: self.to,
        })
    }
}

/// A delivery as this API shapes it, without what it carries.
#[must_use]
pub fn delivery_json(delivery: &Delivery) -> Value {
    let mut json = json!({
        "id": delivery.id,
        "projectId": delivery.project_id,
        "destinationId": delivery.destination_id,
        "destinationName": delivery.destination_name,
        "installationId": delivery.installation_id,
        "operationId": delivery.operation_id,
        "status": delivery.status.as_str(),
        "numRecords": delivery.num_records,
        "attempts": delivery.attempts,
        "attemptTimes": delivery.attempt_times,
        "createTime": delivery.create_time,
    });
    if let Some(json) = json.as_object_mut() {
        let optional = [
            ("nextAttemptTime", delivery.next_attempt.map(|at| json!(at))),
            ("updateTime", delivery.update_time.map(|at| json!(at))),
            (
                "error",
                delivery.last_error.as_ref().map(|text| json!(text)),
            ),
        ];
        for (name, value) in optional {
            json.extend(value.map(|value| (name.to_owned(), value)));
        }
        if let Some(status) = delivery.last_status {
            let body = delivery.last_answer.as_deref().unwrap_or_default();
            let response = json!({ "status": status, "body": body });
            json.insert("lastResponse".to_owned(), response);
        }
    }
    json
}

fn status_of(word: &str) -> Result<DeliveryStatus, ActionError> {
    DeliveryStatus::of_word(word).ok_or_else(|| {
        let words = DeliveryStatus::ALL.map(DeliveryStatus::as_str).join(", ");
        ActionError::bad_request(
            format!("`{word}` is no status of a delivery"),
            format!("Use one of: {words}"),
        )
    })
}

/// The messages that match, newest first.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<PageJson>, Problem> {
    let size = page.size()?;
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let mut wanted = DeliveryFilter {
        status: filter.status.as_deref().map(status_of).transpose()?,
        installation_id: filter.installation,
        from: filter.from,
        to: filter.to,
        destination_id: None,
    };
    if let Some(destination) = filter.destination {
        wanted.destination_id = Some(tenant.destination(&destination).await?.id);
    }
    let (deliveries, next) = tenant.deliveries(&wanted, size, page.token()).await?;
    Ok(axum::Json(PageJson {
        results: deliveries.iter().map(delivery_json).collect(),
        pagination: Pagination::of(next),
    }))
}

/// One message with what it carries.
pub(crate) async fn get(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, delivery)): Path<(String, String)>,
) -> Result<axum::Json<Value>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let delivery = tenant.delivery(&delivery).await?;
    let stored = tenant.delivery_payload(&delivery.id).await?;
    let payload = engine.delivery_payload(&delivery.id, &stored)?;
    let mut json = delivery_json(&delivery);
    if let Some(json) = json.as_object_mut() {
        json.insert("payload".to_owned(), payload);
    }
    Ok(axum::Json(json))
}

/// `POST /deliveries/{id}:replay`.
pub(crate) async fn replay(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, call)): Path<(String, String)>,
) -> Result<axum::Json<Value>, Problem> {
    let Some(id) = call.strip_suffix(REPLAY) else {
        return Err(Problem::new(405, "a delivery itself takes no POST")
            .remedy("Add :replay to the path to send it again"));
    };
    let delivery = actions::delivery::replay(&engine, &actor, &project, id).await?;
    Ok(axum::Json(delivery_json(&delivery)))
}

/// `POST /destinations/{d}:replay`.
pub(crate) async fn replay_destination(
    engine: &Engine,
    actor: &engine::Actor,
    project: &str,
    destination: &str,
    range: Range,
) -> Result<Value, Problem> {
    let range = range.parsed()?;
    let replayed =
        actions::delivery::replay_range(engine, actor, project, destination, range).await?;
    Ok(json!({ "replayed": replayed }))
}

//! `/projects/{p}/deliveries`: what was sent, what was not, and sending it again.
//! Beyond the contract, which has nothing for it.

use axum::extract::State;
use engine::actions::delivery::ReplayRange;
use engine::{ActionError, Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Delivery, DeliveryFilter, DeliveryStatus};
use utoipa::{IntoParams, ToSchema};

use crate::api::page::{PageQuery, Pagination};
use crate::auth::FullCaller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// `?status=&destination=&installation=&from=&to=`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct Filter {
    status: Option<String>,
    destination: Option<String>,
    installation: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// One page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryPage)]
pub(crate) struct PageJson {
    results: Vec<DeliveryJson>,
    pagination: Pagination,
}

/// `POST …:replay` of a destination.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = DeliveryRange)]
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

/// A delivery as this API shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryJson {
    id: String,
    project_id: String,
    destination_id: String,
    destination_name: String,
    installation_id: String,
    operation_id: String,
    status: &'static str,
    num_records: i64,
    attempts: i32,
    attempt_times: Vec<Timestamp>,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_response: Option<LastResponse>,
    /// What it carries; in lists it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
}

/// What the destination answered last.
#[derive(Debug, Serialize, ToSchema)]
struct LastResponse {
    status: i32,
    body: String,
}

/// How many messages are sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Replayed {
    pub(super) replayed: u64,
}

impl From<&Delivery> for DeliveryJson {
    fn from(delivery: &Delivery) -> Self {
        let body = || delivery.last_answer.clone().unwrap_or_default();
        Self {
            id: delivery.id.clone(),
            project_id: delivery.project_id.clone(),
            destination_id: delivery.destination_id.clone(),
            destination_name: delivery.destination_name.clone(),
            installation_id: delivery.installation_id.clone(),
            operation_id: delivery.operation_id.clone(),
            status: delivery.status.as_str(),
            num_records: delivery.num_records,
            attempts: delivery.attempts,
            attempt_times: delivery.attempt_times.clone(),
            create_time: delivery.create_time,
            next_attempt_time: delivery.next_attempt,
            update_time: delivery.update_time,
            error: delivery.last_error.clone(),
            last_response: delivery.last_status.map(|status| LastResponse {
                status,
                body: body(),
            }),
            payload: None,
        }
    }
}

/// A delivery as this API shapes it, without what it carries.
#[must_use]
pub fn delivery_json(delivery: &Delivery) -> Value {
    json!(DeliveryJson::from(delivery))
}

/// The status of a word.
pub(crate) fn status_of(word: &str) -> Result<DeliveryStatus, ActionError> {
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
        results: deliveries.iter().map(Into::into).collect(),
        pagination: Pagination::of(next),
    }))
}

/// One message with what it carries.
pub(crate) async fn get(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, delivery)): Path<(String, String)>,
) -> Result<axum::Json<DeliveryJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let delivery = tenant.delivery(&delivery).await?;
    let stored = tenant.delivery_payload(&delivery.id).await?;
    let payload = engine.delivery_payload(&delivery.id, &stored)?;
    let mut json = DeliveryJson::from(&delivery);
    json.payload = Some(payload);
    Ok(axum::Json(json))
}

/// Sends one message again.
pub(crate) async fn replay(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, delivery)): Path<(String, String)>,
) -> Result<axum::Json<DeliveryJson>, Problem> {
    let replayed = actions::delivery::replay(&engine, &actor, &project, &delivery).await?;
    Ok(axum::Json((&replayed).into()))
}

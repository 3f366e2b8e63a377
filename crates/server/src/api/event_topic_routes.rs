//! `/projects/{p}/notification-event-topic-routes`.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{EventRoute, NotificationEvent};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{Created, NoContent};
use crate::auth::FullCaller;
use crate::description::one_of;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// A route as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventTopicRoute)]
pub(crate) struct RouteJson {
    id: String,
    #[schema(schema_with = event_type)]
    event_type: &'static str,
    topic_id: String,
    project_id: String,
    create_time: Timestamp,
}

/// Every event that there is.
fn event_type() -> Object {
    one_of(NotificationEvent::every().map(NotificationEvent::as_str))
}

impl From<EventRoute> for RouteJson {
    fn from(route: EventRoute) -> Self {
        Self {
            id: route.id,
            event_type: route.event.as_str(),
            topic_id: route.topic_id,
            project_id: route.project_id,
            create_time: route.create_time,
        }
    }
}

/// `POST …/notification-event-topic-routes`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewEventTopicRoute)]
pub(crate) struct New {
    #[schema(schema_with = event_type)]
    event_type: String,
    topic_id: String,
}

/// `GET …/notification-event-topic-routes`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    event_type: Option<String>,
    topic_id: Option<String>,
}

/// The routes that match every given filter.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<RouteJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let event = match &filter.event_type {
        None => None,
        Some(word) => Some(NotificationEvent::of_word(word).ok_or_else(|| {
            Problem::new(400, format!("there is no event `{word}`"))
                .remedy("See NotificationEventType in the API's description")
        })?),
    };
    let tenant = engine.store.within(&scope);
    let routes = tenant
        .event_routes(event, filter.topic_id.as_deref())
        .await?;
    Ok(axum::Json(routes.into_iter().map(Into::into).collect()))
}

/// Routes an event to a topic.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<Created<RouteJson>, Problem> {
    let (event, topic) = (&new.event_type, &new.topic_id);
    let route = actions::notification::route_event(&engine, &actor, &project, event, topic).await?;
    Ok(Created(route.into()))
}

/// Deletes a route.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, route)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::notification::unroute_event(&engine, &actor, &project, &route).await?;
    Ok(NoContent)
}

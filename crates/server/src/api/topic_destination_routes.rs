//! `/projects/{p}/topic-destination-routes`.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::DestinationRoute;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{Created, NoContent};
use crate::auth::FullCaller;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// A route as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TopicDestinationRoute)]
pub(crate) struct RouteJson {
    id: String,
    topic_id: String,
    destination_id: String,
    project_id: String,
    create_time: Timestamp,
}

impl From<DestinationRoute> for RouteJson {
    fn from(route: DestinationRoute) -> Self {
        Self {
            id: route.id,
            topic_id: route.topic_id,
            destination_id: route.destination_id,
            project_id: route.project_id,
            create_time: route.create_time,
        }
    }
}

/// `POST …/topic-destination-routes`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewTopicDestinationRoute)]
pub(crate) struct New {
    topic_id: String,
    destination_id: String,
}

/// `GET …/topic-destination-routes`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    topic_id: Option<String>,
    destination_id: Option<String>,
}

/// The routes that match every given filter.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<RouteJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let routes = tenant
        .destination_routes(filter.topic_id.as_deref(), filter.destination_id.as_deref())
        .await?;
    Ok(axum::Json(routes.into_iter().map(Into::into).collect()))
}

/// Lets a destination listen to a topic.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<Created<RouteJson>, Problem> {
    let (topic, destination) = (&new.topic_id, &new.destination_id);
    let route =
        actions::notification::route_topic(&engine, &actor, &project, topic, destination).await?;
    Ok(Created(route.into()))
}

/// Deletes a route.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, route)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::notification::unroute_topic(&engine, &actor, &project, &route).await?;
    Ok(NoContent)
}

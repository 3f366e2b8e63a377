//! `/projects/{p}/topics`.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Topic;
use utoipa::ToSchema;

use crate::answer::{Created, NoContent};
use crate::auth::FullCaller;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// A topic as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Topic)]
pub(crate) struct TopicJson {
    id: String,
    name: String,
    project_id: String,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

impl From<Topic> for TopicJson {
    fn from(topic: Topic) -> Self {
        Self {
            id: topic.id,
            name: topic.name,
            project_id: topic.project_id,
            create_time: topic.create_time,
            update_time: topic.update_time,
        }
    }
}

/// `POST …/topics` and `PATCH …/topics/{t}`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TopicName)]
pub(crate) struct Named {
    name: String,
}

/// Every topic of the project.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
) -> Result<axum::Json<Vec<TopicJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let topics = engine.store.within(&scope).topics().await?;
    Ok(axum::Json(topics.into_iter().map(Into::into).collect()))
}

/// Creates a topic.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<Named>,
) -> Result<Created<TopicJson>, Problem> {
    let topic = actions::notification::create_topic(&engine, &actor, &project, &new.name).await?;
    Ok(Created(topic.into()))
}

/// Gives a topic another name.
pub(crate) async fn rename(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, topic)): Path<(String, String)>,
    Json(new): Json<Named>,
) -> Result<axum::Json<TopicJson>, Problem> {
    let renamed =
        actions::notification::rename_topic(&engine, &actor, &project, &topic, &new.name).await?;
    Ok(axum::Json(renamed.into()))
}

/// Deletes a topic with its routes.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, topic)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::notification::delete_topic(&engine, &actor, &project, &topic).await?;
    Ok(NoContent)
}

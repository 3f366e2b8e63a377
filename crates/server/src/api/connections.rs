//! `/projects/{p}/connections`. Credentials are not shown.

use axum::extract::State;
use engine::Engine;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{ConnectionDetails, ConnectionFilter, Consumer, Group};

use super::provider_apps::ProviderAppJson;
use crate::auth::Caller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// A connection as the contract shapes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectionJson {
    id: String,
    project_id: String,
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_app: Option<ProviderAppJson>,
    group: GroupJson,
    consumer: ConsumerJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_workspace_ref: Option<String>,
    provider_metadata: Value,
    auth_scheme: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth2_authorization_code: Option<Value>,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

/// A group as the contract shapes it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupJson {
    group_ref: String,
    group_name: String,
    project_id: String,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

impl From<Group> for GroupJson {
    fn from(group: Group) -> Self {
        Self {
            group_ref: group.group_ref,
            group_name: group.name,
            project_id: group.project_id,
            create_time: group.create_time,
            update_time: group.update_time,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsumerJson {
    consumer_ref: String,
    consumer_name: String,
    project_id: String,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

impl From<Consumer> for ConsumerJson {
    fn from(consumer: Consumer) -> Self {
        Self {
            consumer_ref: consumer.consumer_ref,
            consumer_name: consumer.name,
            project_id: consumer.project_id,
            create_time: consumer.create_time,
            update_time: consumer.update_time,
        }
    }
}

impl From<ConnectionDetails> for ConnectionJson {
    fn from(details: ConnectionDetails) -> Self {
        let connection = details.connection;
        let oauth = connection.auth_scheme.starts_with("oauth2/");
        Self {
            oauth2_authorization_code: oauth.then(|| json!({ "scopes": connection.scopes })),
            id: connection.id,
            project_id: connection.project_id,
            provider: connection.provider,
            provider_app: details.provider_app.map(Into::into),
            group: details.group.into(),
            consumer: details.consumer.into(),
            provider_workspace_ref: connection.provider_workspace_ref,
            provider_metadata: connection.provider_metadata,
            auth_scheme: connection.auth_scheme,
            status: connection.status.as_str(),
            create_time: connection.create_time,
            update_time: connection.update_time,
        }
    }
}

/// `GET /projects/{p}/connections`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    provider: Option<String>,
    group_ref: Option<String>,
    consumer_ref: Option<String>,
}

/// The connections that match every given filter.
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<ConnectionJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let filter = ConnectionFilter {
        provider: filter.provider,
        group_ref: filter.group_ref,
        consumer_ref: filter.consumer_ref,
    };
    let connections = tenant.connections(filter).await?;
    let details = tenant.connection_details(&connections).await?;
    Ok(axum::Json(details.into_iter().map(Into::into).collect()))
}

/// One connection.
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, connection)): Path<(String, String)>,
) -> Result<axum::Json<ConnectionJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let found = tenant.connection(&connection).await?;
    let details = tenant
        .connection_details(std::slice::from_ref(&found))
        .await?;
    let details = details.into_iter().next();
    details
        .map(|details| axum::Json(details.into()))
        .ok_or_else(|| Problem::new(404, "the connection was deleted"))
}

//! `/projects/{p}/connections`. Credentials are shown to nobody but a program with
//! a `full` key that asks for them.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use engine::actions::connection::{Generate, Update};
use engine::{Engine, Refresh, actions};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Connection, ConnectionDetails, ConnectionFilter, Consumer, Credential, Group, Tenant};

use super::connection_request::{Body, no_credential};
use super::oauth_connect;
use super::provider_apps::ProviderAppJson;
use crate::auth::Caller;
use crate::extract::{Json, Path, Query, Raw};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    #[serde(skip)]
    issued_at: Option<Timestamp>,
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
            api_key: None,
            issued_at: connection.access_issued_at,
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

impl ConnectionJson {
    /// Adds the credential, as far as the contract has a place for it: it has none
    /// for a user name and a secret.
    fn show(&mut self, credential: &Credential, with_refresh_token: bool) {
        match credential {
            Credential::OAuth2 {
                access_token,
                refresh_token,
                expires_at,
                scopes,
            } => {
                let mut access = json!({ "token": access_token.expose_secret() });
                for (name, time) in [("issuedAt", self.issued_at), ("expiresAt", *expires_at)] {
                    if let (Some(access), Some(time)) = (access.as_object_mut(), time) {
                        access.insert(name.to_owned(), json!(time));
                    }
                }
                let mut shown = json!({ "accessToken": access, "scopes": scopes });
                let refresh = refresh_token.as_ref().filter(|_| with_refresh_token);
                if let (Some(shown), Some(refresh)) = (shown.as_object_mut(), refresh) {
                    let token = json!({ "token": refresh.expose_secret() });
                    shown.insert("refreshToken".to_owned(), token);
                }
                self.oauth2_authorization_code = Some(shown);
            }
            Credential::ApiKey(key) => self.api_key = Some(key.expose_secret().to_owned()),
            Credential::Basic { .. } => {}
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

/// `GET /projects/{p}/connections/{c}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    #[serde(default)]
    include_creds: bool,
    #[serde(default)]
    include_refresh_token: bool,
    refresh: Option<RefreshWord>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RefreshWord {
    Force,
    IfExpired,
}

/// One connection; on request with its credential, and that fresh.
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, connection)): Path<(String, String)>,
    Query(options): Query<Options>,
) -> Result<axum::Json<ConnectionJson>, Problem> {
    if let Some(when) = options.refresh {
        let when = match when {
            RefreshWord::Force => Refresh::Force,
            RefreshWord::IfExpired => Refresh::IfExpired,
        };
        actions::connection::refresh(&engine, &actor, &project, &connection, when).await?;
    }
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let found = tenant.connection(&connection).await?;
    let mut json = one(&tenant, found).await?;
    if options.include_creds || options.include_refresh_token {
        let credential =
            actions::connection::credential(&engine, &actor, &project, &connection).await?;
        json.show(&credential, options.include_refresh_token);
    }
    Ok(axum::Json(json))
}

/// Connects with a credential that is given by hand.
pub(crate) async fn generate(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path(project): Path<String>,
    Json(body): Json<Body>,
) -> Result<(StatusCode, axum::Json<ConnectionJson>), Problem> {
    let required = |name: &str, value: Option<String>| {
        value.ok_or_else(|| {
            Problem::new(400, format!("`{name}` is missing")).remedy(format!("Give `{name}`"))
        })
    };
    let credential = body.credential.given()?.ok_or_else(no_credential)?;
    let new = Generate {
        provider: required("provider", body.provider)?,
        group_ref: required("groupRef", body.group_ref)?,
        group_name: body.group_name,
        consumer_ref: required("consumerRef", body.consumer_ref)?,
        consumer_name: body.consumer_name,
        workspace_ref: body.provider_workspace_ref.filter(|text| !text.is_empty()),
        metadata: body.provider_metadata.unwrap_or_default(),
        credential,
    };
    let made = actions::connection::generate(&engine, &actor, &project, new).await?;
    let scope = engine.store.scope(&actor, &project).await?;
    let json = one(&engine.store.within(&scope), made).await?;
    Ok((StatusCode::CREATED, axum::Json(json)))
}

/// `PATCH /projects/{p}/connections/{c}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    update_mask: Vec<String>,
    connection: Body,
}

/// Changes a connection by mask; or, where the path ends in `:oauth-update`, says
/// where its customer consents anew.
pub(crate) async fn update(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, connection)): Path<(String, String)>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    if let Some(id) = connection.strip_suffix(":oauth-update") {
        let origin = oauth_connect::origin_of(&headers);
        let url = actions::oauth::reconnect(&engine, &actor, &project, id, origin).await?;
        return Ok(url.into_response());
    }
    let change: Change = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(400, format!("the body cannot be understood: {error}"))
            .remedy("Send {\"updateMask\": [\u{2026}], \"connection\": {\u{2026}}}")
    })?;
    let update = change.update()?;
    let changed =
        actions::connection::update(&engine, &actor, &project, &connection, update).await?;
    let scope = engine.store.scope(&actor, &project).await?;
    let json = one(&engine.store.within(&scope), changed).await?;
    Ok(axum::Json(json).into_response())
}

impl Change {
    /// Only what the mask names.
    fn update(self) -> Result<Update, Problem> {
        let mut update = Update::default();
        let (mut mask, mut body) = (self.update_mask, self.connection);
        if mask.is_empty() {
            // Some clients send none and mean everything that is there.
            mask = body.named();
        }
        for field in &mask {
            match field.as_str() {
                "providerWorkspaceRef" => update.workspace_ref = body.provider_workspace_ref.take(),
                "providerMetadata" => update.metadata = body.provider_metadata.take(),
                "apiKey" | "basicAuth" => {}
                other => {
                    return Err(Problem::new(400, format!("`{other}` cannot be updated")).remedy(
                        "Name providerWorkspaceRef, providerMetadata, apiKey or basicAuth in `updateMask`",
                    ));
                }
            }
        }
        body.credential.keep(&mask);
        update.credential = body.credential.given()?;
        Ok(update)
    }
}

/// Ends a connection.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, connection)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    actions::connection::delete(&engine, &actor, &project, &connection).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn one(tenant: &Tenant<'_>, connection: Connection) -> Result<ConnectionJson, Problem> {
    let details = tenant
        .connection_details(std::slice::from_ref(&connection))
        .await?;
    let details = details.into_iter().next();
    details
        .map(Into::into)
        .ok_or_else(|| Problem::new(404, "the connection was deleted"))
}

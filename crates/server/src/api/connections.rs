//! `/projects/{p}/connections`. Credentials are shown to nobody but a program with
//! a `full` key that asks for them.

use axum::extract::State;
use axum::http::HeaderMap;
use engine::actions::connection::{Generate, Update};
use engine::{Engine, Refresh, actions};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    Connection, ConnectionDetails, ConnectionFilter, ConnectionStatus, Consumer, Credential, Group,
    Tenant,
};
use utoipa::openapi::schema::{Array, Object};
use utoipa::{IntoParams, ToSchema};

use super::connection_request::{Body, MetadataValue, no_credential};
use super::oauth_connect;
use super::provider_apps::ProviderAppJson;
use crate::answer::{Created, NoContent};
use crate::auth::Caller;
use crate::description::one_of;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// A connection as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
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
    #[schema(value_type = BTreeMap<String, MetadataValue>)]
    provider_metadata: Value,
    #[schema(schema_with = auth_scheme)]
    auth_scheme: String,
    status: StatusJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth2_authorization_code: Option<TokensJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    #[serde(skip)]
    issued_at: Option<Timestamp>,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
}

/// The kinds of credentials that there are.
fn auth_scheme() -> Object {
    one_of(["apiKey", "basic", "oauth2/authorizationCode"])
}

/// How a connection does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConnectionStatus)]
enum StatusJson {
    Created,
    Working,
    BadCredentials,
}

/// The scopes that were consented to, and on request the tokens.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuth2AuthorizationCode)]
struct TokensJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<TokenJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<TokenJson>,
    scopes: Vec<String>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IssuedToken)]
struct TokenJson {
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl From<ConnectionStatus> for StatusJson {
    fn from(status: ConnectionStatus) -> Self {
        match status {
            ConnectionStatus::Created => Self::Created,
            ConnectionStatus::Working => Self::Working,
            ConnectionStatus::BadCredentials => Self::BadCredentials,
        }
    }
}

/// A group as the contract shapes it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Group)]
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

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Consumer)]
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
            oauth2_authorization_code: oauth.then(|| TokensJson {
                scopes: connection.scopes,
                ..TokensJson::default()
            }),
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
            status: connection.status.into(),
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
                let refresh = refresh_token.as_ref().filter(|_| with_refresh_token);
                self.oauth2_authorization_code = Some(TokensJson {
                    access_token: Some(TokenJson {
                        token: access_token.expose_secret().to_owned(),
                        issued_at: self.issued_at,
                        expires_at: *expires_at,
                    }),
                    refresh_token: refresh.map(|refresh| TokenJson {
                        token: refresh.expose_secret().to_owned(),
                        issued_at: None,
                        expires_at: None,
                    }),
                    scopes: scopes.clone(),
                });
            }
            Credential::ApiKey(key) => self.api_key = Some(key.expose_secret().to_owned()),
            Credential::Basic { .. } => {}
        }
    }
}

/// `GET /projects/{p}/connections`.
#[derive(Debug, Deserialize, IntoParams)]
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
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    #[serde(default)]
    include_creds: bool,
    #[serde(default)]
    include_refresh_token: bool,
    #[param(inline)]
    refresh: Option<RefreshWord>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refresh)]
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
) -> Result<Created<ConnectionJson>, Problem> {
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
    Ok(Created(json))
}

/// What can be changed.
fn masks() -> Array {
    Array::new(one_of([
        "providerWorkspaceRef",
        "providerMetadata",
        "apiKey",
        "basicAuth",
    ]))
}

/// `PATCH /projects/{p}/connections/{c}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConnectionChange)]
pub(crate) struct Change {
    #[schema(schema_with = masks)]
    update_mask: Vec<String>,
    connection: Body,
}

/// Where the customer consents anew.
pub(crate) async fn reconnect(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, connection)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<String, Problem> {
    let origin = oauth_connect::origin_of(&headers);
    Ok(actions::oauth::reconnect(&engine, &actor, &project, &connection, origin).await?)
}

/// Changes what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path((project, connection)): Path<(String, String)>,
    Json(change): Json<Change>,
) -> Result<axum::Json<ConnectionJson>, Problem> {
    let update = change.update()?;
    let changed =
        actions::connection::update(&engine, &actor, &project, &connection, update).await?;
    let scope = engine.store.scope(&actor, &project).await?;
    let json = one(&engine.store.within(&scope), changed).await?;
    Ok(axum::Json(json))
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
) -> Result<NoContent, Problem> {
    actions::connection::delete(&engine, &actor, &project, &connection).await?;
    Ok(NoContent)
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

//! Consent: from the app's request for a URL to a connection that works.
//!
//! The state in the URL is random, single-use, good for ten minutes and kept only
//! as a hash; what it stands for (project, group, consumer, provider app) is kept
//! here, sealed, so that nothing of it can be altered on the way.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Actor, NewConnection, NewOAuthState, OAuthStateTaken, ProviderApp, Scope};

use super::connection::{complete_inputs, workspace_of};
use super::{require_name, require_own};
use crate::oauth::{App, OAuthError};
use crate::{ActionError, Engine, random};

/// How long a customer may take to consent.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// One entry of `providerMetadata`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataItem {
    /// The value.
    pub value: String,
    /// Who gave it.
    pub source: MetadataSource,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// Who gave an entry of `providerMetadata`; in the API, the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetadataSource {
    /// Whoever connects.
    Input,
    /// The answer with the token.
    Token,
    /// Another answer of the provider.
    Provider,
}

/// A request for consent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connect {
    /// The provider.
    pub provider: String,
    /// The customer.
    pub group_ref: String,
    /// The customer's name.
    pub group_name: Option<String>,
    /// The customer's user who consents.
    pub consumer_ref: String,
    /// The user's name.
    pub consumer_name: Option<String>,
    /// Another way to name the provider's workspace.
    pub provider_workspace_ref: Option<String>,
    /// The provider's inputs.
    pub provider_metadata: BTreeMap<String, MetadataItem>,
    /// The provider app; the provider's first one where absent.
    pub provider_app_id: Option<String>,
    /// The page that asked, to be told about the end. Any page where absent.
    pub origin: Option<String>,
    /// The connection that is renewed; the group's one, or a new one, where absent.
    #[serde(default)]
    pub connection_id: Option<String>,
}

/// What the callback page tells.
#[derive(Debug)]
pub struct Ending {
    /// The connection, or why there is none, in words for the customer.
    pub result: Result<String, String>,
    /// The page that asked.
    pub origin: Option<String>,
}

/// Where the customer consents.
///
/// # Errors
/// [`ActionError::BadRequest`] for an unknown provider, a missing provider app or
/// a missing input.
pub async fn connect(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    mut connect: Connect,
) -> Result<String, ActionError> {
    require_name("groupRef", &connect.group_ref)?;
    require_name("consumerRef", &connect.consumer_ref)?;
    require_own(actor, &connect.group_ref, &connect.consumer_ref)?;
    let scope = engine.store.scope(actor, project).await?;
    let Some(connector) = engine.registry.get(&connect.provider) else {
        return Err(ActionError::bad_request(
            format!("there is no provider `{}`", connect.provider),
            format!("Providers of this server: {}", engine.registry.names()),
        ));
    };
    let description = connector.describe();
    complete_inputs(
        description,
        connect.provider_workspace_ref.as_deref(),
        &mut connect.provider_metadata,
    )?;
    let app = provider_app(engine, &scope, &connect).await?;
    let now = engine.clock.now();
    let consent = consent(engine, &scope, description, &app).await?;
    connect.provider_app_id = Some(app.id.clone());
    let state = random::token();
    let body =
        serde_json::to_value(&connect).map_err(|error| ActionError::Internal(error.to_string()))?;
    let expires_at = now.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
    let new = NewOAuthState {
        state: &state,
        body,
        expires_at,
    };
    engine
        .store
        .within(&scope)
        .save_oauth_state(new, now)
        .await?;
    Ok(consent.authorize_url(state, &app.scopes))
}

/// Where the customer of a connection consents anew.
///
/// # Errors
/// As [`connect`]; [`ActionError::BadRequest`] for a connection that began without
/// a consent.
pub async fn reconnect(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    connection_id: &str,
    origin: Option<String>,
) -> Result<String, ActionError> {
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let known = tenant.connection(connection_id).await?;
    if !known.auth_scheme.starts_with("oauth2/") {
        return Err(ActionError::bad_request(
            format!(
                "the connection's credential is of kind `{}`",
                known.auth_scheme
            ),
            "Update the credential itself (PATCH /connections/{id}), or connect anew",
        ));
    }
    let provider_metadata = serde_json::from_value(known.provider_metadata)
        .map_err(|error| ActionError::Internal(format!("stored metadata: {error}")))?;
    let again = Connect {
        provider: known.provider,
        group_ref: known.group_ref,
        group_name: None,
        consumer_ref: actor
            .customer()
            .map_or(known.consumer_ref, |(_, consumer)| consumer.to_owned()),
        consumer_name: None,
        provider_workspace_ref: known.provider_workspace_ref,
        provider_metadata,
        provider_app_id: known.provider_app_id,
        origin,
        connection_id: Some(known.id),
    };
    connect(engine, actor, project, again).await
}

/// The end of a consent: `code` or `error`, and the `state` it belongs to.
///
/// # Errors
/// [`ActionError::Store`] when the store fails; everything else is an [`Ending`]
/// that the customer reads.
pub async fn finish(
    engine: &Engine,
    state: &str,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
) -> Result<Ending, ActionError> {
    // A refusal leaves the state as it is: nothing has come of it, and whoever thinks
    // again, or goes back, may still consent. The stock React components open the same
    // link once more.
    let now = engine.clock.now();
    let known = match &error {
        Some(_) => engine.store.find_oauth_state(state, now).await?,
        None => engine.store.take_oauth_state(state, now).await?,
    };
    let (scope, body) = match known {
        OAuthStateTaken::Valid { scope, body } => (scope, body),
        OAuthStateTaken::Expired => {
            return Ok(failed(
                None,
                "This took longer than ten minutes and is no longer valid. Please start again.",
            ));
        }
        OAuthStateTaken::Unknown => {
            return Ok(failed(
                None,
                "This link was already used, or was not made by this server. Please start again.",
            ));
        }
    };
    let connect: Connect =
        serde_json::from_value(body).map_err(|error| ActionError::Internal(error.to_string()))?;
    let scope = scope.of_consumer(&connect.consumer_ref);
    let origin = connect.origin.clone();
    if let Some(error) = error {
        let text = match error.as_str() {
            "access_denied" => "Access was not granted. Nothing has changed.".to_owned(),
            other => format!(
                "The provider refused: {}",
                error_description.as_deref().unwrap_or(other)
            ),
        };
        return Ok(Ending {
            result: Err(text),
            origin,
        });
    }
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        return Ok(failed(
            origin,
            "The provider sent neither a code nor an error. Please start again.",
        ));
    };
    match establish(engine, &scope, connect, code).await {
        Ok(connection_id) => Ok(Ending {
            result: Ok(connection_id),
            origin,
        }),
        Err(ActionError::Store(error)) => Err(ActionError::Store(error)),
        Err(error) => Ok(failed(origin, &error.to_string())),
    }
}

fn failed(origin: Option<String>, message: &str) -> Ending {
    Ending {
        result: Err(message.to_owned()),
        origin,
    }
}

/// Trades the code and stores group, consumer and connection.
async fn establish(
    engine: &Engine,
    scope: &Scope,
    connect: Connect,
    code: String,
) -> Result<String, ActionError> {
    let connector =
        engine
            .registry
            .get(&connect.provider)
            .ok_or_else(|| ActionError::NotFound {
                what: "provider",
                id: connect.provider.clone(),
            })?;
    let description = connector.describe();
    let app = provider_app(engine, scope, &connect).await?;
    let consent = consent(engine, scope, description, &app).await?;
    let now = engine.clock.now();
    let credential = consent
        .exchange_code(&engine.outbound, code, now)
        .await
        .map_err(|error| match error {
            OAuthError::Refused { message, .. } => ActionError::bad_request(
                format!("The provider refused to hand out a token: {message}"),
                "Check the provider app's client id and secret, then connect again",
            ),
            other => ActionError::Provider(connector::Failure::Unavailable {
                message: other.to_string(),
            }),
        })?;
    let tenant = engine.store.within(scope);
    tenant
        .upsert_group(&connect.group_ref, connect.group_name.as_deref(), now)
        .await?;
    tenant
        .upsert_consumer(&connect.consumer_ref, connect.consumer_name.as_deref(), now)
        .await?;
    let workspace = workspace_of(description, &connect.provider_metadata);
    let connection = tenant
        .upsert_connection(
            NewConnection {
                id: connect.connection_id,
                provider: connect.provider,
                provider_app_id: Some(app.id),
                group_ref: connect.group_ref,
                consumer_ref: connect.consumer_ref,
                auth_scheme: "oauth2/authorizationCode".to_owned(),
                provider_metadata: json!(connect.provider_metadata),
                provider_workspace_ref: workspace.or(connect.provider_workspace_ref),
                credential,
            },
            now,
        )
        .await?;
    tracing::info!(connection = %connection.id, provider = %connection.provider, "an account was connected");
    Ok(connection.id)
}

async fn provider_app(
    engine: &Engine,
    scope: &Scope,
    connect: &Connect,
) -> Result<ProviderApp, ActionError> {
    let tenant = engine.store.within(scope);
    match &connect.provider_app_id {
        Some(id) => Ok(tenant.provider_app(id).await?),
        None => tenant.provider_app_for(&connect.provider).await?.ok_or_else(|| {
            ActionError::bad_request(
                format!("the project has no provider app for {}", connect.provider),
                "Create one with the client id and secret of your OAuth consumer, then connect again",
            )
        }),
    }
}

async fn consent(
    engine: &Engine,
    scope: &Scope,
    description: &connector::Description,
    app: &ProviderApp,
) -> Result<App, ActionError> {
    let secret = engine
        .store
        .within(scope)
        .provider_app_secret(&app.id)
        .await?;
    App::new(description, &app.client_id, &secret, &engine.callback_url)
        .map_err(|error| ActionError::Internal(error.to_string()))
}

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
use super::install_link::{Origin, origin_of};
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
    /// The hosted install page that asked, if one did.
    #[serde(default)]
    pub page: Option<AskingPage>,
}

/// The hosted install page on which a consent was begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AskingPage {
    /// The page's link.
    pub link_id: String,
    /// The SHA-256 of what only the browser knows that began.
    pub browser: String,
}

/// What a browser brings back from a consent.
#[derive(Debug)]
pub struct Return<'a> {
    /// What the consent was begun with.
    pub state: &'a str,
    /// What is traded for tokens.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
    /// What only the browser knows that has opened an install page.
    pub browser: Option<&'a str>,
}

/// What the callback page tells.
#[derive(Debug)]
pub struct Ending {
    /// The connection, or why there is none, in words for the customer.
    pub result: Result<String, String>,
    /// The page that asked.
    pub origin: Option<String>,
    /// Where the hosted install page is on which it began, behind this server's
    /// origin.
    pub page: Option<Back>,
}

/// The way back to a hosted install page.
#[derive(Debug)]
pub struct Back {
    /// Path and query.
    pub place: String,
    /// What the page says.
    pub news: News,
}

/// What a hosted install page says of a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The account is connected.
    Connected,
    /// The customer refused.
    Refused,
    /// It took too long.
    Late,
    /// It did not work.
    Failed,
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
        page: None,
    };
    connect(engine, actor, project, again).await
}

/// The end of a consent: `code` or `error`, and the `state` it belongs to.
///
/// # Errors
/// [`ActionError::Store`] when the store fails; everything else is an [`Ending`]
/// that the customer reads.
pub async fn finish(engine: &Engine, back: Return<'_>) -> Result<Ending, ActionError> {
    let Return {
        state,
        code,
        error,
        error_description,
        browser,
    } = back;
    // A refusal leaves the state as it is: nothing has come of it, and whoever thinks
    // again, or goes back, may still consent. The stock React components open the same
    // link once more.
    let now = engine.clock.now();
    let known = match &error {
        Some(_) => engine.store.find_oauth_state(state, now).await?,
        None => engine.store.take_oauth_state(state, now).await?,
    };
    let (scope, body) = match known {
        OAuthStateTaken::Valid { scope, body } => (Some(scope), body),
        OAuthStateTaken::Expired { body } => (None, body),
        OAuthStateTaken::Unknown => {
            return Ok(failed(
                None,
                "This link was already used, or was not made by this server. Please start again.",
            ));
        }
    };
    let mut connect: Connect =
        serde_json::from_value(body).map_err(|error| ActionError::Internal(error.to_string()))?;
    let mut place = None;
    if let Some(page) = connect.page.take() {
        // Before anything is done: or somebody could have others end what he began.
        match origin_of(engine, &page, browser).await? {
            Origin::Good(there) => place = Some(there),
            Origin::Ended(there) => return Ok(ended(there)),
            Origin::OtherBrowser => {
                return Ok(failed(
                    None,
                    "This was begun in another browser, so nothing was connected. Open the link that you were given in this browser, and begin there.",
                ));
            }
        }
    }
    let Some(scope) = scope else {
        let late = "This took longer than ten minutes and is no longer valid. Please start again.";
        return Ok(failed(None, late).back_to(place, News::Late));
    };
    let scope = scope.of_consumer(&connect.consumer_ref);
    let origin = connect.origin.clone();
    if let Some(error) = error {
        let (text, news) = refusal(&error, error_description.as_deref());
        return Ok(failed(origin, &text).back_to(place, news));
    }
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        let neither = "The provider sent neither a code nor an error. Please start again.";
        return Ok(failed(origin, neither).back_to(place, News::Failed));
    };
    match establish(engine, &scope, connect, code).await {
        Ok(connection_id) => Ok(Ending {
            result: Ok(connection_id),
            origin,
            page: None,
        }
        .back_to(place, News::Connected)),
        Err(ActionError::Store(error)) => Err(ActionError::Store(error)),
        Err(error) => {
            if place.is_some() {
                // The customer is told less than the builder, who is not there.
                let project = scope.project_id();
                tracing::warn!(project, %error, "a consent from an install page came to nothing");
            }
            Ok(failed(origin, &error.to_string()).back_to(place, News::Failed))
        }
    }
}

/// What a provider's refusal comes to, in words for the customer.
fn refusal(error: &str, description: Option<&str>) -> (String, News) {
    match error {
        "access_denied" => (
            "Access was not granted. Nothing has changed.".to_owned(),
            News::Refused,
        ),
        other => (
            format!("The provider refused: {}", description.unwrap_or(other)),
            News::Failed,
        ),
    }
}

impl Ending {
    fn back_to(self, place: Option<String>, news: News) -> Self {
        let page = place.map(|place| Back { place, news });
        Self { page, ..self }
    }
}

/// A page whose link has ended meanwhile says so itself.
fn ended(place: String) -> Ending {
    failed(None, "The link that you were given is no longer valid.")
        .back_to(Some(place), News::Failed)
}

fn failed(origin: Option<String>, message: &str) -> Ending {
    Ending {
        result: Err(message.to_owned()),
        origin,
        page: None,
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

//! Connections: made from a credential that is given by hand, changed, looked
//! into, ended. Those that begin with a consent are in [`super::oauth`].

use std::collections::BTreeMap;

use connector::{Connector, Description, OwnCredential, OwnCredentialKind, Request};
use jiff::Timestamp;
use outbound::Credential as Sent;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use store::{Actor, Connection, ConnectionChange, Credential, NewConnection};

use super::oauth::{MetadataItem, MetadataSource};
use super::{audit, require_full, require_name, require_own};
use crate::calls::{CallError, Caller, Lane};
use crate::tokens::{Refresh, TokenError};
use crate::{ActionError, Engine};

/// A credential that somebody has.
#[derive(Debug)]
pub enum Given {
    /// A user name and a secret.
    Basic {
        /// The user.
        username: String,
        /// The password or token.
        password: SecretString,
    },
    /// A bearer token.
    ApiKey(SecretString),
    /// Tokens of a consent that was given elsewhere, to the project's provider app.
    OAuth2 {
        /// Sent with every request.
        access_token: SecretString,
        /// Exchanged for a new pair.
        refresh_token: Option<SecretString>,
        /// When the access token ends.
        expires_at: Option<Timestamp>,
        /// The scopes that were granted.
        scopes: Vec<String>,
    },
}

/// A request for a connection without a consent page.
#[derive(Debug)]
pub struct Generate {
    /// The provider.
    pub provider: String,
    /// The customer.
    pub group_ref: String,
    /// The customer's name.
    pub group_name: Option<String>,
    /// The customer's user.
    pub consumer_ref: String,
    /// The user's name.
    pub consumer_name: Option<String>,
    /// Another way to name the provider's workspace.
    pub workspace_ref: Option<String>,
    /// The provider's inputs.
    pub metadata: BTreeMap<String, MetadataItem>,
    /// The credential.
    pub credential: Given,
}

/// What changes; `None` stays.
#[derive(Debug, Default)]
pub struct Update {
    /// The provider's inputs, all of them.
    pub metadata: Option<BTreeMap<String, MetadataItem>>,
    /// Another way to name the provider's workspace.
    pub workspace_ref: Option<String>,
    /// A new credential of the same kind.
    pub credential: Option<Given>,
}

/// Connects with a credential that is given by hand. The provider is asked once
/// whether it takes it; that it cannot be asked now keeps nobody from connecting.
///
/// # Errors
/// [`ActionError::BadRequest`] for an unknown provider, a kind of credential that
/// it does not take, a missing input, or a credential that it refuses.
pub async fn generate(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    mut new: Generate,
) -> Result<Connection, ActionError> {
    require_name("groupRef", &new.group_ref)?;
    require_name("consumerRef", &new.consumer_ref)?;
    require_own(actor, &new.group_ref, &new.consumer_ref)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let connector = connector(engine, &new.provider)?;
    let description = connector.describe();
    complete_inputs(description, new.workspace_ref.as_deref(), &mut new.metadata)?;
    check(engine, connector, &new.credential).await?;
    let provider_app_id = match &new.credential {
        Given::OAuth2 { .. } => tenant
            .provider_app_for(&new.provider)
            .await?
            .map(|app| app.id),
        Given::Basic { .. } | Given::ApiKey(_) => None,
    };
    let now = engine.clock.now();
    tenant
        .upsert_group(&new.group_ref, new.group_name.as_deref(), now)
        .await?;
    tenant
        .upsert_consumer(&new.consumer_ref, new.consumer_name.as_deref(), now)
        .await?;
    let connection = tenant
        .upsert_connection(
            NewConnection {
                id: None,
                provider_workspace_ref: workspace_of(description, &new.metadata)
                    .or(new.workspace_ref),
                provider_metadata: json!(new.metadata),
                provider: new.provider,
                provider_app_id,
                group_ref: new.group_ref,
                consumer_ref: new.consumer_ref,
                auth_scheme: new.credential.scheme().to_owned(),
                credential: new.credential.stored(),
            },
            now,
        )
        .await?;
    tracing::info!(connection = %connection.id, provider = %connection.provider, "an account was connected");
    Ok(connection)
}

/// Changes the inputs or the credential of a connection.
///
/// # Errors
/// [`ActionError::BadRequest`] as [`generate`], and for a credential of another
/// kind than the connection's.
pub async fn update(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
    update: Update,
) -> Result<Connection, ActionError> {
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let known = tenant.connection(id).await?;
    let connector = connector(engine, &known.provider)?;
    let description = connector.describe();
    let mut metadata = update.metadata;
    if metadata.is_some() || update.workspace_ref.is_some() {
        let mut all = match metadata {
            Some(all) => all,
            None => serde_json::from_value(known.provider_metadata.clone())
                .map_err(|error| ActionError::Internal(format!("stored metadata: {error}")))?,
        };
        // Who names a new workspace means it, whatever was said before.
        if let (Some(input), Some(_)) = (description.inputs.first(), &update.workspace_ref) {
            all.remove(input.name);
        }
        complete_inputs(description, update.workspace_ref.as_deref(), &mut all)?;
        metadata = Some(all);
    }
    if let Some(credential) = &update.credential {
        if credential.scheme() != known.auth_scheme {
            return Err(ActionError::bad_request(
                format!(
                    "the connection's credential is of kind `{}`",
                    known.auth_scheme
                ),
                "Give one of the same kind, or connect anew",
            ));
        }
        check(engine, connector, credential).await?;
    }
    let change = ConnectionChange {
        provider_workspace_ref: metadata
            .as_ref()
            .and_then(|all| workspace_of(description, all)),
        provider_metadata: metadata.map(|all| json!(all)),
        credential: update.credential.map(Given::stored),
    };
    Ok(tenant
        .change_connection(id, change, engine.clock.now())
        .await?)
}

/// Ends a connection. Its tokens are deleted here; at the provider they end when
/// the customer revokes them there.
///
/// # Errors
/// [`ActionError::Conflict`] while something is installed over it.
pub async fn delete(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
) -> Result<(), ActionError> {
    let scope = engine.store.scope(actor, project).await?;
    let now = engine.clock.now();
    let deleted = engine.store.within(&scope).delete_connection(id, now).await;
    let connection = deleted.map_err(|error| match error {
        store::StoreError::Conflict { detail, .. } => ActionError::Conflict {
            detail: format!(
                "the connection is used by installation `{detail}`: delete the installation first"
            ),
        },
        other => other.into(),
    })?;
    tracing::info!(connection = %connection.id, "a connection was deleted");
    Ok(())
}

/// Refreshes the access token of a connection, where it has one.
///
/// # Errors
/// [`ActionError::Provider`] when the provider refuses or does not answer.
pub async fn refresh(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
    when: Refresh,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let known = engine.store.within(&scope).connection(id).await?;
    let description = connector(engine, &known.provider)?.describe();
    let Some(tokens) = &engine.calls.tokens else {
        return Ok(());
    };
    Ok(tokens.refresh(description, &known.id, when).await?)
}

/// The credential of a connection, for a program that calls the provider itself.
/// Each look is written to the audit log.
///
/// # Errors
/// [`ActionError::Forbidden`] for keys that are made for browsers, and for people:
/// no page may come to hold a credential.
pub async fn credential(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
) -> Result<Credential, ActionError> {
    require_full(actor)?;
    if actor.builder_id().is_some() {
        return Err(ActionError::Forbidden {
            detail: "credentials are shown to programs only; use an API key with the `full` scope"
                .to_owned(),
        });
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let known = tenant.connection(id).await?;
    let now = engine.clock.now();
    let action = "connection.credentials.read";
    audit(&tenant, actor, action, &known.id, now).await?;
    Ok(engine.store.credential(&known.id).await?.credential)
}

impl Given {
    /// The contract's word for its kind.
    fn scheme(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::ApiKey(_) => "apiKey",
            Self::OAuth2 { .. } => "oauth2/authorizationCode",
        }
    }

    fn kind(&self) -> Option<OwnCredentialKind> {
        match self {
            Self::Basic { .. } => Some(OwnCredentialKind::Basic),
            Self::ApiKey(_) => Some(OwnCredentialKind::ApiKey),
            Self::OAuth2 { .. } => None,
        }
    }

    fn sent(&self) -> Sent {
        match self {
            Self::Basic { username, password } => Sent::Basic {
                username: username.clone(),
                password: password.clone(),
            },
            Self::ApiKey(key) => Sent::Bearer(key.clone()),
            Self::OAuth2 { access_token, .. } => Sent::Bearer(access_token.clone()),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Basic { username, password } => {
                username.is_empty() || password.expose_secret().is_empty()
            }
            Self::ApiKey(token) => token.expose_secret().is_empty(),
            Self::OAuth2 { access_token, .. } => access_token.expose_secret().is_empty(),
        }
    }

    fn stored(self) -> Credential {
        match self {
            Self::Basic { username, password } => Credential::Basic {
                username,
                secret: password,
            },
            Self::ApiKey(key) => Credential::ApiKey(key),
            Self::OAuth2 {
                access_token,
                refresh_token,
                expires_at,
                scopes,
            } => Credential::OAuth2 {
                access_token,
                refresh_token,
                expires_at,
                scopes,
            },
        }
    }
}

fn connector<'a>(engine: &'a Engine, provider: &str) -> Result<&'a dyn Connector, ActionError> {
    let found = engine.registry.get(provider).map(AsRef::as_ref);
    found.ok_or_else(|| {
        ActionError::bad_request(
            format!("there is no provider `{provider}`"),
            format!("Providers of this server: {}", engine.registry.names()),
        )
    })
}

/// Asks the provider whether the credential is one. Only a clear no counts.
async fn check(
    engine: &Engine,
    connector: &dyn Connector,
    given: &Given,
) -> Result<(), ActionError> {
    let description = connector.describe();
    let own = match given.kind() {
        None => None,
        Some(kind) => Some(taken(description, kind)?),
    };
    if given.is_empty() {
        return Err(ActionError::bad_request(
            "the credential is empty",
            "Give all of its parts",
        ));
    }
    let Some(path) = description.check_path else {
        return Ok(());
    };
    let request = Request::get(format!("{}{path}", description.origin));
    let credential = given.sent();
    let caller = Caller::Holder(&credential);
    let answer = engine
        .calls
        .send(connector, caller, Lane::Interactive, &request)
        .await;
    match answer {
        Ok(response) if response.status == 401 => Err(ActionError::bad_request(
            format!(
                "{} refuses this {}",
                description.display_name,
                own.map_or("access token", |own| own.name)
            ),
            own.map_or(
                "Use a token that has not expired, with its refresh token, or let the customer consent (POST /oauth-connect)",
                |own| own.remedy,
            ),
        )),
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::info!(%error, "a new credential could not be checked");
            Ok(())
        }
    }
}

/// What a kind of credential is to this provider.
fn taken(
    description: &Description,
    kind: OwnCredentialKind,
) -> Result<&'static OwnCredential, ActionError> {
    let own = description.own_credentials.iter();
    own.clone().find(|own| own.kind == kind).ok_or_else(|| {
        let names: Vec<&str> = own.map(|own| own.name).collect();
        ActionError::bad_request(
            format!(
                "{} does not take this kind of credential",
                description.display_name
            ),
            format!(
                "It takes a consent (POST /oauth-connect){}{}",
                if names.is_empty() { "" } else { ", or " },
                names.join(", or ")
            ),
        )
    })
}

/// Fills in what `workspace_ref` says another way, and refuses what is missing.
pub(super) fn complete_inputs(
    description: &Description,
    workspace_ref: Option<&str>,
    metadata: &mut BTreeMap<String, MetadataItem>,
) -> Result<(), ActionError> {
    // `providerWorkspaceRef` mirrors the one input that a provider may have.
    if let (Some(input), Some(workspace)) = (description.inputs.first(), workspace_ref) {
        metadata
            .entry(input.name.to_owned())
            .or_insert_with(|| MetadataItem {
                value: workspace.to_owned(),
                source: MetadataSource::Input,
                display_name: None,
            });
    }
    for input in description.inputs {
        let given = metadata.get(input.name).map(|item| item.value.trim());
        if given.unwrap_or_default().is_empty() {
            return Err(ActionError::bad_request(
                format!("`providerMetadata.{}` is missing", input.name),
                format!("{} ({})", input.prompt, input.docs_url),
            ));
        }
    }
    Ok(())
}

/// The workspace among the inputs.
pub(super) fn workspace_of(
    description: &Description,
    metadata: &BTreeMap<String, MetadataItem>,
) -> Option<String> {
    let input = description.inputs.first()?;
    metadata.get(input.name).map(|item| item.value.clone())
}

impl From<TokenError> for ActionError {
    fn from(error: TokenError) -> Self {
        match CallError::from(error) {
            CallError::Provider(failure) => Self::Provider(failure),
            CallError::Store(error) => error.into(),
            CallError::Budget { .. } => Self::Internal("a refresh takes no budget".to_owned()),
        }
    }
}

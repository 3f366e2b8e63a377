//! The contract's connection request: who connects, and a credential in one of
//! its forms.

use std::collections::BTreeMap;

use engine::actions::connection::Given;
use engine::actions::oauth::MetadataItem;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::description::one_of;
use crate::problem::Problem;

/// `POST …/connections:generate`, and what `PATCH …/connections/{c}` changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConnectionRequest)]
pub(crate) struct Body {
    pub(super) provider: Option<String>,
    pub(super) group_ref: Option<String>,
    pub(super) group_name: Option<String>,
    pub(super) consumer_ref: Option<String>,
    pub(super) consumer_name: Option<String>,
    pub(super) provider_workspace_ref: Option<String>,
    #[schema(value_type = Option<BTreeMap<String, MetadataValue>>)]
    pub(super) provider_metadata: Option<BTreeMap<String, MetadataItem>>,
    #[serde(flatten)]
    pub(super) credential: CredentialBody,
}

/// An entry of `providerMetadata`, for the description: the engine has its own,
/// which knows nothing of descriptions.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
pub(super) struct MetadataValue {
    value: String,
    #[schema(schema_with = source)]
    source: String,
    display_name: Option<String>,
}

fn source() -> Object {
    one_of(["input", "token", "provider"])
}

/// At most one of these is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CredentialRequest)]
pub(super) struct CredentialBody {
    #[schema(value_type = Option<String>)]
    api_key: Option<SecretString>,
    basic_auth: Option<BasicAuth>,
    #[serde(rename = "oauth2AuthorizationCode")]
    oauth2: Option<OAuth2>,
    custom_auth: Option<Value>,
    #[serde(rename = "oauth2ClientCredentials")]
    client_credentials: Option<Value>,
    #[serde(rename = "oauth2PasswordCredentials")]
    password_credentials: Option<Value>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct BasicAuth {
    username: String,
    #[schema(value_type = String)]
    password: SecretString,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuth2Tokens)]
struct OAuth2 {
    access_token: Option<Token>,
    refresh_token: Option<Token>,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuth2Token)]
struct Token {
    #[schema(value_type = String)]
    token: SecretString,
    expires_at: Option<Timestamp>,
}

impl Body {
    /// The fields of the contract's mask that are there.
    pub(super) fn named(&self) -> Vec<String> {
        let there = [
            (
                "providerWorkspaceRef",
                self.provider_workspace_ref.is_some(),
            ),
            ("providerMetadata", self.provider_metadata.is_some()),
            ("apiKey", self.credential.api_key.is_some()),
            ("basicAuth", self.credential.basic_auth.is_some()),
        ];
        let there = there.into_iter().filter(|(_, there)| *there);
        there.map(|(name, _)| name.to_owned()).collect()
    }
}

impl CredentialBody {
    /// Forgets what a mask does not name.
    pub(super) fn keep(&mut self, mask: &[String]) {
        let named = |name: &str| mask.iter().any(|field| field == name);
        self.api_key = self.api_key.take().filter(|_| named("apiKey"));
        self.basic_auth = self.basic_auth.take().filter(|_| named("basicAuth"));
        self.oauth2 = None;
        self.custom_auth = None;
        self.client_credentials = None;
        self.password_credentials = None;
    }

    /// The credential, if one is given.
    pub(super) fn given(self) -> Result<Option<Given>, Problem> {
        let others = [
            ("customAuth", self.custom_auth.is_some()),
            ("oauth2ClientCredentials", self.client_credentials.is_some()),
            (
                "oauth2PasswordCredentials",
                self.password_credentials.is_some(),
            ),
        ];
        if let Some((name, _)) = others.iter().find(|(_, there)| *there) {
            return Err(Problem::new(400, format!("`{name}` is not supported")).remedy(SUPPORTED));
        }
        let api_key = self.api_key.map(Given::ApiKey);
        let basic = self.basic_auth.map(|basic| Given::Basic {
            username: basic.username,
            password: basic.password,
        });
        let oauth2 = self.oauth2.map(OAuth2::given).transpose()?;
        let mut given = [api_key, basic, oauth2].into_iter().flatten();
        let first = given.next();
        if given.next().is_some() {
            return Err(Problem::new(400, "more than one credential is given").remedy("Give one"));
        }
        Ok(first)
    }
}

impl OAuth2 {
    fn given(self) -> Result<Given, Problem> {
        let access = self.access_token.ok_or_else(|| {
            Problem::new(400, "`oauth2AuthorizationCode.accessToken` is missing")
                .remedy("Give the access token, and the refresh token if there is one")
        })?;
        Ok(Given::OAuth2 {
            access_token: access.token,
            refresh_token: self.refresh_token.map(|refresh| refresh.token),
            expires_at: access.expires_at,
            scopes: self.scopes,
        })
    }
}

const SUPPORTED: &str = "Give `basicAuth`, `apiKey` or `oauth2AuthorizationCode`, or let the customer consent (POST /oauth-connect)";

/// Nothing to connect with.
pub(super) fn no_credential() -> Problem {
    Problem::new(400, "there is no credential").remedy(SUPPORTED)
}

//! The OAuth 2.0 authorization code flow (RFC 6749) against any provider's
//! endpoints: the consent URL, the code exchange, the refresh.
//!
//! Clients authenticate by HTTP Basic. Granted scopes are accepted as `scope`
//! (the standard) and as `scopes` (what Bitbucket sent until May 2026).

use std::pin::Pin;

use connector::Description;
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use outbound::{Outbound, SendError};
use secrecy::{ExposeSecret as _, SecretString};
use store::Credential;

/// What a provider sends besides the standard's fields.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Extra {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<String>,
}
impl oauth2::ExtraTokenFields for Extra {}

type Tokens = StandardTokenResponse<Extra, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Why a grant was not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OAuthError {
    /// The provider refused: the grant is used, expired or revoked, or the
    /// client's own credentials are wrong.
    #[error("{message}")]
    Refused {
        /// The provider's words.
        message: String,
        /// Whether it is the grant that is dead, and not the client or the request.
        grant_is_dead: bool,
    },
    /// The provider could not be reached or answered nonsense.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// An endpoint or the callback is not a URL.
    #[error("{0} is not a valid URL")]
    Url(&'static str),
}

/// A provider app at a provider's OAuth endpoints.
#[derive(Debug)]
pub(crate) struct App {
    client: Client,
}

impl App {
    pub(crate) fn new(
        description: &Description,
        client_id: &str,
        client_secret: &SecretString,
        redirect_url: &str,
    ) -> Result<Self, OAuthError> {
        let url = |what| move |_| OAuthError::Url(what);
        let authorize = AuthUrl::new(description.oauth.authorize_url.clone())
            .map_err(url("the provider's authorization endpoint"))?;
        let token = TokenUrl::new(description.oauth.token_url.clone())
            .map_err(url("the provider's token endpoint"))?;
        let redirect = RedirectUrl::new(redirect_url.to_owned()).map_err(url("the public URL"))?;
        let client = oauth2::Client::new(ClientId::new(client_id.to_owned()))
            .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
            .set_auth_uri(authorize)
            .set_token_uri(token)
            .set_redirect_uri(redirect);
        Ok(Self { client })
    }

    /// Where the customer consents. Scopes go along only if the app names some:
    /// Bitbucket fixes them on the consumer, and a wrong one here ends the flow.
    pub(crate) fn authorize_url(&self, state: String, scopes: &[String]) -> String {
        let mut request = self.client.authorize_url(|| CsrfToken::new(state));
        for scope in scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        request.url().0.into()
    }

    /// Trades a code for tokens.
    pub(crate) async fn exchange_code(
        &self,
        outbound: &Outbound,
        code: String,
        now: Timestamp,
    ) -> Result<Credential, OAuthError> {
        let request = self.client.exchange_code(AuthorizationCode::new(code));
        let tokens = request.request_async(&Door(outbound)).await;
        Ok(credential(&tokens.map_err(error_of)?, None, now))
    }

    /// Trades a refresh token for tokens. A provider that does not rotate sends
    /// no new refresh token: the old one stays.
    pub(crate) async fn refresh(
        &self,
        outbound: &Outbound,
        refresh_token: &SecretString,
        now: Timestamp,
    ) -> Result<Credential, OAuthError> {
        let old = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let request = self.client.exchange_refresh_token(&old);
        let tokens = request.request_async(&Door(outbound)).await;
        Ok(credential(
            &tokens.map_err(error_of)?,
            Some(refresh_token),
            now,
        ))
    }
}

/// The library's way out is ours.
struct Door<'a>(&'a Outbound);

impl<'c> AsyncHttpClient<'c> for Door<'_> {
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, SendError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.0.whole(request))
    }
}

fn credential(tokens: &Tokens, old_refresh: Option<&SecretString>, now: Timestamp) -> Credential {
    let scopes = match (tokens.scopes(), &tokens.extra_fields().scopes) {
        (Some(scopes), _) => scopes.iter().map(|scope| scope.to_string()).collect(),
        (None, Some(scopes)) => scopes.split_whitespace().map(str::to_owned).collect(),
        (None, None) => Vec::new(),
    };
    let lifetime = tokens
        .expires_in()
        .and_then(|left| SignedDuration::try_from(left).ok());
    Credential::OAuth2 {
        access_token: SecretString::from(tokens.access_token().secret().clone()),
        refresh_token: tokens
            .refresh_token()
            .map(|token| SecretString::from(token.secret().clone()))
            .or_else(|| old_refresh.cloned()),
        expires_at: lifetime.and_then(|left| now.saturating_add(left).ok()),
        scopes,
    }
}

/// Bodies that could not be parsed are dropped unread: they may hold anything.
fn error_of(error: RequestTokenError<SendError, BasicErrorResponse>) -> OAuthError {
    match error {
        RequestTokenError::ServerResponse(refusal) => {
            let code = refusal.error();
            let text = refusal
                .error_description()
                .map_or_else(|| code.to_string(), Clone::clone);
            // Bitbucket answered `invalid_request` "Invalid refresh_token" before
            // it rotated tokens; the standard's word is `invalid_grant`.
            let grant_is_dead = matches!(code, BasicErrorResponseType::InvalidGrant)
                || (matches!(code, BasicErrorResponseType::InvalidRequest)
                    && text.to_ascii_lowercase().contains("refresh_token"));
            OAuthError::Refused {
                message: text,
                grant_is_dead,
            }
        }
        RequestTokenError::Request(error) => OAuthError::Unavailable {
            message: error.to_string(),
        },
        RequestTokenError::Parse(_, _) | RequestTokenError::Other(_) => OAuthError::Unavailable {
            message: "the token endpoint did not answer as OAuth 2.0 says".to_owned(),
        },
    }
}

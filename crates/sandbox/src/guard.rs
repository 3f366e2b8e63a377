//! Who calls, whether they may, and how often: stands in front of every API endpoint.
//!
//! The order is credential (401), request limit (429), scope (403). Tokens count only in the
//! `Authorization` header; one in the URL or in a body is refused since May 2026.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication>

use crate::app::Shared;
use crate::data::{Person, Principal};
use crate::fields::narrowed;
use crate::oauth::{Found, granted};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// What an endpoint demands.
#[derive(Debug)]
pub(crate) struct Access {
    /// OAuth scopes, all of them needed.
    pub(crate) oauth: &'static [&'static str],
    /// Scopes of an API token; they imply nothing.
    pub(crate) api_token: &'static [&'static str],
    /// The group of requests whose limit calls count against.
    limited: Option<&'static str>,
    /// Whether no credential is needed; one that is sent must be good all the same.
    public: bool,
}

impl Access {
    /// Neither credential nor scope.
    pub(crate) const PUBLIC: Self = Self {
        public: true,
        ..Self::new(&[], &[])
    };

    pub(crate) const fn new(
        oauth: &'static [&'static str],
        api_token: &'static [&'static str],
    ) -> Self {
        Self {
            oauth,
            api_token,
            limited: None,
            public: false,
        }
    }

    /// Calls count against the limit of this group: `repositories` or `webhooks`.
    /// <https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>
    pub(crate) const fn limited(self, group: &'static str) -> Self {
        Self {
            limited: Some(group),
            ..self
        }
    }
}

/// Who makes the request; handlers find it among the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    credential: Credential,
    scopes: Vec<String>,
    /// Under which name calls are counted.
    counted_as: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Credential {
    OAuth,
    /// A workspace access token; its name in `X-Credential-Type` is (inferred).
    AccessToken,
    ApiToken,
}

impl Credential {
    fn name(self) -> &'static str {
        match self {
            Self::OAuth => "oauth2",
            Self::AccessToken => "workspace_access_token",
            Self::ApiToken => "api_token",
        }
    }
}

impl Caller {
    fn required(&self, access: &Access) -> &'static [&'static str] {
        match self.credential {
            Credential::ApiToken => access.api_token,
            Credential::OAuth | Credential::AccessToken => access.oauth,
        }
    }

    /// Refuses the call unless all these scopes are held too: OAuth's, or an API token's.
    pub(crate) fn must_have(&self, oauth: &[&str], api_token: &[&str]) -> Result<(), Refusal> {
        let required = match self.credential {
            Credential::ApiToken => api_token,
            Credential::OAuth | Credential::AccessToken => oauth,
        };
        if required.iter().all(|scope| self.may(scope)) {
            return Ok(());
        }
        Err(Refusal::missing_scope(required, &self.scopes))
    }

    fn may(&self, scope: &str) -> bool {
        match self.credential {
            Credential::ApiToken => self.scopes.iter().any(|own| own == scope),
            _ => granted(&self.scopes, scope),
        }
    }
}

/// Lets a request through to its handler, or answers it.
pub(crate) async fn guard(
    State((app, access)): State<(Shared, &'static Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default().as_bytes());
    if parameters.get("access_token").is_some() {
        return Refusal::invalid_token().into_response();
    }
    if access.public && !request.headers().contains_key(header::AUTHORIZATION) {
        return narrow(next.run(request).await, &parameters).await;
    }
    let caller = match identify(&app, request.headers()) {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    if !admitted(&app, &caller, access) {
        return Refusal::rate_limited().into_response();
    }
    let required = caller.required(access);
    let mut response = match caller.must_have(access.oauth, access.api_token) {
        Ok(()) if without_length(&request) => Refusal::length_required().into_response(),
        Ok(()) => {
            request.extensions_mut().insert(caller.clone());
            narrow(next.run(request).await, &parameters).await
        }
        Err(refusal) => refusal.into_response(),
    };
    describe(response.headers_mut(), &caller, required);
    response
}

async fn narrow(response: Response, parameters: &Parameters) -> Response {
    match parameters.get("fields") {
        Some(wanted) => narrowed(response, wanted).await,
        None => response,
    }
}

/// `PUT` and `POST` must announce how long they are; a body in chunks does not.
fn without_length(request: &Request) -> bool {
    matches!(*request.method(), Method::POST | Method::PUT)
        && !request.headers().contains_key(header::CONTENT_LENGTH)
}

fn admitted(app: &Shared, caller: &Caller, access: &Access) -> bool {
    let Some(group) = access.limited else {
        return true;
    };
    let settings = app.settings();
    settings.rate_limit == 0
        || app.limits().admit(
            &format!("{group} of {}", caller.counted_as),
            app.clock.now(),
            settings.rate_limit,
            settings.rate_window_seconds,
        )
}

fn identify(app: &Shared, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (scheme, rest) = header.split_once(' ').unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") {
        bearer(app, rest.trim())
    } else if scheme.eq_ignore_ascii_case("basic") {
        basic(app, rest.trim())
    } else {
        Err(Refusal::invalid_token())
    }
}

fn bearer(app: &Shared, token: &str) -> Result<Caller, Refusal> {
    if token == app.options.access_token {
        return Ok(Caller {
            principal: Principal::Person(Person::first()),
            credential: Credential::AccessToken,
            scopes: app.settings().scopes,
            counted_as: "access token".to_owned(),
        });
    }
    match app.tokens().find(token, app.clock.now()) {
        Found::Valid(grant) => Ok(Caller {
            principal: grant.principal,
            credential: Credential::OAuth,
            scopes: grant.scopes.clone(),
            counted_as: app.options.client_id.clone(),
        }),
        Found::Expired => Err(Refusal::expired_token()),
        Found::Unknown => Err(Refusal::invalid_token()),
    }
}

fn basic(app: &Shared, encoded: &str) -> Result<Caller, Refusal> {
    let (user, password) = credentials(encoded).ok_or_else(Refusal::login_failed)?;
    let options = &app.options;
    if user != options.email || password != options.api_token {
        return Err(Refusal::login_failed());
    }
    Ok(Caller {
        principal: Principal::Person(Person::first()),
        credential: Credential::ApiToken,
        scopes: options.api_token_scopes.clone(),
        counted_as: format!("user {user}"),
    })
}

/// User name and password of a Basic credential.
pub(crate) fn credentials(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn describe(headers: &mut HeaderMap, caller: &Caller, required: &[&str]) {
    let own = caller.scopes.join(", ");
    let needed = required.join(", ");
    for (name, value) in [
        ("x-oauth-scopes", own.as_str()),
        ("x-accepted-oauth-scopes", needed.as_str()),
        ("x-credential-type", caller.credential.name()),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

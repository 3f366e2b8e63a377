//! Who looks at a page. A browser has one cookie: before signing in a random
//! value that stands for nothing, after it the token of a session. Signing in
//! makes a new one, so whoever planted the old has nothing. Forms carry a token
//! that is made from the cookie, which other sites cannot know.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use cookie::{Cookie, SameSite};
use engine::actions::builder::{SESSION_PREFIX, Session};
use engine::{Actor, Engine};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use store::Builder;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::answer::{Flash, PageError};
use crate::problem::Problem;
use crate::protect::Guard;

/// Who a browser is.
const SESSION: Name = Name {
    plain: "ligature",
    secure: "__Host-ligature",
};
/// What says something once, on the next page.
const FLASH: Name = Name {
    plain: "ligature-flash",
    secure: "__Host-ligature-flash",
};

/// What a cookie is called without TLS and over it, where browsers hold `__Host-` to
/// this host, all of its paths, and TLS.
#[derive(Debug, Clone, Copy)]
struct Name {
    plain: &'static str,
    secure: &'static str,
}

impl Name {
    fn of(self, is_secure: bool) -> &'static str {
        if is_secure { self.secure } else { self.plain }
    }
}

/// Anybody's browser.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The value of the cookie; made now where the browser had none.
    secret: String,
    is_new: bool,
}

/// A builder who has signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) actor: Actor,
    pub(crate) account: Builder,
    pub(crate) form_token: String,
    pub(crate) flash: Option<Flash>,
}

impl Visitor {
    pub(crate) fn of(engine: &Engine, headers: &HeaderMap) -> Self {
        match cookie(headers, SESSION.of(is_secure(engine))) {
            Some(secret) if !secret.is_empty() => Self {
                secret,
                is_new: false,
            },
            _ => Self {
                secret: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
                is_new: true,
            },
        }
    }

    /// The token of a session, if the cookie may be one.
    pub(crate) fn session(&self) -> Option<&str> {
        let secret = self.secret.as_str();
        secret.starts_with(SESSION_PREFIX).then_some(secret)
    }

    /// What this browser's forms carry.
    pub(crate) fn form_token(&self) -> String {
        let digest = Sha256::digest(format!("form\n{}", self.secret));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a form carries it.
    pub(crate) fn is_form_token(&self, given: &str) -> bool {
        !self.is_new && bool::from(self.form_token().as_bytes().ct_eq(given.as_bytes()))
    }

    /// The cookie to be set with a form, where the browser had none.
    pub(crate) fn new_cookie(&self, engine: &Engine) -> Option<HeaderValue> {
        self.is_new
            .then(|| set(SESSION, is_secure(engine), &self.secret, None))
            .flatten()
    }
}

/// The cookie of a new session.
pub(crate) fn session_cookie(engine: &Engine, session: &Session) -> Option<HeaderValue> {
    let lasts = session.expires_at.duration_since(engine.clock.now());
    let token = session.token.expose_secret();
    set(SESSION, is_secure(engine), token, Some(lasts.as_secs()))
}

/// Takes the cookie of a session away.
pub(crate) fn no_cookie(engine: &Engine) -> Option<HeaderValue> {
    set(SESSION, is_secure(engine), "", Some(0))
}

/// Has the browser keep a cookie, where there is one to keep.
pub(crate) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The cookie by which the next page says something, or by which nothing is said
/// any more.
pub(crate) fn flash_cookie(engine: &Engine, flash: Option<&Flash>) -> Option<HeaderValue> {
    let value = flash.map(Flash::packed).unwrap_or_default();
    let lasts = if flash.is_some() { 60 } else { 0 };
    set(FLASH, is_secure(engine), &value, Some(lasts))
}

/// What the last page left to be said.
pub(crate) fn flash(engine: &Engine, headers: &HeaderMap) -> Option<Flash> {
    let packed = cookie(headers, FLASH.of(is_secure(engine)));
    packed.as_deref().and_then(Flash::unpacked)
}

fn set(name: Name, is_secure: bool, value: &str, lasts_s: Option<i64>) -> Option<HeaderValue> {
    let cookie = Cookie::build((name.of(is_secure), value))
        .path("/")
        .http_only(true)
        .secure(is_secure)
        .same_site(SameSite::Lax)
        .build();
    let text = match lasts_s {
        Some(seconds) => format!("{}; Max-Age={seconds}", cookie.encoded()),
        None => cookie.encoded().to_string(),
    };
    HeaderValue::from_str(&text).ok()
}

fn is_secure(engine: &Engine) -> bool {
    engine.public_url().starts_with("https://")
}

/// The value of a cookie.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let sent = headers.get_all(header::COOKIE);
    let sent = sent.iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(Cookie::split_parse_encoded)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

impl FromRequestParts<Engine> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, PageError> {
        Ok(Self::of(engine, &parts.headers))
    }
}

impl OptionalFromRequestParts<Engine> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        engine: &Engine,
    ) -> Result<Option<Self>, PageError> {
        let visitor = Visitor::of(engine, &parts.headers);
        let Some(token) = visitor.session() else {
            return Ok(None);
        };
        let now = engine.clock.now();
        let Some(actor) = engine.store.authenticate_session(token, now).await? else {
            return Ok(None);
        };
        if let Some(guard) = parts.extensions.get::<Arc<Guard>>() {
            guard.admit(engine, &actor)?;
        }
        let account = engine.store.own_account(&actor).await?;
        Ok(account.map(|account| Self {
            actor,
            account,
            form_token: visitor.form_token(),
            flash: flash(engine, &parts.headers),
        }))
    }
}

/// Whoever has not signed in is asked to, and then comes back.
impl FromRequestParts<Engine> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, PageError> {
        let signed_in =
            <Option<Self> as FromRequestParts<Engine>>::from_request_parts(parts, engine);
        match signed_in.await? {
            Some(signed_in) => Ok(signed_in),
            None if parts.method == Method::GET => {
                // Routers that are nested see the rest of the path only.
                let uri = parts.extensions.get::<OriginalUri>();
                let uri = uri.map_or(&parts.uri, |OriginalUri(uri)| uri);
                let place = uri.path_and_query().map_or("/", |place| place.as_str());
                Err(PageError::SignIn(place.to_owned()))
            }
            None => Err(Problem::new(
                401,
                "you have been signed out meanwhile, and nothing was changed",
            )
            .remedy("Sign in again, then send the form once more")
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_tls_a_browser_holds_the_cookie_to_this_host() {
        let cookie = set(SESSION, true, "ligs_token", Some(60)).unwrap();
        let cookie = cookie.to_str().unwrap();
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert_eq!(parts[0], "__Host-ligature=ligs_token");
        for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=60"] {
            assert!(parts.contains(&flag), "{flag}: {cookie}");
        }
        assert_eq!(parts.len(), 6, "and no domain: {cookie}");
        let plain = set(SESSION, false, "ligs_token", None).unwrap();
        let plain = plain.to_str().unwrap();
        assert!(plain.starts_with("ligature=ligs_token; ") && !plain.contains("Secure"));

        // One that was planted without TLS is not looked at.
        let mut headers = HeaderMap::new();
        let sent = HeaderValue::from_static("ligature=planted; __Host-ligature=own");
        headers.insert(header::COOKIE, sent);
        assert_eq!(
            super::cookie(&headers, SESSION.of(true)).as_deref(),
            Some("own")
        );
    }
}

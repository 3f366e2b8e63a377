//! `POST /site/oauth2/access_token`: form-encoded, the consumer in Basic authentication.

use super::tokens::{BadRefresh, Grant};
use crate::app::Shared;
use crate::data::Principal;
use crate::guard::credentials;
use crate::parameters::Parameters;
use crate::refusal::{Refusal, with_json};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};

const UNAUTHENTICATED: &str = "Requests must be authenticated using OAuth client credentials";

const PUBLIC_CONSUMER: &str = "Cannot use client_credentials with a consumer marked as \"public\". \
     Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.";

pub(super) async fn exchange(
    State(app): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match answer(&app, &headers, &body) {
        Ok(token) => with_json(StatusCode::OK, &token),
        Err(refusal) => refusal.into_response(),
    }
}

fn answer(app: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    if !is_consumer(app, headers) {
        return Err(Refusal::oauth(
            StatusCode::UNAUTHORIZED,
            "unauthorized_client",
            UNAUTHENTICATED,
        ));
    }
    let form = if is_form(headers) {
        Parameters::parse(body)
    } else {
        Parameters::default()
    };
    match form.get("grant_type") {
        Some("authorization_code") => code(app, &form),
        Some("refresh_token") => refresh(app, &form),
        Some("client_credentials") => client(app),
        other => Err(invalid_grant(&format!(
            "Unsupported grant type: {}",
            other.unwrap_or("None")
        ))),
    }
}

/// Only Basic counts: `client_id` and `client_secret` in the body are not documented.
fn is_consumer(app: &Shared, headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| credentials(encoded.trim()))
        .is_some_and(|(id, secret)| {
            id == app.options.client_id && secret == app.options.client_secret
        })
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}

fn code(app: &Shared, form: &Parameters) -> Result<Value, Refusal> {
    let now = app.clock.now();
    let found = app
        .tokens()
        .take_code(form.get("code").unwrap_or_default(), now)
        .ok_or_else(|| invalid_grant("The specified code is not valid."))?;
    let sent = form.get("redirect_uri");
    let same = match found.redirect_uri.as_deref() {
        Some(asked) => sent == Some(asked),
        None => sent.is_none_or(|sent| sent == app.settings().callback_url),
    };
    if !same {
        return Err(invalid_grant("redirect_uri does not match."));
    }
    Ok(token_response(app, found.grant, "authorization_code", None))
}

fn refresh(app: &Shared, form: &Parameters) -> Result<Value, Refusal> {
    const TEXT: &str = "Invalid refresh_token";
    let rotates = app.settings().rotate_refresh_tokens;
    let old = form.get("refresh_token").unwrap_or_default();
    let used = app.tokens().use_refresh(old, rotates, app.clock.now());
    match used {
        Ok(grant) => {
            app.stats().refreshes += 1;
            let kept = (!rotates).then(|| old.to_owned());
            Ok(token_response(app, grant, "refresh_token", kept))
        }
        // `invalid_request` is on record; `invalid_grant` after a rotation is (inferred).
        Err(BadRefresh::NeverIssued) => Err(Refusal::oauth(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            TEXT,
        )),
        Err(BadRefresh::NoLongerValid) => Err(invalid_grant(TEXT)),
    }
}

fn client(app: &Shared) -> Result<Value, Refusal> {
    let settings = app.settings();
    if !settings.private_consumer {
        return Err(invalid_grant(PUBLIC_CONSUMER));
    }
    let grant = Grant {
        principal: Principal::App,
        scopes: settings.scopes,
    };
    let mut token = token_response(app, grant, "client_credentials", Some(String::new()));
    if let Some(token) = token.as_object_mut() {
        token.remove("refresh_token");
    }
    Ok(token)
}

fn invalid_grant(description: &str) -> Refusal {
    Refusal::oauth(StatusCode::BAD_REQUEST, "invalid_grant", description)
}

/// Issues an access token, and a refresh token unless one is `kept`. `state` repeats the name
/// of the grant; for grants other than the code this is (inferred).
pub(crate) fn token_response(app: &Shared, grant: Grant, by: &str, kept: Option<String>) -> Value {
    let settings = app.settings();
    let (chars, now) = (app.options.token_chars, app.clock.now());
    let scopes = grant.scopes.join(" ");
    let mut tokens = app.tokens();
    let access = tokens.issue_access(grant.clone(), chars, settings.access_token_seconds, now);
    let refresh = kept
        .unwrap_or_else(|| tokens.issue_refresh(grant, chars, settings.rotate_refresh_tokens, now));
    drop(tokens);
    app.stats().access_tokens_issued += 1;
    let scope_field = if settings.legacy_scopes_field {
        "scopes"
    } else {
        "scope"
    };
    let mut response = Map::new();
    response.insert(scope_field.to_owned(), json!(scopes));
    response.insert("access_token".to_owned(), json!(access));
    response.insert(
        "expires_in".to_owned(),
        json!(settings.access_token_seconds),
    );
    response.insert("token_type".to_owned(), json!("bearer"));
    response.insert("state".to_owned(), json!(by));
    response.insert("refresh_token".to_owned(), json!(refresh));
    Value::Object(response)
}

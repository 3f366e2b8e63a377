//! The consent step: `GET /site/oauth2/authorize` shows the page, `POST` takes the answer.
//!
//! An unknown consumer or a `redirect_uri` that does not continue the registered callback ends
//! on an HTML page and redirects nowhere. The form posts these fields to the same path:
//! `client_id`, `response_type`, `redirect_uri`, `state`, `scope` (as they came), `user`
//! (`ada` or `grace`; default `ada`) and `decision` (`approve` or `deny`).

use super::consent;
use super::tokens::Grant;
use crate::app::Shared;
use crate::data::{Person, Principal};
use crate::parameters::Parameters;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};
use url::form_urlencoded;

/// A request that may be shown to a person.
#[derive(Debug)]
struct Asked {
    /// Where the answer goes: `redirect_uri`, or the registered callback.
    target: String,
    redirect_uri: Option<String>,
    state: Option<String>,
    scopes: Vec<String>,
}

pub(super) async fn ask(State(app): State<Shared>, parameters: Parameters) -> Response {
    match read(&app, &parameters) {
        Ok(asked) => Html(consent::page(&app, &parameters, &asked.scopes)).into_response(),
        Err(response) => *response,
    }
}

pub(super) async fn decide(State(app): State<Shared>, body: Bytes) -> Response {
    let parameters = Parameters::parse(&body);
    let asked = match read(&app, &parameters) {
        Ok(asked) => asked,
        Err(response) => return *response,
    };
    let person = match parameters.get("user") {
        None => Some(Person::first()),
        Some(name) => Person::named(name),
    };
    match (parameters.get("decision"), person) {
        (Some("approve"), Some(person)) => {
            let grant = Grant {
                principal: Principal::Person(person),
                scopes: asked.scopes.clone(),
            };
            let now = app.clock.now();
            let code = app
                .tokens()
                .issue_code(grant, asked.redirect_uri.clone(), now);
            redirect(&asked, &[("code", &code)])
        }
        (Some("deny"), _) => refuse(&asked, "access_denied", "The user denied access."),
        _ => error_page("Invalid form"),
    }
}

fn read(app: &Shared, parameters: &Parameters) -> Result<Asked, Box<Response>> {
    let settings = app.settings();
    let owned = |name| {
        let value = parameters.get(name).filter(|value| !value.is_empty());
        value.map(str::to_owned)
    };
    if parameters.get("client_id") != Some(app.options.client_id.as_str()) {
        return Err(Box::new(error_page("Invalid client_id")));
    }
    let redirect_uri = owned("redirect_uri");
    if redirect_uri
        .as_ref()
        .is_some_and(|uri| !uri.starts_with(&settings.callback_url))
    {
        return Err(Box::new(error_page("Invalid redirect_uri")));
    }
    let mut asked = Asked {
        target: redirect_uri.clone().unwrap_or(settings.callback_url),
        redirect_uri,
        state: owned("state"),
        scopes: settings.scopes,
    };
    if parameters.get("response_type") != Some("code") {
        let text = "Only the response type \"code\" is supported.";
        return Err(Box::new(refuse(&asked, "unsupported_response_type", text)));
    }
    // The consumer fixes the scopes; a `scope` here can only narrow them (inferred).
    if let Some(wanted) = owned("scope") {
        let wanted: Vec<&str> = wanted.split_whitespace().collect();
        let known = |scope: &&str| asked.scopes.iter().any(|own| own == scope);
        if !wanted.iter().all(known) {
            let text = "The consumer does not have the requested scope.";
            return Err(Box::new(refuse(&asked, "invalid_scope", text)));
        }
        asked.scopes.retain(|own| wanted.contains(&own.as_str()));
    }
    Ok(asked)
}

fn refuse(asked: &Asked, error: &str, description: &str) -> Response {
    redirect(
        asked,
        &[("error_description", description), ("error", error)],
    )
}

fn redirect(asked: &Asked, answer: &[(&str, &str)]) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(answer);
    if let Some(state) = &asked.state {
        query.append_pair("state", state);
    }
    let mark = if asked.target.contains('?') { '&' } else { '?' };
    let location = format!("{}{mark}{}", asked.target, query.finish());
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

fn error_page(what: &str) -> Response {
    (StatusCode::BAD_REQUEST, Html(consent::misconfigured(what))).into_response()
}

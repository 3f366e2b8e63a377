//! Where the provider sends the customer back. The connection is stored before
//! the page answers; the page then tells the window that opened it, in the words
//! that `@amp-labs/react` listens for, and the customer in plain ones. Who came
//! from our own install page is sent back to it.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use engine::actions::oauth::Return;
use engine::{Engine, actions};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::extract::Query;
use crate::pages::install::{Browser, to, word};
use crate::problem::Problem;

/// What a provider sends along.
#[derive(Debug, Deserialize)]
pub(crate) struct Callback {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Template)]
#[template(path = "oauth_callback.html")]
struct Page<'a> {
    connected: bool,
    text: &'a str,
    nonce: &'a str,
    /// JSON without `<`, so that nothing in it can end the element it is in.
    message: String,
    target: String,
}

/// Ends a consent and says how it went.
pub(crate) async fn receive(
    State(engine): State<Engine>,
    headers: HeaderMap,
    Query(callback): Query<Callback>,
) -> Result<Response, Problem> {
    let browser = Browser::of(&headers, engine.public_url());
    let back = Return {
        state: &callback.state,
        code: callback.code,
        error: callback.error,
        error_description: callback.error_description,
        browser: browser.secret(),
    };
    let ending = actions::oauth::finish(&engine, back).await?;
    if let Some(page) = ending.page {
        // Ours, made of a link that this server has signed: it leads nowhere else.
        return Ok(to(&format!("{}&news={}", page.place, word(page.news))));
    }
    let (message, text) = match &ending.result {
        Ok(connection) => (
            json!({ "eventType": "AUTHORIZATION_SUCCEEDED", "data": { "connection": connection } }),
            "The account is connected. You can close this window.",
        ),
        // Two generations of the library read two places: both are filled.
        Err(text) => (
            json!({ "eventType": "AUTHORIZATION_FAILED", "message": text, "data": { "error": text } }),
            text.as_str(),
        ),
    };
    let nonce = Uuid::new_v4().simple().to_string();
    let page = Page {
        connected: ending.result.is_ok(),
        text,
        nonce: &nonce,
        message: inert(&message),
        target: inert(&json!(ending.origin.as_deref().unwrap_or("*"))),
    };
    let html = page
        .render()
        .map_err(|_| Problem::new(500, "the page could not be made"))?;
    let status = if ending.result.is_ok() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    let mut response = (status, Html(html)).into_response();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// JSON that is safe inside a `<script>` element.
fn inert(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_end_its_element() {
        let text = inert(&json!({ "error": "</script><script>alert(1)</script>" }));
        assert!(!text.contains('<'));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["error"], "</script><script>alert(1)</script>");
    }
}

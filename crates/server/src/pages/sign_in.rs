//! Signing in and out. The form's token is that of the cookie which every visitor
//! has; the cookie of a session is always a new one.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect};
use engine::{Engine, actions};
use store::Overview;

use super::answer::{Answer, done, show_as};
use super::form::{Fields, Form};
use super::visitor::{SignedIn, Visitor, no_cookie, session_cookie, with_cookie};
use super::{assets, shown};
use crate::protect::Guard;
use crate::protect::client::ClientAddress;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    form_token: String,
    next: &'a str,
    email: &'a str,
    /// What is wrong.
    text: &'a str,
    /// Whether anybody has an account.
    has_accounts: bool,
    version: &'a str,
    callback_url: &'a str,
    providers: String,
    overview: Overview,
}

impl Page<'_> {
    fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    fn counted(&self, n: &i64) -> String {
        shown::counted(*n)
    }
}

/// `GET /sign-in?next=`
pub(crate) async fn show(
    State(engine): State<Engine>,
    visitor: Visitor,
    signed_in: Option<SignedIn>,
    uri: Uri,
) -> Answer {
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let next = place(query.raw("next"));
    if signed_in.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    page(&engine, &visitor, (StatusCode::OK, ""), ("", next)).await
}

/// The page; it is that of `/`, too, for whoever has not signed in.
pub(crate) async fn page(
    engine: &Engine,
    visitor: &Visitor,
    (status, text): (StatusCode, &str),
    (email, next): (&str, &str),
) -> Answer {
    let page = Page {
        form_token: visitor.form_token(),
        next,
        email,
        text,
        has_accounts: engine.store.has_builders().await?,
        version: env!("CARGO_PKG_VERSION"),
        callback_url: engine.callback_url(),
        providers: provider_names(engine),
        overview: engine.store.overview(shown::MOST_COUNTED).await?,
    };
    let response = show_as(status, &page)?;
    Ok(with_cookie(response, visitor.new_cookie(engine)))
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(engine): State<Engine>,
    Extension(guard): Extension<Arc<Guard>>,
    client: Option<Extension<ClientAddress>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let (email, next) = (form.text("email"), place(form.raw("next")));
    let client = client.map(|Extension(ClientAddress(address))| address);
    guard.admit_sign_in(&engine, client, email)?;
    let session = actions::builder::sign_in(&engine, email, &form.secret("password")).await?;
    let Some(session) = session else {
        let wrong = "The e-mail address or the password is wrong.";
        let refused = (StatusCode::UNAUTHORIZED, wrong);
        return page(&engine, &visitor, refused, (email, next)).await;
    };
    if let Some(before) = visitor.session() {
        actions::builder::sign_out(&engine, before).await?;
    }
    let response = Redirect::to(next).into_response();
    Ok(with_cookie(response, session_cookie(&engine, &session)))
}

/// `POST /sign-out`
pub(crate) async fn sign_out(State(engine): State<Engine>, visitor: Visitor, _: Form) -> Answer {
    if let Some(token) = visitor.session() {
        actions::builder::sign_out(&engine, token).await?;
    }
    let response = done("/sign-in", "You have signed out.")?;
    Ok(with_cookie(response, no_cookie(&engine)))
}

/// As people call them.
fn provider_names(engine: &Engine) -> String {
    let names = engine
        .registry
        .descriptions()
        .map(|provider| provider.display_name);
    names.collect::<Vec<_>>().join(", ")
}

/// A place of this server: whoever wrote the link decides on nothing else.
fn place(next: &str) -> &str {
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(|c: char| c == '\\' || c.is_control());
    if is_ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        assert_eq!(place("/projects/p?x=1"), "/projects/p?x=1");
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "projects",
        ] {
            assert_eq!(place(elsewhere), "/", "{elsewhere}");
        }
    }
}

//! Where the link leads that `serve` prints while nobody has an account: whoever
//! has it makes the first one. The link is the whole authority, and is good for
//! nothing once there is an account.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect};
use engine::{ActionError, Engine, LinkKind, actions};

use super::answer::{Answer, PageError, show_as};
use super::assets;
use super::form::{Fields, Form};
use super::visitor::{Visitor, session_cookie, with_cookie};
use crate::extract::Path;
use crate::problem::Problem;
use crate::protect::Guard;
use crate::protect::client::ClientAddress;

#[derive(Template)]
#[template(path = "first_visit.html")]
struct Page<'a> {
    form_token: String,
    /// Where the form goes: the link itself.
    link: String,
    email: &'a str,
    text: &'a str,
}

impl Page<'_> {
    fn asset(&self, name: &str) -> String {
        assets::path(name)
    }
}

/// `GET /first-visit/{id}?expires=&signature=`
pub(crate) async fn show(
    State(engine): State<Engine>,
    visitor: Visitor,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    check(&engine, &id, &uri).await?;
    page(&engine, &visitor, &uri, (StatusCode::OK, ""), "")
}

/// Makes the account and signs it in.
pub(crate) async fn create(
    State(engine): State<Engine>,
    Extension(guard): Extension<Arc<Guard>>,
    client: Option<Extension<ClientAddress>>,
    visitor: Visitor,
    Path(id): Path<String>,
    uri: Uri,
    form: Form,
) -> Answer {
    check(&engine, &id, &uri).await?;
    let email = form.text("email");
    let client = client.map(|Extension(ClientAddress(address))| address);
    guard.admit_sign_in(&engine, client, email)?;
    let made = actions::builder::create_first(&engine, email, &form.secret("password")).await;
    match made {
        Ok(session) => {
            let response = Redirect::to("/").into_response();
            Ok(with_cookie(response, session_cookie(&engine, &session)))
        }
        Err(ActionError::Invalid { detail, .. } | ActionError::BadRequest { detail, .. }) => {
            let refused = (StatusCode::UNPROCESSABLE_ENTITY, detail.as_str());
            page(&engine, &visitor, &uri, refused, email)
        }
        Err(other) => Err(other.into()),
    }
}

async fn check(engine: &Engine, id: &str, uri: &Uri) -> Result<(), PageError> {
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let expires = query.raw("expires").parse().unwrap_or_default();
    let now = engine.clock.now();
    let signature = query.raw("signature");
    let checked = engine
        .links
        .check(LinkKind::FirstVisit, id, expires, signature, now);
    if let Err(error) = checked {
        let remedy = "Start the server again: it prints a new link while nobody has an account. `ligature user create EMAIL` makes an account without one";
        return Err(Problem::from(error).remedy(remedy).into());
    }
    if engine.store.has_builders().await? {
        let detail = "the first account has been made, and this link is good for nothing any more";
        let remedy = "Sign in at /sign-in, or ask an owner for an invitation";
        return Err(Problem::new(410, detail).remedy(remedy).into());
    }
    Ok(())
}

fn page(
    engine: &Engine,
    visitor: &Visitor,
    uri: &Uri,
    (status, text): (StatusCode, &str),
    email: &str,
) -> Answer {
    let page = Page {
        form_token: visitor.form_token(),
        link: uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        email,
        text,
    };
    let response = show_as(status, &page)?;
    Ok(with_cookie(response, visitor.new_cookie(engine)))
}

//! Where the link of an invitation leads: whoever has it chooses a password, and
//! is a builder of the organisation. The link's token is the whole authority; no
//! cookie is read or set. The token is in the query, which is never logged.

use askama::Template;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::{Extension, Form};
use engine::{ActionError, Engine, actions};
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;

use super::answer::{self, Answer, show_as};
use super::assets;
use crate::extract::Query;
use crate::problem::Problem;
use crate::protect::Guard;
use crate::protect::client::ClientAddress;

/// `?token=`.
#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    token: String,
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    token: String,
    password: SecretString,
}

#[derive(Template)]
#[template(path = "invite.html")]
struct Page<'a> {
    /// What there is to say: a refusal, or how it went.
    text: &'a str,
    /// Whether it went well.
    done: bool,
    /// Whom the form is for; empty where there is nothing to choose.
    email: &'a str,
    token: &'a str,
}

impl Page<'_> {
    fn asset(&self, name: &str) -> String {
        assets::path(name)
    }
}

/// The form.
pub(crate) async fn show(State(engine): State<Engine>, Query(link): Query<Link>) -> Answer {
    form(&engine, &link.token, StatusCode::OK, "").await
}

/// Makes the account.
pub(crate) async fn accept(
    State(engine): State<Engine>,
    Extension(guard): Extension<Arc<Guard>>,
    client: Option<Extension<ClientAddress>>,
    choice: Result<Form<Choice>, FormRejection>,
) -> Answer {
    let Form(choice) = choice.map_err(|rejection| Problem::new(400, rejection.body_text()))?;
    let client = client.map(|Extension(ClientAddress(address))| address);
    guard.admit_sign_in(&engine, client, &choice.token)?;
    let accepted =
        actions::organization::accept_link(&engine, &choice.token, &choice.password).await;
    match accepted {
        Ok(builder) => {
            let text = "You are in. Sign in with this address and the password that you chose.";
            page(StatusCode::CREATED, text, true, (&builder.email, ""))
        }
        Err(ActionError::Invalid { detail, .. }) => {
            form(
                &engine,
                &choice.token,
                StatusCode::UNPROCESSABLE_ENTITY,
                &detail,
            )
            .await
        }
        Err(ActionError::Conflict { detail }) => {
            page(StatusCode::CONFLICT, &detail, false, ("", ""))
        }
        Err(error) => refused(error),
    }
}

/// The form of an invitation that may be accepted, or why there is none.
async fn form(engine: &Engine, token: &str, status: StatusCode, text: &str) -> Answer {
    match actions::organization::invitation(engine, token).await {
        Ok(invite) => page(status, text, false, (&invite.email, token)),
        Err(error) => refused(error),
    }
}

fn refused(error: ActionError) -> Answer {
    match error {
        ActionError::BadRequest { detail, .. } => {
            page(StatusCode::BAD_REQUEST, &detail, false, ("", ""))
        }
        other => Err(other.into()),
    }
}

fn page(status: StatusCode, text: &str, done: bool, (email, token): (&str, &str)) -> Answer {
    let page = Page {
        text,
        done,
        email,
        token,
    };
    let mut response = show_as(status, &page)?;
    let policy = HeaderValue::from_static(answer::POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

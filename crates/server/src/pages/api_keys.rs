//! API keys. The whole of a key is on the page that answers its creation, and
//! nowhere else.

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::{Engine, actions};
use secrecy::{ExposeSecret as _, SecretString};
use store::{ApiKey, ApiKeyChange, NewApiKey};

use super::answer::{Answer, done, not_done, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list).post(create))
        .route("/{key}/active", post(activate))
        .route("/{key}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "api_keys.html")]
struct Page {
    frame: Frame,
    keys: Vec<ApiKey>,
    made: Option<Made>,
    /// What the form says, where it was refused.
    label: String,
    problem: Option<Problem>,
}

/// A key that has just been made.
struct Made {
    key: ApiKey,
    whole: SecretString,
}

impl Page {
    fn whole<'a>(&self, made: &'a Made) -> &'a str {
        made.whole.expose_secret()
    }

    /// Whether a key opens everything.
    fn is_full(&self, key: &ApiKey) -> bool {
        key.scopes.is_empty() || key.scopes.iter().any(|scope| scope == "full")
    }

    fn label<'a>(&self, key: &'a ApiKey) -> &'a str {
        let label = key.label.as_deref().unwrap_or_default();
        if label.is_empty() {
            "without a name"
        } else {
            label
        }
    }
}

async fn page(here: &Here, label: &str, made: Option<Made>, problem: Option<Problem>) -> Answer {
    let page = Page {
        frame: here.frame(Place::ApiKeys, "API keys"),
        keys: here.tenant().api_keys().await?,
        made,
        label: label.to_owned(),
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn list(here: Here) -> Answer {
    page(&here, "", None, None).await
}

async fn create(here: Here, form: Form) -> Answer {
    let label = form.text("label");
    let new = NewApiKey {
        label: Some(label.to_owned()),
        access: vec![form.text("scope").to_owned()],
        whole: None,
    };
    match actions::api_key::create(&here.engine, here.actor(), &here.project.id, new).await {
        Ok((key, whole)) => page(&here, "", Some(Made { key, whole }), None).await,
        Err(error) => page(&here, label, None, Some(error.into())).await,
    }
}

/// Lets a key open nothing for now, or again what it opened.
async fn activate(here: Here, form: Form) -> Answer {
    let active = form.text("active") == "yes";
    let change = ApiKeyChange {
        active: Some(active),
        ..ApiKeyChange::default()
    };
    let (engine, project, key) = (&here.engine, &here.project.id, here.parameter("key"));
    let place = here.path("/api-keys");
    match actions::api_key::update(engine, here.actor(), project, key, change).await {
        Ok(key) if active => done(&place, format!("{} opens again what it did.", key.key)),
        Ok(key) => done(&place, format!("{} is revoked: it opens nothing.", key.key)),
        Err(error) => not_done(&place, error),
    }
}

async fn delete(here: Here, _: Form) -> Answer {
    let (engine, project, key) = (&here.engine, &here.project.id, here.parameter("key"));
    let place = here.path("/api-keys");
    match actions::api_key::delete(engine, here.actor(), project, key).await {
        Ok(()) => done(&place, format!("{key} is deleted.")),
        Err(error) => not_done(&place, error),
    }
}

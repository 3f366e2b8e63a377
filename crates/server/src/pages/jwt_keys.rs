//! JWT keys: the public halves of the keys with which a builder's app signs the
//! tokens of its customers.

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::{Engine, actions};
use store::JwtKey;

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
#[template(path = "jwt_keys.html")]
struct Page {
    frame: Frame,
    keys: Vec<JwtKey>,
    /// What the form says, where it was refused.
    label: String,
    pem: String,
    problem: Option<Problem>,
}

async fn page(here: &Here, (label, pem): (&str, &str), problem: Option<Problem>) -> Answer {
    let page = Page {
        frame: here.frame(Place::JwtKeys, "JWT keys"),
        keys: here.tenant().jwt_keys().await?,
        label: label.to_owned(),
        pem: pem.to_owned(),
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn list(here: Here) -> Answer {
    page(&here, ("", ""), None).await
}

async fn create(here: Here, form: Form) -> Answer {
    let (label, pem) = (form.text("label"), form.text("pem"));
    if pem.contains("PRIVATE KEY") {
        // It is not sent back either.
        let problem = Problem::new(422, "this is the private half of a key, and was not kept")
            .remedy("Give the public half, as `openssl rsa -in private.pem -pubout` writes it; make a new pair if others could see this one");
        return page(&here, (label, ""), Some(problem)).await;
    }
    let (engine, project) = (&here.engine, &here.project.id);
    let (new, half) = (label.to_owned(), format!("{pem}\n"));
    let created = actions::jwt_key::create(engine, here.actor(), project, new, "RS256", half);
    match created.await {
        Ok(key) => done(
            &here.path("/jwt-keys"),
            format!(
                "The key is registered. Tokens name it by the kid {}.",
                key.id
            ),
        ),
        Err(error) => page(&here, (label, pem), Some(error.into())).await,
    }
}

/// Lets tokens of a key open nothing for now, or again what they opened.
async fn activate(here: Here, form: Form) -> Answer {
    let active = form.text("active") == "yes";
    let (engine, project, key) = (&here.engine, &here.project.id, here.parameter("key"));
    let place = here.path("/jwt-keys");
    match actions::jwt_key::update(engine, here.actor(), project, key, None, Some(active)).await {
        Ok(key) if active => done(
            &place,
            format!("Tokens of {} are believed again.", key.label),
        ),
        Ok(key) => done(&place, format!("Tokens of {} open nothing now.", key.label)),
        Err(error) => not_done(&place, error),
    }
}

async fn delete(here: Here, _: Form) -> Answer {
    let (engine, project, key) = (&here.engine, &here.project.id, here.parameter("key"));
    let place = here.path("/jwt-keys");
    match actions::jwt_key::delete(engine, here.actor(), project, key).await {
        Ok(()) => done(&place, "The key is deleted: its tokens open nothing."),
        Err(error) => not_done(&place, error),
    }
}

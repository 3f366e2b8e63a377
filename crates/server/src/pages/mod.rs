//! Pages for people: the dashboard, and what stands before it.
//!
//! A page is a file here and a template. Handlers take [`here::Here`], which is a
//! project that the builder may see, and [`form::Form`], whose fields are known to
//! come from a page of ours; they call the same actions as the API's handlers. They
//! work without scripts, for reading and for saving.

mod answer;
mod api_keys;
mod asked;
mod assets;
mod connections;
mod deliveries;
mod destination;
mod destinations;
mod first_visit;
mod form;
mod frame;
mod here;
mod home;
pub(crate) mod install;
mod install_links;
mod installation_object;
mod installations;
mod integrations;
mod invite;
mod jwt_keys;
mod live;
mod manifest_text;
mod members;
mod notifications;
mod operations;
mod overview;
mod permission;
mod provider_apps;
mod settings;
mod shown;
mod sign_in;
mod visitor;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use engine::Engine;
use tower_http::compression::CompressionLayer;

use crate::problem::Problem;

/// Every page.
pub(crate) fn routes(engine: &Engine) -> Router<Engine> {
    let guard = middleware::from_fn_with_state(engine.clone(), answer::guard);
    let pages = Router::new()
        .route("/", get(home::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route(
            "/first-visit/{id}",
            get(first_visit::show).post(first_visit::create),
        )
        .route("/projects", get(home::show).post(home::create))
        .nest("/projects/{project}", in_project())
        .layer(Extension(Arc::<live::Streams>::default()))
        .layer(guard);
    Router::new()
        // Files only: a page has a token in it, and what is asked for beside it, and the
        // length of the two compressed together would tell of the token.
        .route(
            "/assets/{version}/{name}",
            get(assets::get).layer(CompressionLayer::new()),
        )
        .route("/invite", get(invite::show).post(invite::accept))
        .merge(install::routes())
        .merge(pages)
}

/// Every page of a project.
fn in_project() -> Router<Engine> {
    Router::new()
        .route("/", get(overview::page))
        .nest("/api-keys", api_keys::routes())
        .nest("/connections", connections::routes())
        .nest("/deliveries", deliveries::routes())
        .nest("/destinations", destinations::routes())
        .nest("/install-links", install_links::routes())
        .nest("/installations", installations::routes())
        .nest("/integrations", integrations::routes())
        .nest("/jwt-keys", jwt_keys::routes())
        .nest("/members", members::routes())
        .nest("/notifications", notifications::routes())
        .nest("/operations", operations::routes())
        .nest("/provider-apps", provider_apps::routes())
        .nest("/settings", settings::routes())
}

/// A refusal in the words that are asked for: a page for people, else a problem.
pub(crate) fn refuse(headers: &HeaderMap, problem: Problem) -> Response {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        answer::of_problem(problem)
    } else {
        problem.into_response()
    }
}

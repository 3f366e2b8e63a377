//! The REST endpoints: one file per object, one row per endpoint.

mod document;
mod events;
mod gone;
mod hooks;
mod members;
mod permissions;
mod projects;
mod repositories;
mod snippets;
mod users;
mod variables;
mod workspaces;

use crate::app::Shared;
use crate::data::{Workspace, World};
use crate::guard::{Access, Caller, guard};
use crate::refusal::{Refusal, with_json};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::MethodRouter;
use http::{HeaderValue, StatusCode, Uri, header};
use serde_json::Value;

/// One endpoint: where it is, what it demands, what it does.
struct Endpoint {
    path: &'static str,
    access: Access,
    route: fn() -> MethodRouter<Shared>,
}

/// A snippet with its files is the largest thing that is sent here.
const MAX_BODY_BYTES: usize = 10 << 20;

const OBJECTS: &[&[Endpoint]] = &[
    users::ENDPOINTS,
    workspaces::ENDPOINTS,
    projects::ENDPOINTS,
    repositories::ENDPOINTS,
    members::ENDPOINTS,
    permissions::ENDPOINTS,
    hooks::ENDPOINTS,
    variables::ENDPOINTS,
    snippets::ENDPOINTS,
    events::ENDPOINTS,
];

pub(crate) fn routes(app: &Shared) -> Router<Shared> {
    let mut router = gone::routes();
    for endpoint in OBJECTS.iter().copied().flatten() {
        let state = (Shared::clone(app), &endpoint.access);
        let route = (endpoint.route)().route_layer(from_fn_with_state(state, guard));
        router = router.route(endpoint.path, route);
    }
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .fallback(async |uri: Uri| {
            // Outside the API it is the site that answers, with a page.
            if uri.path().starts_with("/2.0/") {
                Refusal::no_such_path()
            } else {
                Refusal::html_not_found()
            }
        })
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
        })
}

/// The paths of all endpoints.
#[cfg(test)]
pub(crate) fn paths() -> Vec<&'static str> {
    let endpoints = OBJECTS.iter().copied().flatten();
    endpoints.map(|endpoint| endpoint.path).collect()
}

/// The workspace named in a path, by slug or `{uuid}`.
fn workspace<'a>(world: &'a World, name: &str) -> Result<&'a Workspace, Refusal> {
    world
        .workspace(name)
        .ok_or_else(|| Refusal::not_found(format!("No workspace with identifier '{name}'.")))
}

/// Lets only an administrator of the workspace through.
fn administrator(caller: &Caller, workspace: &Workspace) -> Result<(), Refusal> {
    if workspace.is_owned_by(caller.principal) {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "Access denied. You must be an administrator of this workspace.",
    ))
}

/// The answer to a write, with the address of what was written.
fn located(status: StatusCode, location: &str, body: &Value) -> Response {
    let mut response = with_json(status, body);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

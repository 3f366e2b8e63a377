//! The Platform API below `/v1`: one file a resource, in the shapes of the
//! published contract. Lists are bare arrays unless the contract paginates.

mod connections;
mod destinations;
mod installations;
mod integrations;
mod oauth_connect;
mod operations;
mod projects;
mod provider_apps;
mod request_budgets;
mod upload_url;

use axum::Router;
use axum::routing::{get, post, put};
use engine::Engine;

/// Every route, relative to `/v1`.
pub(crate) fn routes() -> Router<Engine> {
    Router::new()
        .route("/projects", get(projects::list).post(projects::create))
        .route("/projects/{project}", get(projects::get))
        .route("/projects/{project}/provider-apps", get(provider_apps::list).post(provider_apps::create))
        .route("/projects/{project}/destinations", get(destinations::list).post(destinations::create))
        .route("/projects/{project}/destinations/{destination}", get(destinations::get))
        .route("/projects/{project}/integrations", get(integrations::list))
        .route("/projects/{project}/integrations:batch", put(integrations::deploy))
        .route("/projects/{project}/integrations/{integration}", get(integrations::get))
        .route(
            "/projects/{project}/integrations/{integration}/installations",
            get(installations::list).post(installations::create),
        )
        .route("/projects/{project}/integrations/{integration}/installations/{installation}", get(installations::get))
        .route(
            "/projects/{project}/integrations/{integration}/installations/{installation}/operations",
            get(operations::list),
        )
        // The object's name may hold slashes, so the end of the path is taken apart there.
        .route(
            "/projects/{project}/integrations/{integration}/installations/{installation}/objects/{*rest}",
            get(operations::backfill_progress),
        )
        .route("/projects/{project}/installations", get(installations::list_all))
        .route("/projects/{project}/operations/{operation}", get(operations::get))
        .route("/projects/{project}/operations/{operation}/logs", get(operations::logs))
        .route("/projects/{project}/connections", get(connections::list))
        .route("/projects/{project}/connections/{connection}", get(connections::get))
        .route("/projects/{project}/request-budgets", get(request_budgets::list))
        .route("/oauth-connect", post(oauth_connect::connect))
        .route("/generate-upload-url", get(upload_url::generate))
}

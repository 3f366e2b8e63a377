//! The Platform API below `/v1`: one file a resource, in the shapes of the
//! published contract. Lists are bare arrays unless the contract paginates.

mod api_keys;
mod audit_log;
mod connection_request;
mod connections;
pub(crate) mod deliveries;
mod destinations;
mod event_topic_routes;
mod groups;
mod installations;
mod integrations;
mod invites;
mod jwt_keys;
mod mask;
mod my_info;
mod not_offered;
mod oauth_connect;
mod object_config;
mod object_metadata;
mod operations;
mod orgs;
pub(crate) mod page;
mod projects;
mod provider_apps;
mod providers;
mod request_budgets;
mod revisions;
mod sessions;
mod topic_destination_routes;
mod topics;
mod upload_url;

use axum::Router;
use axum::routing::{delete, get, patch, post, put};
use engine::Engine;

use crate::problem::Problem;

/// Every route, relative to `/v1`.
pub(crate) fn routes() -> Router<Engine> {
    Router::new()
        .route("/projects", get(projects::list).post(projects::create))
        .route("/projects/{project}", get(projects::get).patch(projects::update))
        .route("/projects/{project}/provider-apps", get(provider_apps::list).post(provider_apps::create))
        .route(
            "/projects/{project}/provider-apps/{app}",
            patch(provider_apps::update).delete(provider_apps::delete),
        )
        .route("/projects/{project}/api-keys", get(api_keys::list).post(api_keys::create))
        .route(
            "/projects/{project}/api-keys/{key}",
            get(api_keys::get).patch(api_keys::update).delete(api_keys::delete),
        )
        .route("/projects/{project}/jwt-keys", get(jwt_keys::list).post(jwt_keys::create))
        .route(
            "/projects/{project}/jwt-keys/{key}",
            get(jwt_keys::get).patch(jwt_keys::update).delete(jwt_keys::delete),
        )
        .route("/providers", get(providers::list))
        .route("/providers/{provider}", get(providers::get))
        .route("/projects/{project}/destinations", get(destinations::list).post(destinations::create))
        .route("/projects/{project}/destinations/{destination}", 
            get(destinations::get).patch(destinations::update).delete(destinations::delete).post(destinations::call))
        .route("/projects/{project}/deliveries", get(deliveries::list))
        .route("/projects/{project}/deliveries/{delivery}", get(deliveries::get).post(deliveries::replay))
        .route(
            "/projects/{project}/integrations/{integration}/installations",
            get(installations::list).post(installations::create),
        )
        .route(
            "/projects/{project}/integrations/{integration}/installations/{installation}",
            get(installations::get).patch(installations::update).delete(installations::delete),
        )
        .merge(definitions())
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
        .route("/projects/{project}/connections:generate", post(connections::generate))
        .route(
            "/projects/{project}/connections/{connection}",
            get(connections::get).patch(connections::update).delete(connections::delete),
        )
        .route("/projects/{project}/audit-log", get(audit_log::list))
        .route("/projects/{project}/topics", get(topics::list).post(topics::create))
        .route("/projects/{project}/topics/{topic}", patch(topics::rename).delete(topics::delete))
        .route(
            "/projects/{project}/notification-event-topic-routes",
            get(event_topic_routes::list).post(event_topic_routes::create),
        )
        .route("/projects/{project}/notification-event-topic-routes/{route}", delete(event_topic_routes::delete))
        .route(
            "/projects/{project}/topic-destination-routes",
            get(topic_destination_routes::list).post(topic_destination_routes::create),
        )
        .route("/projects/{project}/topic-destination-routes/{route}", delete(topic_destination_routes::delete))
        .route("/projects/{project}/request-budgets", get(request_budgets::list))
        .route("/oauth-connect", post(oauth_connect::connect))
        .route("/generate-upload-url", get(upload_url::generate))
        .merge(people())
        .merge(not_offered())
}

/// Builders and their organisations.
fn people() -> Router<Engine> {
    Router::new()
        .route("/orgs", post(orgs::create))
        .route("/orgs/{org}", get(orgs::get).patch(orgs::update))
        .route("/orgs/{org}/builders", get(orgs::builders))
        .route("/orgs/{org}/memberships", post(orgs::add_member))
        .route("/orgs/{org}/audit-log", get(orgs::audit_log))
        .route(
            "/orgs/{org}/invites",
            get(invites::list).post(invites::create),
        )
        .route(
            "/orgs/{org}/invites/{invite}",
            get(invites::get).delete(invites::delete),
        )
        .route("/invites:accept", post(invites::accept))
        .route("/my-info", get(my_info::get))
        .route("/sessions", post(sessions::create))
        .route("/sessions/current", delete(sessions::delete))
}

/// What is known, and answered with a refusal that says why.
fn not_offered() -> Router<Engine> {
    Router::new()
        .route(
            "/orgs/{org}/billingAccount",
            get(not_offered::billing_account),
        )
        .route(
            "/billingAccounts/{account}/portalSession",
            post(not_offered::portal_session),
        )
        .route(
            "/claimed-domains",
            get(not_offered::claimed_domains).post(not_offered::claim_domain),
        )
        .route(
            "/orgs/{org}/claimed-domains",
            get(not_offered::claimed_domains),
        )
        .route("/custom-auth/connect", post(not_offered::custom_auth))
        .route(
            "/projects/{project}/integrations/{integration}/object-metadata",
            put(not_offered::fields_of_installation),
        )
        .route(
            "/projects/{project}/providers/{provider}/object-metadata",
            put(not_offered::fields_of_connection),
        )
}

/// What integrations declare, and what can be chosen of it. Where the path ends in
/// the name of an object, that may hold slashes, so the end is taken apart there.
fn definitions() -> Router<Engine> {
    let integration = "/projects/{project}/integrations/{integration}";
    Router::new()
        .route(
            "/projects/{project}/integrations",
            get(integrations::list).post(integrations::create),
        )
        .route(
            "/projects/{project}/integrations:batch",
            put(integrations::deploy),
        )
        .route(
            integration,
            get(integrations::get).delete(integrations::delete),
        )
        .route(&format!("{integration}/revisions"), post(revisions::create))
        .route(
            &format!("{integration}/revisions/{{target}}"),
            get(revisions::hydrate),
        )
        .route(
            &format!("{integration}/objects/{{*rest}}"),
            patch(object_config::patch).get(object_metadata::of_installation),
        )
        .route(
            "/projects/{project}/groups/{group}",
            get(groups::export).delete(groups::erase),
        )
        .route(
            "/projects/{project}/providers/{provider}/objects/{*rest}",
            get(object_metadata::of_connection),
        )
}

/// The name of an object, which is what comes before `end` in the rest of a path.
fn object_name<'a>(rest: &'a str, end: &str) -> Result<&'a str, Problem> {
    rest.strip_suffix(end)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Problem::new(404, format!("there is nothing at `objects/{rest}`")))
}

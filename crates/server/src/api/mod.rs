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
mod hydrated;
mod install_links;
mod installations;
mod integrations;
mod invites;
mod jwt_keys;
mod mask;
mod my_info;
mod not_offered;
pub(crate) mod oauth_connect;
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

use crate::description::{Api, delete, get, patch, post, put};

/// Every route, relative to `/v1`; paths as the contract writes them.
pub(crate) fn routes() -> Api {
    let api = Api::default()
        .route(
            "/projects",
            get(projects::list).post(projects::create).refusing(&[422]),
        )
        .route(
            "/projects/{projectIdOrName}",
            get(projects::get).patch(projects::update),
        )
        .route("/providers", get(providers::list))
        .route("/providers/{provider}", get(providers::get))
        .route("/oauth-connect", post(oauth_connect::connect))
        .route(
            "/generate-upload-url",
            get(upload_url::generate).refusing(&[422]),
        );
    let api = credentials(api);
    let api = integrations(api);
    let api = install_page(api);
    let api = delivery(api);
    let api = people(api);
    let api = not_offered(api);
    notifications(api)
}

/// What opens something: here, and at providers.
fn credentials(api: Api) -> Api {
    api.route(
        "/projects/{projectIdOrName}/provider-apps",
        get(provider_apps::list)
            .refusing(&[422])
            .post(provider_apps::create)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/provider-apps/{providerAppId}",
        patch(provider_apps::update)
            .delete(provider_apps::delete)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/api-keys",
        get(api_keys::list).post(api_keys::create),
    )
    .route(
        "/projects/{projectIdOrName}/api-keys/{apiKey}",
        get(api_keys::get)
            .delete(api_keys::delete)
            .patch(api_keys::update)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/jwt-keys",
        get(jwt_keys::list).post(jwt_keys::create),
    )
    .route(
        "/projects/{projectIdOrName}/jwt-keys/{keyId}",
        get(jwt_keys::get)
            .delete(jwt_keys::delete)
            .patch(jwt_keys::update)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/connections",
        get(connections::list),
    )
    .route(
        "/projects/{projectIdOrName}/connections:generate",
        post(connections::generate).refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/connections/{connectionId}",
        get(connections::get)
            .patch(connections::update)
            .delete(connections::delete),
    )
    .route(
        "/projects/{projectIdOrName}/connections/{connectionId}:oauth-update",
        patch(connections::reconnect).refusing(&[400]),
    )
}

/// Integrations, who installed them, and what was done for them.
fn integrations(api: Api) -> Api {
    api.route(
        "/projects/{projectIdOrName}/integrations",
        get(integrations::list)
            .refusing(&[422])
            .post(integrations::create)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations:batch",
        put(integrations::deploy).refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationIdOrName}",
        get(integrations::get)
            .delete(integrations::delete)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/revisions",
        post(revisions::create).refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/revisions/{revisionId}:hydrate",
        get(revisions::hydrate),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{*objectName}/metadata",
        get(object_metadata::of_installation),
    )
    .route(
        "/projects/{projectIdOrName}/providers/{provider}/objects/{*objectName}/metadata",
        get(object_metadata::of_connection),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/installations",
        get(installations::list).post(installations::create).refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/installations/{installationId}",
        get(installations::get)
            .refusing(&[400])
            .delete(installations::delete)
            .patch(installations::update)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{*objectName}/config-content",
        patch(object_config::patch),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/installations/{installationId}/operations",
        get(operations::list).refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/installations/{installationId}/objects/{*objectName}/backfill-progress",
        get(operations::backfill_progress).refusing(&[400]),
    )
    .route("/projects/{projectIdOrName}/installations", get(installations::list_all))
    .route("/projects/{projectIdOrName}/operations/{operationId}", get(operations::get))
    .route(
        "/projects/{projectIdOrName}/operations/{operationId}/logs",
        get(operations::logs).refusing(&[400, 422]),
    )
    // Beyond the contract.
    .route("/projects/{projectIdOrName}/audit-log", get(audit_log::list))
    .route(
        "/projects/{projectIdOrName}/groups/{groupRef}",
        delete(groups::erase),
    )
    .route(
        "/projects/{projectIdOrName}/groups/{groupRef}:export",
        get(groups::export),
    )
    .route("/projects/{projectIdOrName}/request-budgets", get(request_budgets::list))
}

/// Links to the hosted install page, beyond the contract.
fn install_page(api: Api) -> Api {
    api.route(
        "/projects/{projectIdOrName}/install-links",
        get(install_links::list)
            .post(install_links::create)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/install-links/{linkId}",
        delete(install_links::delete),
    )
}

/// Where messages go, and those that went.
fn delivery(api: Api) -> Api {
    api.route(
        "/projects/{projectIdOrName}/destinations",
        get(destinations::list)
            .post(destinations::create)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/destinations/{destination}",
        get(destinations::get)
            .delete(destinations::delete)
            .patch(destinations::update)
            .refusing(&[422]),
    )
    // The rest is beyond the contract.
    .route(
        "/projects/{projectIdOrName}/destinations/{destination}:enable",
        post(destinations::enable),
    )
    .route(
        "/projects/{projectIdOrName}/destinations/{destination}:replay",
        post(destinations::replay).refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/destinations/{destination}:rotate-secret",
        post(destinations::rotate_secret),
    )
    .route(
        "/projects/{projectIdOrName}/deliveries",
        get(deliveries::list),
    )
    .route(
        "/projects/{projectIdOrName}/deliveries/{deliveryId}",
        get(deliveries::get),
    )
    .route(
        "/projects/{projectIdOrName}/deliveries/{deliveryId}:replay",
        post(deliveries::replay).refusing(&[422]),
    )
}

/// Who is told what happens.
fn notifications(api: Api) -> Api {
    api.route(
        "/projects/{projectIdOrName}/topics",
        get(topics::list).post(topics::create).refusing(&[409, 422]),
    )
    .route(
        "/projects/{projectIdOrName}/topics/{topicId}",
        delete(topics::delete)
            .patch(topics::rename)
            .refusing(&[409, 422]),
    )
    .route(
        "/projects/{projectIdOrName}/notification-event-topic-routes",
        get(event_topic_routes::list)
            .post(event_topic_routes::create)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/notification-event-topic-routes/{routeId}",
        delete(event_topic_routes::delete),
    )
    .route(
        "/projects/{projectIdOrName}/topic-destination-routes",
        get(topic_destination_routes::list)
            .post(topic_destination_routes::create)
            .refusing(&[422]),
    )
    .route(
        "/projects/{projectIdOrName}/topic-destination-routes/{routeId}",
        delete(topic_destination_routes::delete),
    )
}

/// Builders and their organisations.
fn people(api: Api) -> Api {
    api.route("/orgs", post(orgs::create))
        .route("/orgs/{orgId}", get(orgs::get).patch(orgs::update))
        .route("/orgs/{orgId}/builders", get(orgs::builders))
        .route("/orgs/{orgId}/memberships", post(orgs::add_member))
        .route(
            "/orgs/{orgId}/invites",
            get(invites::list).post(invites::create),
        )
        .route(
            "/orgs/{orgId}/invites/{inviteId}",
            get(invites::get).delete(invites::delete).refusing(&[400]),
        )
        .route("/invites:accept", post(invites::accept))
        .route("/my-info", get(my_info::get))
        // Beyond the contract.
        .route("/orgs/{orgId}/audit-log", get(orgs::audit_log))
        .route("/sessions", post(sessions::create).refusing(&[401, 429]))
        .route("/sessions/current", delete(sessions::delete))
}

/// What is known, and answered with a refusal that says why.
fn not_offered(api: Api) -> Api {
    api.route(
        "/orgs/{orgId}/billingAccount",
        get(not_offered::billing_account).refusing(&[404]),
    )
    .route(
        "/billingAccounts/{billingAccountId}/portalSession",
        post(not_offered::portal_session).refusing(&[404]),
    )
    .route(
        "/claimed-domains",
        get(not_offered::claimed_domains)
            .refusing(&[400, 404])
            .post(not_offered::claim_domain)
            .refusing(&[400, 409]),
    )
    .route(
        "/orgs/{orgId}/claimed-domains",
        get(not_offered::claimed_domains).refusing(&[404]),
    )
    .route(
        "/custom-auth/connect",
        post(not_offered::custom_auth).refusing(&[400]),
    )
    .route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/object-metadata",
        put(not_offered::fields_of_installation).refusing(&[400, 500]),
    )
    .route(
        "/projects/{projectIdOrName}/providers/{provider}/object-metadata",
        put(not_offered::fields_of_connection).refusing(&[400, 500]),
    )
}

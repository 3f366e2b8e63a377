//! The Read API below `/read/v1`: one file a group of routes, in the shapes of
//! the published contract.

mod deliver_results;
mod objects;
mod pause;

use crate::description::{Api, post};

/// Every route, relative to `/read/v1`.
pub(crate) fn routes() -> Api {
    Api::default()
        .route(
            "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{*objectName}",
            post(objects::read),
        )
        .route(
            "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{*objectName}:deliverResults",
            post(deliver_results::deliver),
        )
        .route(
            "/projects/{projectIdOrName}/integrations/{integrationId}/installations/{installationId}:pause",
            post(pause::pause),
        )
        .route(
            "/projects/{projectIdOrName}/integrations/{integrationId}/installations/{installationId}:unpause",
            post(pause::unpause),
        )
}

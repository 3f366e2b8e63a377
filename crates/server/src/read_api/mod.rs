//! The Read API below `/read/v1`: what a builder's back end asks of reads.

mod deliver_results;

use axum::Router;
use axum::routing::post;
use engine::Engine;

/// Every route, relative to `/read/v1`.
pub(crate) fn routes() -> Router<Engine> {
    Router::new()
        // The object's name may hold slashes, so the end of the path is taken apart there.
        .route(
            "/projects/{project}/integrations/{integration}/objects/{*rest}",
            post(deliver_results::deliver),
        )
}

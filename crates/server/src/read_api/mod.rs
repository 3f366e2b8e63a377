//! The Read API, below `/read/v1`.

mod objects;

use axum::Router;
use axum::routing::post;
use engine::Engine;

/// Its routes.
pub(crate) fn routes() -> Router<Engine> {
    Router::new().route(
        "/projects/{project}/integrations/{integration}/objects/{*object}",
        post(objects::trigger),
    )
}

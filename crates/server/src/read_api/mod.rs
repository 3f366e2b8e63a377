//! The Read API below `/read/v1`: one file a group of routes, in the shapes of
//! the published contract.

mod deliver_results;
mod objects;
mod pause;

use axum::Router;
use engine::Engine;

/// Every route, relative to `/read/v1`.
pub(crate) fn routes() -> Router<Engine> {
    Router::new()
        .merge(objects::routes())
        .merge(pause::routes())
}

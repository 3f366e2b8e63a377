//! Liveness and readiness.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use serde_json::{Value, json};

use crate::problem::Problem;

/// The process runs.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// The store can be reached; its migrations are done before the server listens.
pub(crate) async fn ready(State(engine): State<Engine>) -> Result<Json<Value>, Problem> {
    match engine.store.ping().await {
        Ok(()) => Ok(Json(json!({ "status": "ready" }))),
        Err(error) => {
            tracing::error!(%error, "not ready");
            Err(Problem::new(503, "the store cannot be reached")
                .remedy("Check the database and LIGATURE_DATABASE_URL"))
        }
    }
}

//! Liveness and readiness.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use serde_json::{Value, json};
use store::StoreError;

use crate::problem::Problem;

/// The process runs.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// The store can be reached and written to; its migrations are done before the
/// server listens. How often that is tried does not depend on how often it is
/// asked.
pub(crate) async fn ready(State(engine): State<Engine>) -> Result<Json<Value>, Problem> {
    let error = match engine.store.readiness(engine.clock.now()).await {
        Ok(()) => return Ok(Json(json!({ "status": "ready" }))),
        Err(error) => error,
    };
    tracing::debug!(%error, "not ready");
    Err(match error {
        StoreError::Unwritable(_) => Problem::new(503, "the database takes no writes")
            .remedy("Free space on its disk; work goes on by itself"),
        other => Problem::new(503, format!("the store cannot be used: {other}"))
            .remedy("Check the database and LIGATURE_DATABASE_URL; work goes on by itself"),
    })
}

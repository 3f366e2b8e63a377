//! `/healthz` and `/readyz`.

use serde_json::json;
use testing::TestStore;

use crate::world::World;

testing::both!(
    a_running_server_says_so,
    without_its_store_it_is_alive_and_not_ready
);

async fn a_running_server_says_so(store: TestStore) {
    let world = World::idle(store).await;
    let api = world.api.without_key();
    assert_eq!(api.get("/healthz").await.status, 200);
    assert_eq!(
        api.get("/readyz").await.json(200),
        json!({ "status": "ready" })
    );
}

async fn without_its_store_it_is_alive_and_not_ready(store: TestStore) {
    let world = World::idle(store).await;
    let api = world.api.without_key();
    world.engine.store.clone().close().await;
    assert_eq!(api.get("/healthz").await.status, 200);
    let problem = api.get("/readyz").await.problem(503);
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("LIGATURE_DATABASE_URL"),
        "{problem}"
    );
    // What went wrong is ours to know.
    let problem = world.api.get("/v1/projects").await.problem(503).to_string();
    assert!(
        !problem.to_lowercase().contains("sql") && !problem.contains("pool"),
        "{problem}"
    );
}

//! Calls as operations: method, path, status, duration; never a query, never a body.

use serde_json::Value;
use testing::TestStore;

use super::{get, id, idle, installed, planned};
use crate::world::steps::installations;
use crate::world::{Plan, World};

testing::both!(a_call_is_an_operation, where_none_is_kept_none_is);

async fn operations(world: &World, installation: &Value) -> Vec<Value> {
    let path = format!("{}/{}/operations", installations(), id(installation));
    let page = world.api.get(&path).await.json(200);
    page["results"].as_array().unwrap().clone()
}

async fn a_call_is_an_operation(store: TestStore) {
    let (world, installation) = installed(store).await;
    get(&world, &installation, "/2.0/user?secret=hidden")
        .await
        .passed(200);
    let missing = "/2.0/repositories/acme/none";
    assert_eq!(get(&world, &installation, missing).await.status, 404);
    let kept = world
        .until("two operations", async || {
            let kept = operations(&world, &installation).await;
            (kept.len() == 2).then_some(kept)
        })
        .await;
    // The newest comes first.
    for (operation, (what, status)) in kept.iter().zip([
        (
            "GET /2.0/repositories/acme/none answered 404 in ",
            "failure",
        ),
        ("GET /2.0/user answered 200 in ", "success"),
    ]) {
        assert_eq!(operation["actionType"], "proxy");
        assert_eq!(operation["status"], status);
        assert_eq!(operation["installationId"], installation["id"]);
        assert_eq!(operation["configId"], installation["config"]["id"]);
        let result = operation["result"].as_str().unwrap();
        assert!(
            result.starts_with(what) && result.ends_with(" ms"),
            "{result}"
        );
        assert!(!operation.to_string().contains("hidden"), "{operation}");
        assert_eq!(operation["metadata"]["objects"], serde_json::json!([]));
    }
    // Nothing of it says how the installation's reads go.
    let path = format!("{}/{}", installations(), id(&installation));
    let shown = world.api.get(&path).await.json(200);
    assert_eq!(shown["healthStatus"], "healthy", "{shown}");
}

async fn where_none_is_kept_none_is(store: TestStore) {
    let plan = Plan {
        proxy_sample: 0.0,
        ..idle()
    };
    let (world, installation) = planned(store, plan).await;
    for _ in 0..3 {
        get(&world, &installation, "/2.0/user").await.passed(200);
    }
    world.engine.tokens_settled().await;
    assert!(operations(&world, &installation).await.is_empty());
}

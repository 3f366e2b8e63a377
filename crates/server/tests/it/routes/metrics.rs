//! `/metrics`.

use http::Method;
use testing::TestStore;

use crate::world::World;

testing::both!(what_happened_is_counted, a_store_that_is_gone_is_told,);

async fn what_happened_is_counted(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world.install(crate::world::steps::both()).await;
    world.arrived(242).await;
    // What is asked for by name is counted by its route.
    world
        .api
        .get("/v1/projects/no-such-project")
        .await
        .problem(404);
    let for_the_proxy = [("x-amp-proxy-version", "1")];
    let refused = world
        .api
        .send(Method::GET, "/2.0/user", Vec::new(), &for_the_proxy);
    refused.await.problem(400);
    let answer = world.api.without_key().get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text();
    for expected in [
        "ligature_provider_calls_total{provider=\"bitbucket\",group=\"repositories\",lane=\"backfill\",status=\"2xx\"}",
        "ligature_http_requests_total{method=\"GET\",route=\"/v1/projects/{projectIdOrName}\",status=\"404\"}",
        "ligature_http_requests_total{method=\"GET\",route=\"proxy\",status=\"400\"}",
        "ligature_proxy_open_calls ",
        "ligature_installations ",
        "ligature_connections{status=\"working\"}",
        "ligature_store_up 1",
        "ligature_outbox_pending_messages ",
        "process_resident_memory_bytes ",
    ] {
        assert!(text.contains(expected), "no `{expected}` in:\n{text}");
    }
    assert!(!text.contains("no-such-project"), "a path became a label");
}

async fn a_store_that_is_gone_is_told(store: TestStore) {
    let world = World::idle(store).await;
    world.api.get("/v1/projects").await.json(200);
    world.engine.store.clone().close().await;
    let answer = world.api.without_key().get("/metrics").await;
    assert_eq!(
        answer.status, 200,
        "what is counted in the process is still told"
    );
    let text = answer.text();
    assert!(text.contains("ligature_http_requests_total{"), "{text}");
    assert!(!text.contains("\nligature_installations "), "{text}");
}

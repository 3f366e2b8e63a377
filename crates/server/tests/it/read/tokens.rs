//! Tokens that end, and that one task alone refreshes them.

use jiff::SignedDuration;
use serde_json::json;
use testing::TestStore;

use crate::world::steps::{GROUP, both, everything, install_body};
use crate::world::{MANIFEST, Plan, World, path};

testing::both!(
    an_expired_token_is_refreshed_once_and_the_read_goes_on,
    many_reads_at_once_refresh_once,
    a_token_is_refreshed_ahead_of_its_end,
    a_revoked_refresh_token_ends_in_bad_credentials,
    a_consent_makes_a_bad_connection_work_again,
    a_token_endpoint_that_is_down_ruins_nothing,
);

async fn refreshes(world: &World) -> u64 {
    world.provider.stats().await["refreshes"].as_u64().unwrap()
}

async fn status(world: &World) -> String {
    let found = world
        .api
        .get(&path(&format!("/connections?groupRef={GROUP}")))
        .await
        .json(200);
    found[0]["status"].as_str().unwrap().to_owned()
}

async fn an_expired_token_is_refreshed_once_and_the_read_goes_on(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    // The second page is parked until the token has ended.
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let installed = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    world.provider.parked(barrier).await;
    world.provider.end_tokens(true, false).await;
    world.provider.release(barrier).await;
    let operations = world.ended(&installed).await;
    assert_eq!(
        operations["repositories"]["status"], "success",
        "{operations:?}"
    );
    world.arrived(230).await;
    assert_eq!(refreshes(&world).await, 1);
    assert_eq!(status(&world).await, "working");
}

/// Installs so many integrations for the one connection, each with two reads.
async fn install_many(world: &World, name: &str, count: usize) {
    for number in 0..count {
        let name = format!("{name}-{number}");
        world
            .deploy(&MANIFEST.replace("bitbucket-sync", &name))
            .await;
        let place = path(&format!("/integrations/{name}/installations"));
        world
            .api
            .post(&place, &install_body(GROUP, both()))
            .await
            .json(201);
    }
}

async fn many_reads_at_once_refresh_once(store: TestStore) {
    let mut plan = Plan {
        works: false,
        ..Plan::default()
    };
    plan.sandbox.repositories = 10;
    let world = World::planned(store, plan).await;
    world.prepare().await;
    install_many(&world, "first", 20).await;
    // Sixteen reads learn of the end together, by a refusal.
    world.provider.end_tokens(true, false).await;
    world.work();
    world.arrived(20 * 22).await;
    assert_eq!(refreshes(&world).await, 1);
    // And again, by the clock.
    world.clock.advance(SignedDuration::from_secs(7_200));
    install_many(&world, "second", 20).await;
    world.arrived(40 * 22).await;
    assert_eq!(refreshes(&world).await, 2);
    assert_eq!(status(&world).await, "working");
}

async fn a_token_is_refreshed_ahead_of_its_end(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world.clock.advance(SignedDuration::from_secs(7_200 - 200));
    let installed = world.install(both()).await;
    let operations = world.ended(&installed).await;
    assert!(
        operations
            .values()
            .all(|operation| operation["status"] == "success"),
        "{operations:?}"
    );
    assert_eq!(refreshes(&world).await, 1);
    let calls = world.provider.calls("/2.0/").await;
    assert!(calls.iter().all(|call| call["status"] == 200), "{calls:?}");
}

async fn a_revoked_refresh_token_ends_in_bad_credentials(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world.provider.end_tokens(true, true).await;
    let installed = world.install(both()).await;
    let operations = world.ended(&installed).await;
    for operation in operations.values() {
        assert_eq!(operation["status"], "failure", "{operation}");
        let result = operation["result"].as_str().unwrap();
        assert!(
            result.contains("connect") && result.contains("again"),
            "{result}"
        );
    }
    assert_eq!(status(&world).await, "bad_credentials");
    assert_eq!(refreshes(&world).await, 0);
}

async fn a_consent_makes_a_bad_connection_work_again(store: TestStore) {
    let world = World::start(store).await;
    let connection = world.prepare().await;
    world.provider.end_tokens(true, true).await;
    let installed = world.install(both()).await;
    world.ended(&installed).await;
    assert_eq!(status(&world).await, "bad_credentials");
    let again = world.connect(GROUP).await;
    assert_eq!(again["id"], connection["id"]);
    assert_eq!(again["status"], "working");
    install_many(&world, "next", 1).await;
    world.arrived(242).await;
    assert_eq!(status(&world).await, "working");
}

async fn a_token_endpoint_that_is_down_ruins_nothing(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let down = json!({ "kind": "respond", "status": 503, "body": "<html>down</html>" });
    world
        .provider
        .fault("/site/oauth2/access_token", 1, 0, down)
        .await;
    world.provider.end_tokens(true, false).await;
    let installed = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world
        .until("the read to be tried again", async || {
            let operation = world.operations(&installed).await.remove("projects")?;
            world
                .log(&operation)
                .await
                .contains("unavailable")
                .then_some(())
        })
        .await;
    assert_eq!(status(&world).await, "working");
    world.provider.mend().await;
    world.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(
        world.ended(&installed).await["projects"]["status"],
        "success"
    );
    world.arrived(12).await;
}

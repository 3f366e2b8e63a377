//! Uninstalling: nothing is left, whatever was under way.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{both, everything, install_body, installations};
use crate::world::{MANIFEST, World, path};

testing::both!(
    nothing_is_left_of_a_read_under_way,
    a_shared_connection_stays,
    only_its_own_is_uninstalled,
);

async fn uninstall(world: &World, installation: &Value) {
    let id = installation["id"].as_str().unwrap();
    let answer = world.api.delete(&format!("{}/{id}", installations())).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
}

async fn nothing_is_left_of_a_read_under_way(store: TestStore) {
    let world = World::start(store).await;
    let connection = world.prepare().await;
    world.receiver.answer_always(500);
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let installation = world.install(both()).await;
    world.provider.parked(barrier).await;
    uninstall(&world, &installation).await;
    world.provider.release(barrier).await;
    let id = installation["id"].as_str().unwrap();
    let there = format!("{}/{id}", installations());
    world.api.get(&there).await.problem(404);
    world.api.delete(&there).await.problem(404);
    let connection = connection["id"].as_str().unwrap();
    let connection = path(&format!("/connections/{connection}"));
    world.api.get(&connection).await.problem(404);

    // A reinstall works at once, and begins at the beginning.
    world.connect("customer-1").await;
    let again = world.install(both()).await;
    assert_ne!(again["id"], installation["id"]);
    let operations = world.ended(&again).await;
    assert!(
        operations.values().all(|one| one["status"] == "success"),
        "{operations:?}"
    );
    let engine = &world.engine;
    let operator = engine.store.operator();
    let scope = engine
        .store
        .scope(&operator, crate::world::PROJECT)
        .await
        .unwrap();
    let overview = engine
        .store
        .within(&scope)
        .deliveries_overview(99)
        .await
        .unwrap();
    // Nothing waits but what the new installation has read.
    assert!(
        overview.pending > 0 && overview.delivered + overview.dead == 0,
        "{overview:?}"
    );
    world.receiver.answer_always(200);
    world.clock.advance(jiff::SignedDuration::from_hours(1));
    let entries = world.arrived(242).await;
    assert_eq!(entries["repos"].len(), 230);
    for delivery in world.receiver.taken() {
        assert_eq!(delivery.message()["installationId"], again["id"]);
    }
}

async fn a_shared_connection_stays(store: TestStore) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    world
        .deploy(&MANIFEST.replace("bitbucket-sync", "second-sync"))
        .await;
    let first = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let second = path("/integrations/second-sync/installations");
    let body = install_body("customer-1", json!({}));
    let second = world.api.post(&second, &body).await.json(201);
    uninstall(&world, &first).await;
    let id = connection["id"].as_str().unwrap();
    let connection = path(&format!("/connections/{id}"));
    world.api.get(&connection).await.json(200);
    let second = second["id"].as_str().unwrap();
    let second = path(&format!("/integrations/second-sync/installations/{second}"));
    let frontend = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let answer = world.api.with_key(&frontend).delete(&second).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    world.api.get(&connection).await.problem(404);
}

async fn only_its_own_is_uninstalled(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installation = world.install(both()).await;
    world.add_project("other").await;
    let foreign = world.add_key("other", &[]).await;
    let id = installation["id"].as_str().unwrap();
    let there = format!("{}/{id}", installations());
    world
        .api
        .with_key(&foreign)
        .delete(&there)
        .await
        .problem(404);
    world
        .api
        .with_key(&foreign)
        .patch(
            &there,
            &json!({ "updateMask": ["connectionId"], "installation": {} }),
        )
        .await
        .problem(400);
    world.api.get(&there).await.json(200);
}

//! A customer connects another workspace; and what an installation says of its
//! health.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::World;
use crate::world::steps::{GROUP, everything, installations};

testing::both!(
    another_workspace_is_read_from_its_beginning,
    health_follows_the_last_runs,
    health_follows_the_credential,
);

const MANIFEST: &str = r#"
specVersion: 1.0.0
integrations:
  - name: bitbucket-sync
    provider: bitbucket
    read:
      objects:
        - objectName: repositories
          destination: inbox
          schedule: "0 * * * *"
          requiredFields: [{fieldName: uuid}]
          backfill: {defaultPeriod: {fullHistory: true}}
"#;

async fn connect(world: &World, workspace: &str) {
    let mut body = world.connect_body(GROUP);
    body["providerMetadata"]["workspace"]["value"] = json!(workspace);
    world.connect_as(&body).await;
}

async fn prepared(world: &World, workspace: &str) {
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    connect(world, workspace).await;
}

async fn install(world: &World) -> Value {
    let objects = json!({ "repositories": everything("repositories") });
    world.install(objects).await
}

async fn healthy(world: &World, installation: &Value, expected: &str) {
    let id = installation["id"].as_str().unwrap();
    let path = format!("{}/{id}", installations());
    world
        .until(expected, async || {
            let shown = world.api.get(&path).await.json(200);
            (shown["healthStatus"] == expected).then_some(())
        })
        .await;
}

async fn another_workspace_is_read_from_its_beginning(store: TestStore) {
    let world = World::start(store).await;
    prepared(&world, "acme").await;
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let installation = install(&world).await;
    world.provider.parked(barrier).await;
    let first = world.operations(&installation).await["repositories"].clone();
    connect(&world, "acme-labs").await;
    world.provider.release(barrier).await;
    let entries = world.arrived(100 + 230).await;
    let of = |workspace: &str| {
        let begins = format!("{workspace}/");
        let entries = entries["repositories"].iter();
        let names = entries.map(|entry| entry["raw"]["full_name"].as_str().unwrap());
        names.filter(|name| name.starts_with(&begins)).count()
    };
    assert_eq!((of("acme"), of("acme-labs")), (100, 230));
    let id = installation["id"].as_str().unwrap();
    let path = format!("{}/{id}/operations", installations());
    let runs = world.api.get(&path).await.json(200)["results"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 2, "{runs}");
    let messages = world.receiver.taken().into_iter().map(|one| one.message());
    let mut types = messages.map(|message| message["readType"].clone());
    assert!(types.all(|read_type| read_type == "backfill"));
    assert_eq!(
        (&runs[1]["id"], &runs[1]["status"]),
        (&first["id"], &json!("failure"))
    );
    assert!(
        runs[1]["result"]
            .as_str()
            .unwrap()
            .contains("another workspace"),
        "{runs}"
    );
    // The same one again is no reason to read anything again.
    connect(&world, "acme-labs").await;
    world.clock.advance(SignedDuration::from_hours(2));
    world
        .until("the scheduled read", async || {
            let runs = world.api.get(&path).await.json(200)["results"].clone();
            let third = runs.as_array().unwrap().len() == 3;
            (third && runs[0]["status"] == "success").then_some(())
        })
        .await;
    assert_eq!(world.entries().await["repositories"].len(), 330);
}

async fn health_follows_the_last_runs(store: TestStore) {
    let world = World::start(store).await;
    prepared(&world, "no-such-workspace").await;
    let installation = install(&world).await;
    assert_eq!(installation["healthStatus"], "healthy");
    healthy(&world, &installation, "unhealthy").await;
    let list = world.api.get(&installations()).await.json(200);
    assert_eq!(list[0]["healthStatus"], "unhealthy");
    connect(&world, "acme").await;
    healthy(&world, &installation, "healthy").await;
    world.arrived(230).await;
    world.ended(&installation).await;
    healthy(&world, &installation, "healthy").await;
}

async fn health_follows_the_credential(store: TestStore) {
    let world = World::start(store).await;
    prepared(&world, "acme").await;
    let installation = install(&world).await;
    world.arrived(230).await;
    world.ended(&installation).await;
    world.provider.end_tokens(true, true).await;
    world.clock.advance(SignedDuration::from_hours(3));
    healthy(&world, &installation, "unhealthy").await;
    connect(&world, "acme").await;
    healthy(&world, &installation, "healthy").await;
}

//! Changing a config: what it changes for the reads, at once.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{everything, installations};
use crate::world::{World, path};

testing::both!(
    an_added_object_is_read_at_once,
    an_object_taken_out_stops_and_leaves_nothing,
    an_edited_schedule_counts_at_once,
    a_disabled_object_rests,
    a_run_under_way_goes_on_by_the_new_config,
);

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const REPOSITORIES: &str = "/2.0/repositories/acme";
const MANIFEST: &str = r#"
specVersion: 1.0.0
integrations:
  - name: bitbucket-sync
    provider: bitbucket
    read:
      objects:
        - objectName: repositories
          mapToName: repos
          destination: inbox
          schedule: "0 0 1 1 *"
          requiredFields: [{fieldName: uuid}]
          optionalFields: [{fieldName: slug}]
          backfill: {defaultPeriod: {fullHistory: true}}
        - objectName: projects
          destination: inbox
          schedule: "0 * * * *"
          requiredFields: [{fieldName: uuid}]
          backfill: {defaultPeriod: {fullHistory: true}}
"#;

async fn installed(world: &World, objects: Value) -> Value {
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    world.connect("customer-1").await;
    world.install(objects).await
}

/// Replaces the read config of one object.
async fn put(world: &World, installation: &Value, object: &str, config: Value) -> Value {
    let id = installation["id"].as_str().unwrap();
    let body = json!({
        "updateMask": [format!("config.content.read.objects.{object}")],
        "installation": { "config": { "content": { "read": { "objects": { object: config } } } } },
    });
    let answer = world
        .api
        .patch(&format!("{}/{id}", installations()), &body)
        .await;
    answer.json(200)
}

async fn count(world: &World, installation: &Value, object: &str) -> usize {
    let id = installation["id"].as_str().unwrap();
    let path = format!("{}/{id}/operations", installations());
    let page = world.api.get(&path).await.json(200);
    let runs = page["results"].as_array().unwrap().iter();
    runs.filter(|run| run["metadata"]["objects"][0] == object)
        .count()
}

async fn an_added_object_is_read_at_once(store: TestStore) {
    let world = World::start(store).await;
    let installation = installed(&world, json!({ "repos": everything("repositories") })).await;
    world.arrived(230).await;
    let changed = put(&world, &installation, "projects", everything("projects")).await;
    assert_eq!(changed["lastOperationStatus"], "in_progress");
    let entries = world.arrived(230 + 12).await;
    assert_eq!(entries["projects"].len(), 12);
    assert_eq!(count(&world, &installation, "repositories").await, 1);
    let messages = world.receiver.taken().into_iter().map(|one| one.message());
    let mut types = messages.map(|message| message["readType"].clone());
    assert!(types.all(|read_type| read_type == "backfill"));
}

async fn an_object_taken_out_stops_and_leaves_nothing(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    world.connect("customer-1").await;
    let barrier = world.provider.park(REPOSITORIES, 2).await;
    let objects =
        json!({ "repositories": everything("repositories"), "projects": everything("projects") });
    let installation = world.install(objects).await;
    world.provider.parked(barrier).await;
    let changed = put(&world, &installation, "repos", Value::Null).await;
    let objects = changed["config"]["content"]["read"]["objects"]
        .as_object()
        .unwrap();
    assert_eq!(objects.keys().collect::<Vec<_>>(), ["projects"]);
    world.provider.release(barrier).await;
    let operations = world.ended(&installation).await;
    assert_eq!(operations["repositories"]["status"], "failure");
    let result = operations["repositories"]["result"].as_str().unwrap();
    assert!(result.contains("does not read this object"), "{result}");
    assert_eq!(operations["projects"]["status"], "success");
    // The customer changes their mind: it begins from the beginning.
    put(&world, &installation, "repos", everything("repositories")).await;
    let first = operations["repositories"]["id"].as_str().unwrap();
    let operations = world.ended(&installation).await;
    assert_eq!(operations["repositories"]["status"], "success");
    let first = format!("/v1/projects/{}/operations/{first}", crate::world::PROJECT);
    let first = world.api.get(&first).await.json(200);
    assert_eq!(first["status"], "failure", "it stays as it ended");
    world
        .until("the new backfill", async || {
            let entries = world.entries().await;
            let repositories = entries.get("repos").map_or(0, Vec::len);
            (repositories == 100 + 230).then_some(())
        })
        .await;
}

async fn an_edited_schedule_counts_at_once(store: TestStore) {
    let world = World::start(store).await;
    let installation = installed(
        &world,
        json!({ "repositories": everything("repositories") }),
    )
    .await;
    world.arrived(230).await;
    world.ended(&installation).await;
    let patch = json!({
        "groupRef": "customer-1", "action": "read",
        "changes": [{ "op": "add", "path": "/schedule", "value": "*/10 * * * *" }],
    });
    let path = path("/integrations/bitbucket-sync/objects/repos/config-content");
    let changed = world.api.patch(&path, &patch).await.json(200);
    let object = &changed["config"]["content"]["read"]["objects"]["repositories"];
    assert_eq!(object["schedule"], "*/10 * * * *");
    assert_eq!(object["selectedFieldsAuto"], "all");
    let year = world.now().checked_add(HOUR * 24).unwrap();
    world
        .until("the new schedule to run", async || {
            world.clock.advance(SignedDuration::from_mins(1));
            (count(&world, &installation, "repositories").await > 1).then_some(())
        })
        .await;
    assert!(world.now() < year, "that was the old schedule");
}

async fn a_disabled_object_rests(store: TestStore) {
    let world = World::start(store).await;
    let objects = json!({
        "repositories": { "objectName": "repositories", "schedule": "0 * * * *" },
        "projects": everything("projects"),
    });
    let installation = installed(&world, objects).await;
    world.arrived(242).await;
    world.ended(&installation).await;
    let config = |disabled: bool| json!({ "objectName": "repositories", "schedule": "0 * * * *", "disabled": disabled });
    put(&world, &installation, "repositories", config(true)).await;
    world
        .until("the other object's ticks", async || {
            world.clock.advance(SignedDuration::from_mins(10));
            (count(&world, &installation, "projects").await > 3).then_some(())
        })
        .await;
    assert_eq!(count(&world, &installation, "repositories").await, 1);
    put(&world, &installation, "repositories", config(false)).await;
    world
        .until("its next tick", async || {
            world.clock.advance(SignedDuration::from_mins(10));
            (count(&world, &installation, "repositories").await > 1).then_some(())
        })
        .await;
}

async fn a_run_under_way_goes_on_by_the_new_config(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    world.connect("customer-1").await;
    let barrier = world.provider.park(REPOSITORIES, 2).await;
    let plain = json!({ "objectName": "repositories" });
    let installation = world.install(json!({ "repositories": plain })).await;
    world.provider.parked(barrier).await;
    let more = json!({ "objectName": "repositories", "selectedFields": { "slug": true } });
    put(&world, &installation, "repositories", more).await;
    world.provider.release(barrier).await;
    let entries = world.arrived(230).await;
    let with = entries["repos"]
        .iter()
        .filter(|entry| !entry["fields"]["slug"].is_null());
    assert_eq!((entries["repos"].len(), with.count()), (230, 130));
}

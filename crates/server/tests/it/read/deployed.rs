//! Deploys that change what is read: for every installation, at once.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{everything, install_body, installations};
use crate::world::{World, path};

testing::both!(
    what_is_enabled_always_reaches_every_installation,
    a_removed_object_goes_on_by_its_last_definition,
    a_destructive_deploy_stops_what_it_removes,
    a_required_field_counts_for_a_run_under_way,
);

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const REPOSITORIES: &str = r#"
        - objectName: repositories
          destination: inbox
          schedule: "0 * * * *"
          requiredFields: [{fieldName: uuid}]
          backfill: {defaultPeriod: {fullHistory: true}}"#;
const PROJECTS: &str = r#"
        - objectName: projects
          destination: inbox
          schedule: "0 * * * *"
          requiredFields: [{fieldName: uuid}]
          backfill: {defaultPeriod: {fullHistory: true}}"#;

fn manifest(objects: &[&str]) -> String {
    format!(
        "specVersion: 1.0.0\nintegrations:\n  - name: bitbucket-sync\n    provider: bitbucket\n    \
         read:\n      objects:{}\n",
        objects.concat()
    )
}

async fn deploy(world: &World, objects: &[&str], destructive: bool) {
    let batch = json!({ "sourceYaml": manifest(objects) });
    let path = path(&format!("/integrations:batch?destructive={destructive}"));
    world.api.put(&path, &batch).await.json(200);
}

async fn prepared(world: &World, objects: &[&str]) {
    world.provider_app().await;
    world.destination().await;
    deploy(world, objects, false).await;
    world.connect("customer-1").await;
}

async fn runs_of(world: &World, installation: &Value, object: &str) -> Vec<Value> {
    let id = installation["id"].as_str().unwrap();
    let path = format!("{}/{id}/operations", installations());
    let page = world.api.get(&path).await.json(200);
    let runs = page["results"].as_array().unwrap().iter();
    runs.filter(|run| run["metadata"]["objects"][0] == object)
        .cloned()
        .collect()
}

async fn succeeded(world: &World, installation: &Value, object: &str, count: usize) {
    world
        .until(&format!("{count} runs of {object}"), async || {
            let runs = runs_of(world, installation, object).await;
            let well = runs.iter().all(|run| run["status"] == "success");
            (runs.len() >= count && well).then_some(())
        })
        .await;
}

async fn what_is_enabled_always_reaches_every_installation(store: TestStore) {
    let world = World::start(store).await;
    prepared(&world, &[REPOSITORIES]).await;
    let mut installed = Vec::new();
    for group in ["customer-1", "customer-2", "customer-3"] {
        world.connect(group).await;
        let body = install_body(group, json!({}));
        installed.push(world.api.post(&installations(), &body).await.json(201));
    }
    let always = format!("{PROJECTS}\n          enabled: always");
    deploy(&world, &[REPOSITORIES, &always], false).await;
    for installation in &installed {
        succeeded(&world, installation, "projects", 1).await;
        assert!(
            runs_of(&world, installation, "repositories")
                .await
                .is_empty()
        );
    }
    assert_eq!(world.arrived(36).await["projects"].len(), 36);
    // Later ones get it at their install, and nobody gets it twice.
    deploy(&world, &[&always], false).await;
    world.connect("customer-4").await;
    let body = install_body("customer-4", json!({}));
    let later = world.api.post(&installations(), &body).await.json(201);
    succeeded(&world, &later, "projects", 1).await;
    assert_eq!(world.arrived(48).await["projects"].len(), 48);
    assert_eq!(runs_of(&world, &installed[0], "projects").await.len(), 1);
    // Offered no longer to everyone, it stops for those who have not chosen it.
    deploy(&world, &[REPOSITORIES, PROJECTS], false).await;
    world.clock.advance(HOUR * 3);
    let id = installed[0]["id"].as_str().unwrap();
    let chosen = json!({
        "updateMask": ["config.content.read.objects.repositories"],
        "installation": { "config": { "content": { "read": { "objects": { "repositories": {} } } } } },
    });
    world
        .api
        .patch(&format!("{}/{id}", installations()), &chosen)
        .await
        .json(200);
    succeeded(&world, &installed[0], "repositories", 1).await;
    ticked(&world, &installed[0], "repositories").await;
    ticked(&world, &installed[0], "repositories").await;
    assert_eq!(runs_of(&world, &installed[0], "projects").await.len(), 1);
}

async fn both_installed(world: &World) -> Value {
    prepared(world, &[REPOSITORIES, PROJECTS]).await;
    let objects =
        json!({ "repositories": everything("repositories"), "projects": everything("projects") });
    let installation = world.install(objects).await;
    succeeded(world, &installation, "repositories", 1).await;
    succeeded(world, &installation, "projects", 1).await;
    installation
}

/// Lets time pass until an object has been read once more.
async fn ticked(world: &World, installation: &Value, object: &str) {
    let before = runs_of(world, installation, object).await.len();
    world
        .until(&format!("a tick of {object}"), async || {
            world.clock.advance(SignedDuration::from_mins(10));
            let runs = runs_of(world, installation, object).await;
            (runs.len() > before).then_some(())
        })
        .await;
    succeeded(world, installation, object, before + 1).await;
}

async fn a_removed_object_goes_on_by_its_last_definition(store: TestStore) {
    let world = World::start(store).await;
    let installation = both_installed(&world).await;
    deploy(&world, &[REPOSITORIES], false).await;
    ticked(&world, &installation, "projects").await;
    // Another object may be changed meanwhile, and a new customer is not offered it.
    let id = installation["id"].as_str().unwrap();
    let changed = json!({
        "updateMask": ["config.content.read.objects.repositories"],
        "installation": { "config": { "content": { "read": { "objects": {
            "repositories": { "objectName": "repositories", "selectedFieldsAuto": "all" },
        } } } } },
    });
    let there = format!("{}/{id}", installations());
    world.api.patch(&there, &changed).await.json(200);
    world.connect("customer-2").await;
    let body = install_body("customer-2", json!({ "projects": everything("projects") }));
    let refused = world.api.post(&installations(), &body).await.problem(422);
    assert!(refused.to_string().contains("projects"), "{refused}");
    ticked(&world, &installation, "projects").await;
    // Back in the manifest, it goes by the manifest again. A tick that had passed
    // by then still counts.
    let yearly = PROJECTS.replace("0 * * * *", "0 0 1 1 *");
    deploy(&world, &[REPOSITORIES, &yearly], false).await;
    ticked(&world, &installation, "repositories").await;
    succeeded(&world, &installation, "projects", 1).await;
    let before = runs_of(&world, &installation, "projects").await.len();
    ticked(&world, &installation, "repositories").await;
    ticked(&world, &installation, "repositories").await;
    assert_eq!(
        runs_of(&world, &installation, "projects").await.len(),
        before
    );
}

async fn a_destructive_deploy_stops_what_it_removes(store: TestStore) {
    let world = World::start(store).await;
    let installation = both_installed(&world).await;
    // Kept at first, and stopped by a later one that says so.
    deploy(&world, &[REPOSITORIES], false).await;
    deploy(&world, &[REPOSITORIES], true).await;
    ticked(&world, &installation, "repositories").await;
    ticked(&world, &installation, "repositories").await;
    assert_eq!(runs_of(&world, &installation, "projects").await.len(), 1);
    // A run under way ends with it.
    world.connect("customer-2").await;
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let body = install_body(
        "customer-2",
        json!({ "repositories": everything("repositories") }),
    );
    let second = world.api.post(&installations(), &body).await.json(201);
    world.provider.parked(barrier).await;
    deploy(&world, &[PROJECTS], true).await;
    world.provider.release(barrier).await;
    let ended = world.ended(&second).await["repositories"].clone();
    assert_eq!(ended["status"], "failure");
    let result = ended["result"].as_str().unwrap();
    assert!(result.contains("removed"), "{ended}");
    ticked(&world, &installation, "projects").await;
    // It comes back as it was: only what changed since is read.
    deploy(&world, &[REPOSITORIES, PROJECTS], false).await;
    ticked(&world, &installation, "repositories").await;
    let messages = world.receiver.taken().into_iter().map(|one| one.message());
    let theirs = messages.filter(|message| {
        message["installationId"] == installation["id"] && message["objectName"] == "repositories"
    });
    let records = theirs.map(|message| message["result"].as_array().unwrap().len());
    assert_eq!(records.sum::<usize>(), 230);
}

async fn a_required_field_counts_for_a_run_under_way(store: TestStore) {
    let world = World::start(store).await;
    prepared(&world, &[REPOSITORIES]).await;
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    world
        .install(json!({ "repositories": { "objectName": "repositories" } }))
        .await;
    world.provider.parked(barrier).await;
    let more = REPOSITORIES.replace("{fieldName: uuid}", "{fieldName: uuid}, {fieldName: slug}");
    deploy(&world, &[&more], false).await;
    world.provider.release(barrier).await;
    let entries = world.arrived(230).await;
    let with = entries["repositories"]
        .iter()
        .filter(|entry| !entry["fields"]["slug"].is_null());
    assert_eq!((entries["repositories"].len(), with.count()), (230, 130));
}

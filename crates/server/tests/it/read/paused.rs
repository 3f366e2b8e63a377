//! Pausing reads, and letting them go on.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{both, everything};
use crate::world::{Answer, PROJECT, World};

testing::both!(
    a_run_keeps_its_place_while_it_is_paused,
    nothing_scheduled_begins_while_it_is_paused,
    a_pause_names_what_is_read,
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
          schedule: "0 * * * *"
          requiredFields: [{fieldName: uuid}]
          backfill: {defaultPeriod: {fullHistory: true}}
        - objectName: projects
          destination: inbox
          schedule: "0 * * * *"
          requiredFields: [{fieldName: uuid}]
          backfill: {defaultPeriod: {fullHistory: true}}
"#;

/// `:pause` or `:unpause`.
async fn act(world: &World, installation: &Value, verb: &str, body: &Value) -> Answer {
    let id = installation["id"].as_str().unwrap();
    let path = format!(
        "/read/v1/projects/{PROJECT}/integrations/bitbucket-sync/installations/{id}:{verb}"
    );
    let body = match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    };
    world.api.send(http::Method::POST, &path, body, &[]).await
}

async fn done(world: &World, installation: &Value, verb: &str, body: Value) {
    let answer = act(world, installation, verb, &body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
}

async fn prepared(world: &World) {
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    world.connect("customer-1").await;
}

/// Runs of an object, newest first.
async fn runs_of(world: &World, installation: &Value, object: &str) -> Vec<Value> {
    let id = installation["id"].as_str().unwrap();
    let path = format!("{}/{id}/operations", crate::world::steps::installations());
    let page = world.api.get(&path).await.json(200);
    let runs = page["results"].as_array().unwrap().iter();
    runs.filter(|run| run["metadata"]["objects"][0] == object)
        .cloned()
        .collect()
}

/// Waits until an object has had that many runs, all of them well.
async fn succeeded(world: &World, installation: &Value, object: &str, count: usize) {
    world
        .until(&format!("{count} runs of {object}"), async || {
            let runs = runs_of(world, installation, object).await;
            let well = runs.iter().all(|run| run["status"] == "success");
            (runs.len() >= count && well).then_some(())
        })
        .await;
}

async fn a_run_keeps_its_place_while_it_is_paused(store: TestStore) {
    let world = World::start(store).await;
    prepared(&world).await;
    let barrier = world.provider.park(REPOSITORIES, 2).await;
    let installation = world.install(both()).await;
    world.provider.parked(barrier).await;
    succeeded(&world, &installation, "projects", 1).await;
    let pause = json!({ "objects": ["repos"], "note": "the customer asked for it" });
    done(&world, &installation, "pause", pause.clone()).await;
    done(&world, &installation, "pause", pause).await;
    world.provider.release(barrier).await;

    // Another object goes on as ever, through whole reads, and this one does not.
    world.clock.advance(HOUR + HOUR);
    succeeded(&world, &installation, "projects", 2).await;
    let run = runs_of(&world, &installation, "repositories").await;
    assert_eq!(run.len(), 1);
    assert_eq!(run[0]["status"], "in_progress");
    // The second may have been given up before it was answered.
    assert!(world.provider.calls(REPOSITORIES).await.len() <= 2);
    assert_eq!(world.arrived(100 + 24).await["repos"].len(), 100);

    let unpause = json!({ "objects": ["repositories"] });
    done(&world, &installation, "unpause", unpause.clone()).await;
    succeeded(&world, &installation, "repositories", 1).await;
    let entries = world.arrived(230 + 24).await;
    assert_eq!(
        entries["repos"].len(),
        230,
        "none was lost, none came twice"
    );
    let log = world.log(&run[0]).await;
    assert_eq!(log.matches("Reads were paused").count(), 1, "{log}");
    assert!(log.contains("the customer asked for it"), "{log}");
    // What is not paused goes on as it is.
    done(&world, &installation, "unpause", unpause).await;
    let log = world.log(&run[0]).await;
    assert_eq!(log.matches("Reads were unpaused").count(), 1, "{log}");
}

async fn nothing_scheduled_begins_while_it_is_paused(store: TestStore) {
    let world = World::start(store).await;
    prepared(&world).await;
    let installation = world
        .install(json!({ "repositories": everything("repositories"), "projects": everything("projects") }))
        .await;
    succeeded(&world, &installation, "repositories", 1).await;
    succeeded(&world, &installation, "projects", 1).await;
    done(&world, &installation, "pause", Value::Null).await;
    world.clock.advance(HOUR * 5);
    // A deploy wakes everything, and wakes nothing that is paused.
    world
        .deploy(&MANIFEST.replace("0 * * * *", "*/30 * * * *"))
        .await;
    done(
        &world,
        &installation,
        "unpause",
        json!({ "objects": ["projects"] }),
    )
    .await;
    succeeded(&world, &installation, "projects", 2).await;
    assert_eq!(
        runs_of(&world, &installation, "repositories").await.len(),
        1
    );
    // The ticks that were missed come to one run.
    done(&world, &installation, "unpause", json!({})).await;
    succeeded(&world, &installation, "repositories", 2).await;
    assert_eq!(
        runs_of(&world, &installation, "repositories").await.len(),
        2
    );
}

async fn a_pause_names_what_is_read(store: TestStore) {
    let world = World::idle(store).await;
    prepared(&world).await;
    let installation = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    for object in ["none", "repositories", ""] {
        let body = json!({ "objects": ["projects", object] });
        let refused = act(&world, &installation, "pause", &body).await;
        refused.problem(400);
    }
    for wrong in [json!("projects"), json!({ "objects": "projects" })] {
        act(&world, &installation, "pause", &wrong)
            .await
            .problem(400);
    }
    act(&world, &installation, "stop", &Value::Null)
        .await
        .problem(404);
    act(&world, &json!({ "id": "none" }), "pause", &Value::Null)
        .await
        .problem(404);
    let frontend = world.add_key(PROJECT, &["frontend"]).await;
    let id = installation["id"].as_str().unwrap();
    let path =
        format!("/read/v1/projects/{PROJECT}/integrations/bitbucket-sync/installations/{id}:pause");
    let refused = world.api.with_key(&frontend).post(&path, &json!({})).await;
    refused.problem(403);
    done(
        &world,
        &installation,
        "pause",
        json!({ "objects": ["projects"] }),
    )
    .await;
}

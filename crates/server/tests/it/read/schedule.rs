//! Scheduled reads: when they run, what they bring, and that a full read is whole.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::everything;
use crate::world::{Plan, World, provider};

testing::both!(
    a_scheduled_read_brings_what_changed,
    missed_ticks_come_to_one_run,
    an_edited_schedule_counts_at_once,
    a_full_read_brings_everything_each_time,
    what_a_full_read_missed_is_read_once_more,
    without_a_backfill_reading_begins_at_the_install,
    a_refused_connection_is_left_alone,
    a_backfill_that_was_refused_begins_again_after_consent,
    a_customers_schedule_is_checked,
);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A manifest that reads one object.
pub(super) fn manifest(object: &str, schedule: &str, backfill: &str) -> String {
    format!(
        "specVersion: 1.0.0\nintegrations:\n  - name: bitbucket-sync\n    provider: bitbucket\n    read:\n      \
         objects:\n        - objectName: {object}\n          destination: inbox\n          schedule: \"{schedule}\"\n          \
         requiredFields: [{{fieldName: uuid}}]\n          backfill: {{defaultPeriod: {backfill}}}\n"
    )
}

/// Installs one object and waits until its backfill, if it has one, is delivered.
pub(super) async fn installed(world: &World, yaml: &str, object: &str, count: usize) -> Value {
    world.provider_app().await;
    world.destination().await;
    world.deploy(yaml).await;
    world.connect("customer-1").await;
    let installation = world.install(json!({ object: everything(object) })).await;
    world.arrived(count).await;
    if count > 0 {
        world.ended(&installation).await;
    }
    installation
}

/// Waits until `count` operations are there and none is under way.
pub(super) async fn runs(world: &World, installation: &Value, count: usize) -> Vec<Value> {
    let id = installation["id"].as_str().unwrap();
    let path = format!("{}/{id}/operations", crate::world::steps::installations());
    let what = format!("{count} runs");
    let runs = world.until(&what, async || {
        let page = world.api.get(&path).await.json(200);
        let runs = page["results"].as_array().unwrap().clone();
        let over = runs.iter().all(|run| run["status"] != "in_progress");
        (over && runs.len() >= count).then_some(runs)
    });
    let runs = runs.await;
    assert_eq!(runs.len(), count, "{runs:?}");
    runs
}

/// The read types of the messages that carried a record, by uuid.
fn read_types(world: &World, uuid: &str) -> Vec<String> {
    let messages = world
        .receiver
        .taken()
        .into_iter()
        .map(|delivery| delivery.message());
    let carries = |message: &Value| {
        let mut entries = message["result"].as_array().unwrap().iter();
        entries.any(|entry| entry["raw"]["uuid"] == uuid)
    };
    let read_type = |message: Value| message["readType"].as_str().unwrap().to_owned();
    messages.filter(carries).map(read_type).collect()
}

async fn a_scheduled_read_brings_what_changed(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", "0 * * * *", "{fullHistory: true}");
    let installation = installed(&world, &yaml, "repositories", 230).await;
    let touch =
        json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "index": 9 });
    let changed = world.provider.mutate(touch).await;
    runs(&world, &installation, 1).await;

    world.clock.advance(HOUR + HOUR);
    let runs = runs(&world, &installation, 2).await;
    assert_eq!(runs[0]["status"], "success");
    let entries = world.arrived(231).await;
    assert_eq!(
        entries["repositories"].len(),
        231,
        "only what changed came again"
    );
    let again = &entries["repositories"][230]["raw"];
    assert_eq!(again["full_name"], changed[0]["full_name"]);
    let types = read_types(&world, again["uuid"].as_str().unwrap());
    assert_eq!(types, ["backfill", "scheduled"]);
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    let last = calls.last().unwrap()["query"].as_str().unwrap();
    assert!(
        last.contains("updated_on"),
        "it asked from the watermark on: {last}"
    );
}

async fn missed_ticks_come_to_one_run(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", "0 * * * *", "{fullHistory: true}");
    let installation = installed(&world, &yaml, "repositories", 230).await;
    world.clock.advance(HOUR * 30);
    runs(&world, &installation, 2).await;
    // The next one is an hour on, and not before.
    world.clock.advance(SignedDuration::from_mins(70));
    runs(&world, &installation, 3).await;
}

async fn an_edited_schedule_counts_at_once(store: TestStore) {
    let world = World::start(store).await;
    let yearly = manifest("repositories", "0 0 1 1 *", "{fullHistory: true}");
    let installation = installed(&world, &yearly, "repositories", 230).await;
    world.clock.advance(HOUR * 2);
    runs(&world, &installation, 1).await;
    world
        .deploy(&manifest(
            "repositories",
            "*/10 * * * *",
            "{fullHistory: true}",
        ))
        .await;
    let year = world.now().checked_add(HOUR * 24).unwrap();
    world
        .until("the new schedule to run", async || {
            world.clock.advance(SignedDuration::from_mins(1));
            (world.operations_count(&installation).await > 1).then_some(())
        })
        .await;
    assert!(world.now() < year, "that was the old schedule");
}

async fn a_full_read_brings_everything_each_time(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("projects", "0 * * * *", "{fullHistory: true}");
    let installation = installed(&world, &yaml, "projects", 12).await;
    world.clock.advance(HOUR * 2);
    runs(&world, &installation, 2).await;
    assert_eq!(world.arrived(24).await["projects"].len(), 24);
}

async fn what_a_full_read_missed_is_read_once_more(store: TestStore) {
    let sandbox = sandbox::Options {
        projects: 150,
        ..provider::small()
    };
    let world = World::planned(
        store,
        Plan {
            sandbox,
            ..Plan::default()
        },
    )
    .await;
    world.provider_app().await;
    world.destination().await;
    world
        .deploy(&manifest("projects", "", "{fullHistory: true}"))
        .await;
    world.connect("customer-1").await;
    let barrier = world
        .provider
        .park("/2.0/workspaces/acme/projects", 2)
        .await;
    let installation = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world.provider.parked(barrier).await;
    // One of the first page goes, so one of the second page moves into the first.
    let delete = json!({ "kind": "delete", "object": "projects", "workspace": "acme", "index": 3 });
    world.provider.mutate(delete).await;
    world.provider.release(barrier).await;
    let operation = world.ended(&installation).await["projects"].clone();
    assert_eq!(operation["status"], "success");
    let entries = world.arrived(150).await;
    assert_eq!(
        entries["projects"].len(),
        150,
        "the one that moved came, and none twice"
    );
    assert!(world.log(&operation).await.contains("reading once more"));
}

async fn without_a_backfill_reading_begins_at_the_install(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", "0 * * * *", "{days: 0}");
    let installation = installed(&world, &yaml, "repositories", 0).await;
    assert_eq!(world.operations_count(&installation).await, 0);
    let add = json!({ "kind": "add", "object": "repositories", "workspace": "acme", "count": 1 });
    let added = world.provider.mutate(add).await;
    world.clock.advance(HOUR * 2);
    runs(&world, &installation, 1).await;
    let entries = world.arrived(1).await;
    assert_eq!(entries["repositories"].len(), 1);
    assert_eq!(
        entries["repositories"][0]["raw"]["full_name"],
        added[0]["full_name"]
    );
}

async fn a_refused_connection_is_left_alone(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", "0 * * * *", "{fullHistory: true}");
    let installation = installed(&world, &yaml, "repositories", 230).await;
    world.provider.end_tokens(true, true).await;
    world.clock.advance(HOUR * 3);
    let failed = runs(&world, &installation, 2).await;
    assert_eq!(failed[0]["status"], "failure", "{failed:?}");
    // Ticks pass, and nothing is begun that is bound to fail; a new consent wakes
    // it at once.
    world.clock.advance(HOUR * 3);
    world.connect("customer-1").await;
    let renewed = runs(&world, &installation, 3).await;
    assert_eq!(renewed[0]["status"], "success");
}

async fn a_backfill_that_was_refused_begins_again_after_consent(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world
        .deploy(&manifest("repositories", "", "{fullHistory: true}"))
        .await;
    world.connect("customer-1").await;
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let installation = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    world.provider.parked(barrier).await;
    world.provider.end_tokens(true, true).await;
    world.provider.release(barrier).await;
    let refused = runs(&world, &installation, 1).await;
    assert_eq!(refused[0]["status"], "failure", "{refused:?}");
    world.connect("customer-1").await;
    let renewed = runs(&world, &installation, 2).await;
    assert_eq!(renewed[0]["status"], "success");
    assert_eq!(
        world.arrived(230).await["repositories"].len(),
        230,
        "each came once"
    );
}

async fn a_customers_schedule_is_checked(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    for (schedule, wrong) in [("0 * * *", "4 parts"), ("* * * * *", "60 seconds apart")] {
        let object = json!({ "objectName": "repositories", "schedule": schedule });
        let body =
            crate::world::steps::install_body("customer-1", json!({ "repositories": object }));
        let answer = world
            .api
            .post(&crate::world::steps::installations(), &body)
            .await;
        let problem = answer.problem(422).to_string();
        assert!(problem.contains(wrong), "{problem}");
    }
}

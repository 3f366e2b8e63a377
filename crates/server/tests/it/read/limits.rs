//! Reads that are limited in time where the provider does not filter by it: by
//! the records' own times, or not at all.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use super::asked::{all, by_time, time};
use super::schedule::{installed, manifest};
use crate::world::World;
use crate::world::steps::everything;

testing::both!(
    a_limited_backfill_goes_by_the_last_change,
    a_limited_backfill_goes_by_the_creation_where_there_is_no_other,
    a_limited_backfill_goes_by_the_providers_own_filter,
    a_range_goes_by_the_records_own_times,
    what_tells_no_time_is_delivered_whole_and_said_once,
);

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Days that reach back to about the middle of the records.
fn days_to(world: &World, middle: jiff::Timestamp) -> i64 {
    world.now().duration_since(middle).as_hours() / 24 + 1
}

async fn a_limited_backfill_goes_by_the_last_change(store: TestStore) {
    check_days(store, "projects", "workspaces/acme/projects", "updated_on").await;
}

async fn a_limited_backfill_goes_by_the_creation_where_there_is_no_other(store: TestStore) {
    check_days(store, "hooks", "workspaces/acme/hooks", "created_at").await;
}

async fn a_limited_backfill_goes_by_the_providers_own_filter(store: TestStore) {
    check_days(store, "repositories", "repositories/acme", "updated_on").await;
}

async fn check_days(store: TestStore, object: &str, path: &str, field: &str) {
    let world = World::start(store).await;
    let (middle, records) = by_time(&world.served(path).await, field);
    let days = days_to(&world, middle);
    let cut = world.now() - DAY * i32::try_from(days).unwrap();
    let mut expected = records.clone();
    expected.retain(|record| time(record, field) >= cut);
    assert!(!expected.is_empty() && expected.len() < records.len());
    let yaml = manifest(object, "", &format!("{{days: {days}}}"));
    let installation = installed(&world, &yaml, object, expected.len()).await;
    let operation = world.operations(&installation).await[object].clone();
    let id = operation["id"].as_str().unwrap();
    assert_eq!(
        all(&world.brought(id).await, "uuid"),
        all(&expected, "uuid")
    );
    // All records came, though not all were wanted: nothing was missed.
    assert!(!world.log(&operation).await.contains("reading once more"));
}

async fn a_range_goes_by_the_records_own_times(store: TestStore) {
    let world = World::start(store).await;
    let installation = installed(
        &world,
        &manifest("projects", "", "{fullHistory: true}"),
        "projects",
        12,
    )
    .await;
    let (middle, records) = by_time(
        &world.served("workspaces/acme/projects").await,
        "updated_on",
    );
    let part = |later: bool| -> Vec<Value> {
        let of = |record: &&Value| (time(record, "updated_on") >= middle) == later;
        records.iter().filter(of).cloned().collect()
    };
    for (keys, expected) in [
        (json!({ "sinceTimestamp": middle }), part(true)),
        (json!({ "untilTimestamp": middle }), part(false)),
        (json!({}), records.clone()),
    ] {
        let id = world.trigger("projects", keys).await;
        assert_eq!(
            all(&world.brought(&id).await, "uuid"),
            all(&expected, "uuid")
        );
        let calls = world.provider.calls("/2.0/workspaces/acme/projects").await;
        assert!(
            calls
                .iter()
                .all(|call| !call["query"].as_str().unwrap().contains("q="))
        );
    }
    let operations = world.operations_count(&installation).await;
    assert_eq!(operations, 4);
}

async fn what_tells_no_time_is_delivered_whole_and_said_once(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    let yaml =
        manifest("members", "", "{days: 3}").replace("{fieldName: uuid}", "{fieldName: user}");
    world.deploy(&yaml).await;
    world.connect("customer-1").await;
    let installation = world
        .install(json!({ "members": everything("members") }))
        .await;
    let members = world.served("workspaces/acme/members").await.len();
    let operation = world.ended(&installation).await["members"].clone();
    assert_eq!(
        world.brought(operation["id"].as_str().unwrap()).await.len(),
        members
    );
    let told = |log: String| log.matches("tell no time of change").count();
    assert_eq!(told(world.log(&operation).await), 1);
    for (keys, expected) in [
        (json!({ "sinceTimestamp": "2026-01-01T00:00:00Z" }), 1),
        (json!({}), 0),
    ] {
        let id = world.trigger("members", keys).await;
        assert_eq!(world.brought(&id).await.len(), members);
        let operation = world.operation(&id).await;
        assert_eq!(told(world.log(&operation).await), expected);
    }
}

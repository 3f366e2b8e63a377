//! Conditions on fields: checked by the provider where it can, here where it
//! cannot, and refused where they make no sense.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use super::asked::{all, by_time};
use super::schedule::{manifest, runs};
use crate::world::World;
use crate::world::steps::{GROUP, install_body, installations};

testing::both!(
    conditions_are_checked_wherever_they_can_be,
    no_value_gets_out_of_its_condition,
    a_backfill_may_have_its_own_conditions,
    what_a_backfill_drops_meanwhile_is_not_lost,
    a_list_is_filtered_and_still_known_to_be_whole,
    conditions_that_make_no_sense_are_refused,
);

fn filter(field: &str, value: Value) -> Value {
    json!({ "fieldName": field, "operator": "eq", "value": value })
}

/// Installs one object with those filters, on a manifest that backfills all.
async fn installed(world: &World, object: &str, keys: Value) -> Value {
    let mut chosen = json!({ "objectName": object, "selectedFieldsAuto": "all" });
    let more = keys.as_object().unwrap().clone();
    chosen.as_object_mut().unwrap().extend(more);
    world.install(json!({ object: chosen })).await
}

async fn prepared(store: TestStore, object: &str) -> World {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world
        .deploy(&manifest(object, "0 * * * *", "{fullHistory: true}"))
        .await;
    world.connect(GROUP).await;
    world
}

async fn conditions_are_checked_wherever_they_can_be(store: TestStore) {
    let world = prepared(store, "repositories").await;
    let records = world.served("repositories/acme").await;
    let one = &records[17];
    let key = one["project"]["key"].clone();
    let filters = json!([
        filter("project.key", key.clone()),
        filter("is_private", one["is_private"].clone()),
        // Nothing that Bitbucket filters by.
        filter("$['workspace']['slug']", json!("acme")),
    ]);
    let installation = installed(&world, "repositories", json!({ "fieldFilters": filters })).await;
    let operation = world.ended(&installation).await["repositories"].clone();
    let brought = world.brought(operation["id"].as_str().unwrap()).await;
    let mut expected = records.clone();
    expected.retain(|record| {
        record["project"]["key"] == key && record["is_private"] == one["is_private"]
    });
    assert!(!expected.is_empty() && expected.len() < records.len());
    assert_eq!(all(&brought, "uuid"), all(&expected, "uuid"));
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    let asked = calls.last().unwrap()["query"].as_str().unwrap().to_owned();
    assert!(
        asked.contains("project.key") && asked.contains("is_private"),
        "{asked}"
    );
    assert!(!asked.contains("workspace"), "{asked}");
    // The same holds for what is read on schedule, and when somebody asks.
    let id = world.trigger("repositories", json!({})).await;
    assert_eq!(
        all(&world.brought(&id).await, "uuid"),
        all(&expected, "uuid")
    );
    for record in [
        one,
        records.iter().find(|r| r["project"]["key"] != key).unwrap(),
    ] {
        let touch = json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "name": record["slug"] });
        world.provider.mutate(touch).await;
    }
    world.clock.advance(SignedDuration::from_hours(2));
    let scheduled = runs(&world, &installation, 3).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        all(&world.brought(&scheduled).await, "uuid"),
        [one["uuid"].as_str().unwrap()]
    );
}

async fn no_value_gets_out_of_its_condition(store: TestStore) {
    let world = prepared(store, "repositories").await;
    let hostile = r#"x" OR name != "x\"#;
    let installation = installed(
        &world,
        "repositories",
        json!({ "fieldFilters": [filter("name", json!(hostile))] }),
    )
    .await;
    let operation = world.ended(&installation).await["repositories"].clone();
    assert_eq!(operation["status"], "success", "{operation}");
    assert_eq!(operation["metadata"]["progress"]["recordsProcessed"], 0);
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    assert!(calls.iter().all(|call| call["status"] == 200), "{calls:?}");
    assert!(
        calls
            .iter()
            .all(|call| !call["query"].as_str().unwrap().contains("name")),
        "{calls:?}"
    );
}

async fn a_backfill_may_have_its_own_conditions(store: TestStore) {
    let world = prepared(store, "repositories").await;
    let records = world.served("repositories/acme").await;
    let private = |record: &&Value| record["is_private"] == true;
    let count = records.iter().filter(private).count();
    let keys = json!({
        "fieldFilters": [filter("is_private", json!(false))],
        "backfill": { "defaultPeriod": { "fullHistory": true }, "fieldFilters": [filter("is_private", json!(true))] },
    });
    let installation = installed(&world, "repositories", keys).await;
    let operation = world.ended(&installation).await["repositories"].clone();
    let brought = world.brought(operation["id"].as_str().unwrap()).await;
    assert_eq!(brought.len(), count);
    assert!(brought.iter().all(|record| record["is_private"] == true));
    let public = records.iter().find(|record| !private(record)).unwrap();
    for record in [public, records.iter().find(private).unwrap()] {
        let touch = json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "name": record["slug"] });
        world.provider.mutate(touch).await;
    }
    world.clock.advance(SignedDuration::from_hours(2));
    let scheduled = runs(&world, &installation, 2).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // Only what changed since, and not all the public ones of before.
    assert_eq!(
        all(&world.brought(&scheduled).await, "uuid"),
        [public["uuid"].as_str().unwrap()]
    );
}

async fn what_a_backfill_drops_meanwhile_is_not_lost(store: TestStore) {
    let world = prepared(store, "repositories").await;
    let (_, records) = by_time(&world.served("repositories/acme").await, "updated_on");
    // Neither is a field that Bitbucket filters by, so the backfill sees them all.
    let keys = json!({
        "fieldFilters": [filter("$['workspace']['slug']", json!("acme"))],
        "backfill": {
            "defaultPeriod": { "fullHistory": true },
            "fieldFilters": [filter("$['workspace']['slug']", json!("another"))],
        },
    });
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let installation = installed(&world, "repositories", keys).await;
    world.provider.parked(barrier).await;
    let slug = records[220]["slug"].clone();
    let touch =
        json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "name": slug });
    world.provider.mutate(touch).await;
    world.provider.release(barrier).await;
    let operation = world.ended(&installation).await["repositories"].clone();
    assert_eq!(operation["metadata"]["progress"]["recordsProcessed"], 0);
    world.clock.advance(SignedDuration::from_hours(2));
    let ended = runs(&world, &installation, 2).await;
    let brought = world.brought(ended[0]["id"].as_str().unwrap()).await;
    assert_eq!(all(&brought, "slug"), [slug.as_str().unwrap()]);
}

async fn a_list_is_filtered_and_still_known_to_be_whole(store: TestStore) {
    let world = prepared(store, "projects").await;
    let records = world.served("workspaces/acme/projects").await;
    let key = records[4]["key"].clone();
    let installation = installed(
        &world,
        "projects",
        json!({ "fieldFilters": [filter("key", key.clone())] }),
    )
    .await;
    let operation = world.ended(&installation).await["projects"].clone();
    let brought = world.brought(operation["id"].as_str().unwrap()).await;
    assert_eq!(all(&brought, "key"), [key.as_str().unwrap()]);
    let calls = world.provider.calls("/2.0/workspaces/acme/projects").await;
    assert_eq!(
        calls
            .iter()
            .filter(|call| call["query"] != "pagelen=100")
            .count(),
        0,
        "{calls:?}"
    );
    assert!(!world.log(&operation).await.contains("reading once more"));
}

async fn conditions_that_make_no_sense_are_refused(store: TestStore) {
    let world = prepared(store, "repositories").await;
    let object = json!({
        "objectName": "repositories",
        "fieldFilters": [
            { "fieldName": "size", "operator": "gt", "value": 7 },
            { "fieldName": "name", "operator": "eq" },
            filter("slug", json!("a")),
            filter("slug", json!("b")),
        ],
        "backfill": { "defaultPeriod": { "days": 1 }, "fieldFilters": [filter("project", json!({}))] },
    });
    let body = install_body(GROUP, json!({ "repositories": object }));
    let problem = world.api.post(&installations(), &body).await.problem(422);
    let causes = problem["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 4, "{problem}");
    for (cause, words) in causes.iter().zip([
        "`fieldFilters[0]`: the operator `gt` is not known",
        "`fieldFilters[1]`: the field `name` is given no `value`",
        "`fieldFilters[3]`: the field has a condition already",
        "`backfill.fieldFilters[0]`: the `value` for `project`",
    ]) {
        let cause = cause.as_str().unwrap();
        assert!(
            cause.contains("`repositories`") && cause.contains(words),
            "{cause}"
        );
    }
}

//! Reads that somebody asks for: what they bring, when, and what they leave alone.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use super::asked::{address, all, body, by_time, time};
use super::schedule::{installed, manifest, runs};
use crate::world::steps::{everything, installations};
use crate::world::{MANIFEST, World};

testing::both!(
    a_range_is_brought_again_each_record_once,
    what_is_wrong_with_a_request_is_told,
    objects_and_integrations_go_by_any_of_their_names,
    reads_of_one_object_follow_one_another,
    what_waits_is_begun_before_what_is_due,
    a_range_moves_no_watermark,
    a_range_after_a_failed_backfill_hides_nothing,
    a_record_that_changes_meanwhile_comes_as_it_is,
    a_whole_read_leaves_nothing_to_repeat,
    an_object_that_is_switched_off_is_not_read,
);

const YEARLY: &str = "0 0 1 1 *";
const ALL: &str = "{fullHistory: true}";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn a_range_is_brought_again_each_record_once(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", YEARLY, ALL);
    installed(&world, &yaml, "repositories", 230).await;
    let records = world.served("repositories/acme").await;
    let (middle, records) = by_time(&records, "updated_on");
    let later = time(&records[200], "updated_on");
    for (keys, since, until) in [
        (json!({}), None, None),
        (json!({ "sinceTimestamp": middle }), Some(middle), None),
        (json!({ "untilTimestamp": middle }), None, Some(middle)),
        (
            json!({ "sinceTimestamp": middle, "untilTimestamp": later }),
            Some(middle),
            Some(later),
        ),
        (
            json!({ "sinceTimestamp": null, "untilTimestamp": null }),
            None,
            None,
        ),
        (
            json!({ "sinceTimestamp": "2200-01-01T00:00:00+01:00" }),
            Some("2199-12-31T23:00:00Z".parse().unwrap()),
            None,
        ),
    ] {
        let id = world.trigger("repositories", keys.clone()).await;
        let brought = world.brought(&id).await;
        let mut expected = records.clone();
        expected.retain(|record| {
            let time = time(record, "updated_on");
            since.is_none_or(|since| time >= since) && until.is_none_or(|until| time < until)
        });
        assert_eq!(all(&brought, "uuid"), all(&expected, "uuid"), "{keys}");
    }
    let types: Vec<Value> = world
        .receiver
        .taken()
        .iter()
        .map(|delivery| delivery.message()["readType"].clone())
        .collect();
    assert!(types.contains(&json!("triggered")) && !types.contains(&json!("scheduled")));
    // Both ends are part of the question that the provider is asked.
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    let asked = |text: &str| {
        calls
            .iter()
            .any(|call| call["query"].as_str().unwrap().contains(text))
    };
    assert!(asked("%20AND%20updated_on%20%3C%20"), "{calls:?}");
}

async fn what_is_wrong_with_a_request_is_told(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let off = json!({ "objectName": "projects", "disabled": true });
    world
        .install(json!({ "repos": everything("repositories"), "projects": off }))
        .await;
    for (object, keys, wrong) in [
        (
            "repos",
            json!({ "mode": "sync" }),
            "`sync` is not supported",
        ),
        ("repos", json!({ "mode": null }), "mode"),
        (
            "repos",
            json!({ "groupRef": "nobody" }),
            "`nobody` has not installed",
        ),
        ("repos", json!({ "groupRef": null }), "groupRef"),
        (
            "repos",
            json!({ "sinceTimestamp": "yesterday" }),
            "`sinceTimestamp` is not a time",
        ),
        (
            "repos",
            json!({ "untilTimestamp": "" }),
            "`untilTimestamp` is not a time",
        ),
        (
            "repos",
            json!({ "untilTimestamp": "2026-01-01" }),
            "`untilTimestamp` is not a time",
        ),
        (
            "repos",
            json!({ "sinceTimestamp": "2026-01-02T00:00:00Z", "untilTimestamp": "2026-01-01T00:00:00Z" }),
            "is after",
        ),
        ("projects", json!({}), "`projects` is not enabled"),
        ("hooks", json!({}), "reads no object `hooks`"),
        ("repos/more", json!({}), "reads no object `repos/more`"),
    ] {
        let problem = world.ask(object, keys.clone()).await.problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(wrong), "{object} {keys}: {detail}");
        if !wrong.starts_with(['m', 'g']) {
            assert!(problem["remedy"].is_string(), "{problem}");
        }
    }
    let unknown = world
        .api
        .post(&address("nothing", "repos"), &body(json!({})))
        .await;
    unknown.problem(404);
    let browser = world
        .api
        .with_key(&world.add_key(crate::world::PROJECT, &["frontend"]).await);
    let address = address("bitbucket-sync", "repos");
    browser.post(&address, &body(json!({}))).await.problem(403);
    world
        .api
        .without_key()
        .post(&address, &body(json!({})))
        .await
        .problem(401);
    // Nothing was begun by any of them.
    let id = world.trigger("repos", json!({})).await;
    assert_eq!(world.operation(&id).await["status"], "in_progress");
}

async fn objects_and_integrations_go_by_any_of_their_names(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let more = "        - objectName: pipelines-config/variables\n          mapToName: our/variables\n          \
                destination: inbox\n          optionalFieldsAuto: all\n    proxy:\n";
    let integration = world.deploy(&MANIFEST.replace("    proxy:\n", more)).await;
    let variables = everything("pipelines-config/variables");
    world
        .install(json!({ "pipelines-config/variables": variables }))
        .await;
    for integration in ["bitbucket-sync", integration["id"].as_str().unwrap()] {
        for object in [
            "pipelines-config/variables",
            "pipelines-config%2Fvariables",
            "our/variables",
            "our%2fvariables",
        ] {
            let address = address(integration, object);
            let answer = world.api.post(&address, &body(json!({}))).await.json(201);
            let id = answer["operationId"].as_str().unwrap();
            assert!(!world.brought(id).await.is_empty());
            let operation = world.operation(id).await;
            let objects = &operation["metadata"]["objects"];
            assert_eq!(*objects, json!(["pipelines-config/variables"]));
        }
    }
}

async fn reads_of_one_object_follow_one_another(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(&manifest("repositories", "", ALL)).await;
    world.connect("customer-1").await;
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let installation = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    world.provider.parked(barrier).await;
    let calls = world.provider.calls("/2.0/repositories/acme").await.len();
    let first = world.trigger("repositories", json!({})).await;
    let second = world
        .trigger(
            "repositories",
            json!({ "sinceTimestamp": "2000-01-01T00:00:00Z" }),
        )
        .await;
    // They are there at once, and wait: the backfill holds the object.
    for id in [&first, &second] {
        let operation = world.operation(id).await;
        assert_eq!(operation["status"], "in_progress");
        assert_eq!(operation["metadata"]["progress"]["recordsProcessed"], 0);
    }
    assert_eq!(
        world.provider.calls("/2.0/repositories/acme").await.len(),
        calls
    );
    world.provider.release(barrier).await;
    let ended = runs(&world, &installation, 3).await;
    assert!(
        ended.iter().all(|run| run["status"] == "success"),
        "{ended:?}"
    );
    assert_eq!(world.brought(&first).await.len(), 230);
    assert_eq!(world.brought(&second).await.len(), 230);
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    let begins = |call: &&Value| !call["query"].as_str().unwrap().contains("q=");
    assert_eq!(
        calls.iter().filter(begins).count(),
        2,
        "the backfill and the first: {calls:?}"
    );
    let since = calls
        .iter()
        .position(|call| call["query"].as_str().unwrap().contains("2000-01-01"));
    assert!(
        since.unwrap() >= 6,
        "the second began after both: {calls:?}"
    );
}

async fn what_waits_is_begun_before_what_is_due(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.destination().await;
    world
        .deploy(&manifest("repositories", "0 * * * *", "{days: 0}"))
        .await;
    world.connect("customer-1").await;
    let installation = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    world.clock.advance(HOUR * 2);
    // Both are ready, and nobody works yet.
    let id = world.trigger("repositories", json!({})).await;
    world.work();
    let ended = runs(&world, &installation, 2).await;
    assert_eq!(ended[1]["id"], id.as_str());
    assert!(
        ended.iter().all(|run| run["status"] == "success"),
        "{ended:?}"
    );
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    assert!(
        !calls[0]["query"].as_str().unwrap().contains("q="),
        "{calls:?}"
    );
    // The tick was not lost to it, and comes once.
    world.clock.advance(SignedDuration::from_mins(70));
    runs(&world, &installation, 3).await;
}

async fn a_range_moves_no_watermark(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", "0 * * * *", ALL);
    let installation = installed(&world, &yaml, "repositories", 230).await;
    let touch = |index: u32| json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "index": index });
    let early = world.provider.mutate(touch(1)).await;
    let late = world.provider.mutate(touch(2)).await;
    // One range ends before the second change, the other begins with it.
    let border = late[0]["updated_on"].clone();
    let until = world
        .trigger("repositories", json!({ "untilTimestamp": border }))
        .await;
    assert_eq!(world.brought(&until).await.len(), 229);
    let since = world
        .trigger("repositories", json!({ "sinceTimestamp": border }))
        .await;
    assert_eq!(
        all(&world.brought(&since).await, "full_name"),
        all(late.as_array().unwrap(), "full_name")
    );
    world.provider.mutate(touch(3)).await;
    world.clock.advance(HOUR * 2);
    let scheduled = runs(&world, &installation, 4).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // What the ranges brought has been brought; the rest comes.
    let brought = world.brought(&scheduled).await;
    assert_eq!(brought.len(), 1, "{brought:?}");
    let everything: Vec<Value> = [until, since, scheduled]
        .iter()
        .flat_map(|id| world.records_of(id))
        .collect();
    for changed in [&early[0], &late[0], &brought[0]] {
        assert!(
            everything
                .iter()
                .any(|record| record["full_name"] == changed["full_name"])
        );
    }
}

async fn a_range_after_a_failed_backfill_hides_nothing(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world
        .deploy(&manifest("repositories", "0 * * * *", ALL))
        .await;
    world.connect("customer-1").await;
    let refusal = json!({ "kind": "respond", "status": 403, "content_type": "application/json",
        "body": r#"{"type":"error","error":{"message":"No"}}"# });
    world
        .provider
        .fault("/2.0/repositories/acme", 1, 0, refusal)
        .await;
    let installation = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    assert_eq!(runs(&world, &installation, 1).await[0]["status"], "failure");
    world.provider.mend().await;
    let (middle, records) = by_time(&world.served("repositories/acme").await, "updated_on");
    let recent = |record: &&Value| time(record, "updated_on") >= middle;
    let recent = records.iter().filter(recent).count();
    let keys = json!({ "sinceTimestamp": middle });
    let id = world.trigger("repositories", keys).await;
    assert_eq!(world.brought(&id).await.len(), recent);
    world.clock.advance(HOUR * 2);
    let ended = runs(&world, &installation, 3).await;
    let brought = world.brought(ended[0]["id"].as_str().unwrap()).await;
    // All that has not been brought.
    assert_eq!(brought.len(), records.len() - recent);
}

async fn a_record_that_changes_meanwhile_comes_as_it_is(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", YEARLY, ALL);
    installed(&world, &yaml, "repositories", 230).await;
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let id = world.trigger("repositories", json!({})).await;
    world.provider.parked(barrier).await;
    let (_, records) = by_time(&world.served("repositories/acme").await, "updated_on");
    let name = |n: usize| records[n]["slug"].clone();
    for slug in [name(5), name(150)] {
        let touch =
            json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "name": slug });
        world.provider.mutate(touch).await;
    }
    world.provider.release(barrier).await;
    let brought = world.brought(&id).await;
    // The first had been brought as it was, so it comes as it is now too.
    assert_eq!(brought.len(), 231);
    let count = |n: usize| {
        brought
            .iter()
            .filter(|r| r["uuid"] == records[n]["uuid"])
            .count()
    };
    assert_eq!((count(5), count(150)), (2, 1));
}

async fn a_whole_read_leaves_nothing_to_repeat(store: TestStore) {
    let world = World::start(store).await;
    let yaml = manifest("repositories", "0 * * * *", "{days: 0}");
    let installation = installed(&world, &yaml, "repositories", 0).await;
    let add = json!({ "kind": "add", "object": "repositories", "workspace": "acme", "count": 2 });
    world.provider.mutate(add).await;
    let id = world.trigger("repositories", json!({})).await;
    assert_eq!(world.brought(&id).await.len(), 232);
    world.clock.advance(HOUR * 2);
    let scheduled = runs(&world, &installation, 2).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(world.brought(&scheduled).await.len(), 0);
}

async fn an_object_that_is_switched_off_is_not_read(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installation = world
        .install(json!({ "repos": everything("repositories") }))
        .await;
    // In the manifest, and not among what this customer chose.
    let problem = world.ask("projects", json!({})).await.problem(400);
    assert!(
        problem["detail"].as_str().unwrap().contains("not enabled"),
        "{problem}"
    );
    let id = installation["id"].as_str().unwrap();
    let operations = world
        .api
        .get(&format!("{}/{id}/operations", installations()))
        .await
        .json(200);
    assert_eq!(
        operations["results"].as_array().unwrap().len(),
        1,
        "the backfill alone"
    );
}

//! The look at one record before anything is installed.

use serde_json::{Value, json};
use testing::TestStore;

use super::schedule::manifest;
use crate::world::World;
use crate::world::steps::{GROUP, install_body, installations};

testing::both!(
    a_field_that_does_not_exist_is_refused,
    a_field_that_a_record_has_is_good,
    what_is_known_is_not_looked_for,
    only_what_is_scheduled_is_looked_at,
    nothing_that_goes_wrong_keeps_from_installing,
    a_provider_that_takes_its_time_keeps_from_nothing,
);

const HOURLY: &str = "0 * * * *";

async fn prepared(store: TestStore, object: &str, schedule: &str) -> World {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.destination().await;
    world
        .deploy(&manifest(object, schedule, "{days: 0}").replace("{fieldName: uuid}", ""))
        .await;
    world.connect(GROUP).await;
    world
}

fn choosing(object: &str, field: &str) -> Value {
    let chosen = json!({ "objectName": object, "selectedFields": { field: true } });
    install_body(GROUP, json!({ object: chosen }))
}

async fn a_field_that_does_not_exist_is_refused(store: TestStore) {
    let world = prepared(store, "repositories", HOURLY).await;
    let mut body = choosing("repositories", "colour");
    let object = &mut body["config"]["content"]["read"]["objects"]["repositories"];
    object["selectedFieldMappings"] =
        json!({ "shade": "$['tint']['name']", "good": "$['project']['key']" });
    object["fieldFilters"] = json!([{ "fieldName": "hue.name", "operator": "eq", "value": "red" }]);
    let problem = world.api.post(&installations(), &body).await.problem(422);
    let causes: Vec<&str> = problem["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c.as_str().unwrap())
        .collect();
    assert_eq!(causes.len(), 3, "{problem}");
    for (cause, field) in causes.iter().zip(["`colour`", "`hue`", "`tint`"]) {
        assert!(
            cause.contains("`repositories`") && cause.contains(field),
            "{cause}"
        );
    }
    assert!(
        problem["remedy"].as_str().unwrap().contains("skipSampling"),
        "{problem}"
    );
    // One record was asked for, and nothing is installed.
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    assert_eq!(calls.len(), 1);
    assert!(
        calls[0]["query"].as_str().unwrap().contains("pagelen=1"),
        "{calls:?}"
    );
    assert_eq!(world.api.get(&installations()).await.json(200), json!([]));
    let unlooked = format!("{}?skipSampling=true", installations());
    world.api.post(&unlooked, &body).await.json(201);
    assert_eq!(
        world.provider.calls("/2.0/repositories/acme").await.len(),
        1
    );
}

/// Answers the next request for an object with one record, or none.
async fn answer(world: &World, path: &str, values: Value) {
    let body = json!({ "values": values, "size": 0 }).to_string();
    let action = json!({ "kind": "respond", "status": 200, "content_type": "application/json", "body": body });
    world.provider.fault(path, 1, 1, action).await;
}

async fn a_field_that_a_record_has_is_good(store: TestStore) {
    let world = prepared(store, "projects", HOURLY).await;
    let path = "/2.0/workspaces/acme/projects";
    // An empty collection goes by the table.
    answer(&world, path, json!([])).await;
    let problem = world
        .api
        .post(&installations(), &choosing("projects", "colour"))
        .await
        .problem(422);
    assert!(problem.to_string().contains("`colour`"), "{problem}");
    answer(&world, path, json!([{ "uuid": "{1}", "colour": null }])).await;
    world
        .api
        .post(&installations(), &choosing("projects", "colour"))
        .await
        .json(201);
}

async fn what_is_known_is_not_looked_for(store: TestStore) {
    let world = prepared(store, "repositories", HOURLY).await;
    // In the table, though only forks have it.
    world
        .api
        .post(&installations(), &choosing("repositories", "parent"))
        .await
        .json(201);
    assert!(
        world
            .provider
            .calls("/2.0/repositories/acme")
            .await
            .is_empty()
    );
}

async fn only_what_is_scheduled_is_looked_at(store: TestStore) {
    let world = prepared(store, "repositories", "").await;
    world
        .api
        .post(&installations(), &choosing("repositories", "colour"))
        .await
        .json(201);
    assert!(
        world
            .provider
            .calls("/2.0/repositories/acme")
            .await
            .is_empty()
    );
}

async fn nothing_that_goes_wrong_keeps_from_installing(store: TestStore) {
    let world = prepared(store, "repositories", HOURLY).await;
    let wrong = [
        json!({ "kind": "html_error" }),
        json!({ "kind": "html_not_found" }),
        json!({ "kind": "close" }),
        json!({ "kind": "truncate", "keep_bytes": 100 }),
        json!({ "kind": "respond", "status": 403, "content_type": "application/json", "body": "{}" }),
        json!({ "kind": "rate_limited", "retry_after": 1 }),
    ];
    for (number, action) in wrong.into_iter().enumerate() {
        let group = format!("customer-{number}");
        world.connect(&group).await;
        world
            .provider
            .fault("/2.0/repositories/acme", 1, 1, action.clone())
            .await;
        let mut body = choosing("repositories", "colour");
        body["groupRef"] = json!(group);
        let answer = world.api.post(&installations(), &body).await;
        assert_eq!(answer.status, 201, "{action}: {}", answer.text());
        world.provider.mend().await;
    }
    // Credentials that are no good any more.
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    world.connect("customer-last").await;
    world.provider.end_tokens(true, true).await;
    let mut body = choosing("repositories", "colour");
    body["groupRef"] = json!("customer-last");
    world.api.post(&installations(), &body).await.json(201);
    // What the provider has removed is not asked for.
    let linkers =
        manifest("addon/linkers", HOURLY, "{days: 0}").replace("bitbucket-sync", "removed");
    world.deploy(&linkers).await;
    let path = installations().replace("bitbucket-sync", "removed");
    world
        .api
        .post(&path, &choosing("addon/linkers", "colour"))
        .await
        .json(201);
    assert!(world.provider.calls("/2.0/addon/linkers").await.is_empty());
}

/// It is answered though the provider never answers.
async fn a_provider_that_takes_its_time_keeps_from_nothing(store: TestStore) {
    let world = prepared(store, "repositories", HOURLY).await;
    let barrier = world.provider.park("/2.0/repositories/acme", 1).await;
    world
        .api
        .post(&installations(), &choosing("repositories", "colour"))
        .await
        .json(201);
    world.provider.release(barrier).await;
}

//! Creates whose answer is lost: each is looked for before it is sent again.

use serde_json::{Value, json};
use testing::TestStore;

use super::{batch, everything, one};
use crate::world::World;

testing::both!(
    what_was_made_is_found,
    what_cannot_be_told_is_said,
    a_waiting_caller_is_told_the_truth,
    creates_that_are_alike_have_one_record_each,
);

const VARIABLES: &str = "pipelines-config/variables";

/// The answer breaks off: the work is done, and nobody hears of it.
async fn lose_answers(world: &World, path: &str, times: u32) {
    let cut = json!({ "kind": "truncate", "keep_bytes": 10 });
    world.provider.fault(path, 1, times, cut).await;
}

fn path_of(object: &str) -> String {
    match object {
        "snippets" => "/2.0/snippets/acme".to_owned(),
        other => format!("/2.0/workspaces/acme/{other}"),
    }
}

fn cases() -> Vec<(&'static str, Value)> {
    vec![
        ("projects", json!({ "key": "LOST", "title": "Lost" })),
        (VARIABLES, json!({ "key": "LOST", "value": "v" })),
        (
            "hooks",
            json!({ "url": "http://127.0.0.1:9/lost", "events": ["repo:push"], "secret": "s" }),
        ),
        (
            "snippets",
            json!({ "title": "Lost", "files": { "a.txt": "a" } }),
        ),
    ]
}

async fn count(world: &World, object: &str) -> usize {
    let path = path_of(object).replace("/2.0", "");
    let list = world.shown(&format!("{path}?pagelen=100")).await;
    usize::try_from(list["size"].as_u64().unwrap()).unwrap()
}

async fn what_was_made_is_found(store: TestStore) {
    let world = World::start(store).await;
    world.writes(json!({}), everything()).await;
    for (object, record) in cases() {
        let before = count(&world, object).await;
        lose_answers(&world, &path_of(object), 1).await;
        let mut body = one("create", record);
        body["mode"] = json!("asynchronous");
        let answer = world.write(object, &body).await.json(200);
        let operation = world.write_ended(&answer["operationId"]).await;
        assert_eq!(operation["status"], "success", "{object}: {operation}");
        assert_eq!(count(&world, object).await, before + 1, "{object}");
    }
}

async fn what_cannot_be_told_is_said(store: TestStore) {
    let world = World::start(store).await;
    world.writes(json!({}), everything()).await;
    for (object, record, why) in [
        (
            VARIABLES,
            json!({ "key": "S", "value": "v", "secured": true }),
            "secured variable",
        ),
        ("snippets", json!({ "is_private": true }), "without a title"),
    ] {
        let before = count(&world, object).await;
        lose_answers(&world, &path_of(object), 1).await;
        let mut body = one("create", record);
        body["mode"] = json!("asynchronous");
        let answer = world.write(object, &body).await.json(200);
        let operation = world.write_ended(&answer["operationId"]).await;
        assert_eq!(operation["status"], "failure", "{object}: {operation}");
        let result = operation["result"].as_str().unwrap();
        assert!(
            result.contains("cannot be known") && result.contains(why),
            "{result}"
        );
        assert_eq!(count(&world, object).await, before + 1, "{object}");
    }
}

async fn a_waiting_caller_is_told_the_truth(store: TestStore) {
    let world = World::start(store).await;
    world.writes(json!({}), everything()).await;
    for (object, record) in cases() {
        lose_answers(&world, &path_of(object), 1).await;
        let answer = world.write(object, &one("create", record)).await.json(200);
        assert!(
            answer["result"]["recordId"].is_string(),
            "{object}: {answer}"
        );
    }
    world
        .provider
        .fault(&path_of("projects"), 1, 1, json!({ "kind": "html_error" }))
        .await;
    let record = json!({ "key": "NONE", "title": "None" });
    let answer = world
        .write("projects", &one("create", record.clone()))
        .await
        .json(422);
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("nothing was made"), "{message}");
    world
        .provider
        .fault(&path_of("projects"), 1, 2, json!({ "kind": "html_error" }))
        .await;
    let answer = world
        .write("projects", &one("create", record))
        .await
        .json(422);
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("cannot be known"), "{message}");
}

async fn creates_that_are_alike_have_one_record_each(store: TestStore) {
    let world = World::start(store).await;
    world.writes(json!({}), everything()).await;
    let hook = json!({ "url": "http://127.0.0.1:9/alike", "events": ["repo:push"] });
    let twice = batch("create", &[hook.clone(), hook]);
    let before = count(&world, "hooks").await;
    // Both are made, and nobody hears of either.
    lose_answers(&world, &path_of("hooks"), 2).await;
    let answer = world.write("hooks", &twice).await.json(200);
    assert_eq!(answer["successCount"], 2, "{answer}");
    let results = answer["results"].as_array().unwrap();
    assert_ne!(results[0]["recordId"], results[1]["recordId"], "{answer}");
    assert_eq!(count(&world, "hooks").await, before + 2);
    // One is made, and of the other nothing: it is not taken for the first.
    let path = path_of("hooks");
    let failing = json!({ "kind": "html_error" });
    world.provider.fault(&path, 2, 1, failing).await;
    let answer = world.write("hooks", &twice).await.json(200);
    assert_eq!(answer["successCount"], 1, "{answer}");
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("nothing was made"), "{message}");
    assert_eq!(count(&world, "hooks").await, before + 3);
}

//! Each object's create, update and delete: what is asked, what is answered, and what
//! Bitbucket has then.

use serde_json::{Value, json};
use testing::TestStore;

use super::{batch, idle, one};
use crate::world::World;

testing::both!(
    projects_are_written,
    hooks_are_written,
    variables_are_written,
    snippets_are_written,
    a_batch_has_a_result_for_each,
    a_hundred_records_go_out_a_few_at_a_time,
);

/// A write that succeeds; its `recordId` and the record.
async fn written(world: &World, object: &str, body: &Value) -> (String, Value) {
    let answer = world.write(object, body).await.json(200);
    assert_eq!(answer["result"]["success"], true, "{answer}");
    assert!(answer["operationId"].is_string());
    let operation = world.write_ended(&answer["operationId"]).await;
    assert_eq!(operation["status"], "success", "{operation}");
    assert_eq!(operation["actionType"], "write");
    let id = answer["result"]["recordId"].as_str().unwrap_or_default();
    (id.to_owned(), answer["result"]["data"].clone())
}

async fn deleted(world: &World, object: &str, id: &str) {
    let answer = world
        .write(object, &one("delete", json!({ "id": id })))
        .await;
    let answer = answer.json(200);
    assert_eq!(answer["result"], json!({ "success": true }), "{answer}");
    let answer = world
        .write(object, &one("delete", json!({ "id": id })))
        .await;
    let answer = answer.json(422);
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("found no"), "{message}");
    assert!(answer["rawResponse"].as_str().unwrap().contains("error"));
}

async fn projects_are_written(store: TestStore) {
    let world = idle(store).await;
    let new = json!({ "id": "ignored", "key": "NEW", "title": "New", "description": "First", "is_private": false });
    let (id, data) = written(&world, "projects", &one("create", new)).await;
    assert_eq!((id.as_str(), &data["name"]), ("NEW", &json!("New")));
    assert_eq!(data["is_private"], false);

    // What is not named stays.
    let change = json!({ "id": "NEW", "title": "Newer" });
    let (id, data) = written(&world, "teams", &one("update", change)).await;
    assert_eq!((id.as_str(), &data["name"]), ("NEW", &json!("Newer")));
    let there = world.shown("/workspaces/acme/projects/NEW").await;
    assert_eq!(there["description"], "First");
    assert_eq!(there["is_private"], false);

    // A change of the key moves it, and it is called by the new one from then on.
    let change = json!({ "id": "NEW", "key": "MOVED" });
    let (id, data) = written(&world, "projects", &one("update", change)).await;
    assert_eq!((id.as_str(), &data["key"]), ("MOVED", &json!("MOVED")));
    assert_eq!(data["name"], "Newer");

    // By its UUID, with and without braces.
    let uuid = data["uuid"].as_str().unwrap();
    let bare = uuid.trim_matches(['{', '}']);
    for id in [uuid, bare] {
        let change = json!({ "id": id, "description": id });
        let (key, data) = written(&world, "projects", &one("update", change)).await;
        assert_eq!((key.as_str(), &data["description"]), ("MOVED", &json!(id)));
    }

    // Nothing is made by accident.
    for id in ["ABSENT", "{00000000-0000-0000-0000-000000000000}"] {
        let change = json!({ "id": id, "title": "x" });
        let answer = world.write("projects", &one("update", change)).await;
        let message = answer.json(422)["errors"][0]["message"].to_string();
        assert!(message.contains("found no"), "{message}");
    }
    let all = world.shown("/workspaces/acme/projects?pagelen=100").await;
    assert_eq!(all["size"], 13, "{all}");
    deleted(&world, "projects", "MOVED").await;
}

async fn hooks_are_written(store: TestStore) {
    let world = idle(store).await;
    let new = json!({
        "url": "http://127.0.0.1:9/hook", "description": "Ours", "active": true,
        "events": ["repo:push"], "secret": "s3cret",
    });
    let (id, data) = written(&world, "hooks", &one("create", new)).await;
    assert!(id.starts_with('{'), "{id}");
    assert_eq!(data["secret_set"], true);
    assert!(data.get("secret").is_none(), "{data}");
    let bare = id.trim_matches(['{', '}']).to_owned();
    // Partial, by the bare UUID: the secret stays.
    let change = json!({ "id": bare, "active": false });
    let (same, data) = written(&world, "hooks", &one("update", change)).await;
    assert_eq!((&same, &data["active"]), (&id, &json!(false)));
    assert_eq!(data["secret_set"], true);
    assert_eq!(data["url"], "http://127.0.0.1:9/hook");
    assert_eq!(data["events"], json!(["repo:push"]));
    // Null takes it away.
    let change = json!({ "id": id, "secret": null });
    let (_, data) = written(&world, "hooks", &one("update", change)).await;
    assert_eq!(data["secret_set"], false);
    deleted(&world, "hooks", &bare).await;
}

async fn variables_are_written(store: TestStore) {
    let world = idle(store).await;
    let object = "pipelines-config/variables";
    let new = json!({ "key": "REGION", "value": "eu" });
    let (open, data) = written(&world, object, &one("create", new.clone())).await;
    assert_eq!(data["secured"], false);
    let change = json!({ "id": open, "value": "us" });
    let (id, data) = written(
        &world,
        "pipelines-config%2Fvariables",
        &one("update", change),
    )
    .await;
    assert_eq!((&id, &data["value"]), (&open, &json!("us")));
    assert_eq!(data["key"], "REGION");

    // The value of a secured one is never told, and never emptied.
    let new = json!({ "key": "TOKEN", "value": "t", "secured": true });
    let (secured, data) = written(&world, object, &one("create", new)).await;
    assert!(data.get("value").is_none());
    let change = json!({ "id": secured, "key": "TOKEN_2" });
    let answer = world.write(object, &one("update", change)).await.json(422);
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("value: is required"), "{message}");
    let change = json!({ "id": secured, "key": "TOKEN_2", "value": "u" });
    let (_, data) = written(&world, object, &one("update", change)).await;
    assert_eq!(
        (&data["key"], &data["secured"]),
        (&json!("TOKEN_2"), &json!(true))
    );

    // A duplicate.
    let again = json!({ "key": "REGION", "value": "x" });
    let answer = world.write(object, &one("create", again)).await.json(422);
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("already exists"), "{message}");
    let raw: Value = serde_json::from_str(answer["rawResponse"].as_str().unwrap()).unwrap();
    assert_eq!(
        raw["error"]["data"]["key"],
        "variable-service.variable.duplicate"
    );
    deleted(&world, object, &open).await;
}

async fn snippets_are_written(store: TestStore) {
    let world = idle(store).await;
    let (bare, data) = written(
        &world,
        "snippets",
        &one("create", json!({ "title": "Bare" })),
    )
    .await;
    assert_eq!(
        (&data["title"], &data["id"]),
        (&json!("Bare"), &json!(bare))
    );
    let new = json!({
        "title": "Two files", "is_private": true,
        "files": {
            "a.txt": "plain\n", "é \"q\".txt": "Grüße\r\n",
            "p.png": { "base64": "iVBORw0KGgoA//4=" },
        },
    });
    let (id, data) = written(&world, "snippets", &one("create", new)).await;
    assert_eq!(data["files"].as_object().unwrap().len(), 3, "{data}");
    for (name, bytes) in [
        ("a.txt", b"plain\n".to_vec()),
        ("é \"q\".txt", "Grüße\r\n".as_bytes().to_vec()),
        ("p.png", b"\x89PNG\r\n\x1a\n\x00\xff\xfe".to_vec()),
    ] {
        let href = data["files"][name]["links"]["self"]["href"]
            .as_str()
            .unwrap();
        assert_eq!(world.provider.bytes(href).await, bytes, "{name}");
    }
    // One file goes, one changes, one stays; so does everything that is not named.
    let change = json!({ "id": id, "files": { "p.png": null, "a.txt": "other" } });
    let (same, data) = written(&world, "snippets", &one("update", change)).await;
    assert_eq!(same, id);
    let mut names: Vec<&String> = data["files"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["a.txt", "é \"q\".txt"]);
    assert_eq!(
        (&data["title"], &data["is_private"]),
        (&json!("Two files"), &json!(true))
    );
    let (_, data) = written(
        &world,
        "snippets",
        &one("update", json!({ "id": id, "title": "T" })),
    )
    .await;
    assert_eq!(data["title"], "T");
    assert_eq!(data["files"].as_object().unwrap().len(), 2);
    for (files, why) in [
        (json!({ "x": 1 }), "neither text"),
        (json!({ "x": { "base64": "%" } }), "base64"),
        (json!({ "x": null }), "no file to delete"),
        (json!([]), "not an object"),
    ] {
        let answer = world
            .write("snippets", &one("create", json!({ "files": files })))
            .await;
        let message = answer.json(422)["errors"][0]["message"].to_string();
        assert!(message.contains(why), "{message}");
    }
    deleted(&world, "snippets", &id).await;
}

async fn a_batch_has_a_result_for_each(store: TestStore) {
    let world = idle(store).await;
    let records = [
        json!({ "key": "ONE", "title": "One" }),
        json!({ "key": "bad key", "title": "Two" }),
        json!({ "key": "THREE", "title": "Three" }),
    ];
    let answer = world
        .write("projects", &batch("create", &records))
        .await
        .json(200);
    assert_eq!(
        (&answer["successCount"], &answer["failureCount"]),
        (&json!(2), &json!(1))
    );
    let results = answer["results"].as_array().unwrap();
    let ids: Vec<&Value> = results.iter().map(|result| &result["recordId"]).collect();
    assert_eq!(ids, [&json!("ONE"), &Value::Null, &json!("THREE")]);
    assert_eq!(results[1]["success"], false);
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    let message = errors[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("record 2: Bad request; key: "),
        "{message}"
    );
    let operation = world.write_ended(&answer["operationId"]).await;
    assert_eq!(operation["result"], "2 of 3 records were written");

    let records = [
        json!({ "id": "GONE", "title": "x" }),
        json!({ "id": "LOST", "title": "x" }),
    ];
    let answer = world
        .write("projects", &batch("update", &records))
        .await
        .json(422);
    assert_eq!(
        (&answer["successCount"], &answer["failureCount"]),
        (&json!(0), &json!(2))
    );
    let operation = world.write_ended(&answer["operationId"]).await;
    assert_eq!(operation["status"], "failure");
    assert!(
        world
            .log(&json!({ "id": answer["operationId"] }))
            .await
            .contains("found no")
    );
}

async fn a_hundred_records_go_out_a_few_at_a_time(store: TestStore) {
    let world = idle(store).await;
    let record = |n: usize| json!({ "key": format!("V_{n}"), "value": "v" });
    let records: Vec<Value> = (0..100).map(record).collect();
    let object = "pipelines-config/variables";
    // The first ones wait at Bitbucket, and so do all others here.
    let all = "/2.0/workspaces/acme/pipelines-config/variables";
    let barrier = world.provider.park(all, 1).await;
    let body = batch("create", &records);
    let (answer, ()) = tokio::join!(world.write(object, &body), async {
        world.provider.parked(barrier).await;
        assert!(world.provider.calls(all).await.len() < 100);
        world.provider.release(barrier).await;
    });
    let answer = answer.json(200);
    assert_eq!(
        (&answer["successCount"], &answer["failureCount"]),
        (&json!(100), &json!(0))
    );
    let shown = answer["results"].as_array().unwrap();
    let keys: Vec<String> = shown
        .iter()
        .map(|result| result["data"]["key"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<String> = (0..100).map(|n| format!("V_{n}")).collect();
    assert_eq!(keys, expected, "in the order of the request");
}

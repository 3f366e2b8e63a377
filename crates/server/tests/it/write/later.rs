//! Writes that nobody waits for: retried, collected, told of, and known again.

use std::collections::BTreeMap;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use super::{batch, everything, one, place};
use crate::world::steps::GROUP;
use crate::world::{Answer, World, path};

testing::both!(
    an_operation_at_once_and_a_notification_in_the_end,
    what_fails_for_a_while_is_tried_until_the_deadline,
    single_records_are_written_together,
    two_nodes_write_each_record_once,
    nothing_is_written_to_another_account,
    the_same_request_is_answered_the_same,
    nothing_is_left_of_a_customer_who_is_gone,
);

async fn working(store: TestStore) -> World {
    let world = World::start(store).await;
    world.writes(json!({}), everything()).await;
    world
}

fn later(mut body: Value) -> Value {
    body["mode"] = json!("asynchronous");
    body
}

/// Sends the notifications of writes to the receiver.
async fn listen(world: &World) {
    let topic = world
        .api
        .post(&path("/topics"), &json!({ "name": "writes" }))
        .await
        .json(201);
    let topic = topic["id"].as_str().unwrap();
    let destinations = world.api.get(&path("/destinations")).await.json(200);
    let route = json!({ "topicId": topic, "destinationId": destinations[0]["id"] });
    world
        .api
        .post(&path("/topic-destination-routes"), &route)
        .await
        .json(201);
    let route = json!({ "topicId": topic, "eventType": "write.async.done" });
    world
        .api
        .post(&path("/notification-event-topic-routes"), &route)
        .await
        .json(201);
}

async fn told(world: &World, count: usize) -> Vec<Value> {
    world
        .until("the notifications", async || {
            let taken = world.receiver.taken();
            let messages: Vec<Value> = taken.iter().map(|one| one.message()).collect();
            (messages.len() >= count).then_some(messages)
        })
        .await
}

async fn an_operation_at_once_and_a_notification_in_the_end(store: TestStore) {
    let world = working(store).await;
    listen(&world).await;
    let records = [
        json!({ "key": "ONE", "title": "1" }),
        json!({ "key": "bad", "title": "2" }),
    ];
    let body = later(batch("create", &records));
    let answer = world.write("teams", &body).await.json(200);
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    let operation = world.write_ended(&answer["operationId"]).await;
    assert_eq!(operation["status"], "success");
    assert_eq!(operation["metadata"]["objects"], json!(["projects"]));
    let message = told(&world, 1).await.remove(0);
    assert_eq!(message["notificationType"], "write.async.done");
    let data = &message["data"];
    assert_eq!(
        (&data["objectName"], &data["success"]),
        (&json!("teams"), &json!(true))
    );
    assert_eq!(data["successfulRecordIds"], json!(["ONE"]));
    assert!(
        data["errors"][0].as_str().unwrap().contains("key: "),
        "{data}"
    );
    if let Some(contract) = crate::contract::schema::Document::open("notifications.json") {
        let schema = contract.component("WriteAsyncDoneNotificationPayload");
        let wrong = contract.problems(schema, &message);
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    let answer = world
        .write("teams", &later(one("update", json!({ "id": "NO" }))))
        .await;
    let operation = world.write_ended(&answer.json(200)["operationId"]).await;
    assert_eq!(operation["status"], "failure");
    let mut browser = world.owners_browser().await;
    let id = operation["id"].as_str().unwrap();
    let page = format!("{}/operations/{id}", world.pages().await);
    let page = browser.get(&page).await.text();
    assert!(
        page.contains("let the app write those records again"),
        "{page}"
    );
    assert!(!page.contains("read it again"), "{page}");
    let message = told(&world, 2).await.remove(1);
    assert_eq!(message["data"]["success"], false);
    // Deletions are waited for, whatever the mode.
    let answer = world
        .write("teams", &later(one("delete", json!({ "id": "ONE" }))))
        .await;
    assert_eq!(answer.json(200)["result"], json!({ "success": true }));
}

async fn what_fails_for_a_while_is_tried_until_the_deadline(store: TestStore) {
    let world = working(store).await;
    let projects = "/2.0/workspaces/acme/projects";
    // A failure, and one more when it is looked for what came of it.
    world
        .provider
        .fault(projects, 1, 2, json!({ "kind": "html_error" }))
        .await;
    let body = later(one("create", json!({ "key": "ONE", "title": "1" })));
    let answer = world.write("projects", &body).await.json(200);
    let operation = world.write_ended(&answer["operationId"]).await;
    assert_eq!(operation["status"], "success", "{operation}");
    let log = world.log(&operation).await;
    assert!(
        log.contains("it is looked for before it is sent again"),
        "{log}"
    );
    // For good: the deadline is an hour from the request.
    world
        .provider
        .fault(projects, 1, 0, json!({ "kind": "rate_limited" }))
        .await;
    let answer = world
        .write("projects", &later(one("create", json!({ "key": "TWO" }))))
        .await;
    let answer = answer.json(200);
    let id = answer["operationId"].as_str().unwrap();
    world
        .until("the first try", async || {
            let log = world.log(&json!({ "id": id })).await;
            log.contains("limit is reached").then_some(())
        })
        .await;
    let shown = world
        .api
        .get(&path(&format!("/operations/{id}")))
        .await
        .json(200);
    assert_eq!(shown["status"], "in_progress");
    world.clock.advance(SignedDuration::from_mins(61));
    let operation = world.write_ended(&answer["operationId"]).await;
    assert_eq!(operation["status"], "failure");
    assert!(
        operation["result"]
            .as_str()
            .unwrap()
            .contains("time is over"),
        "{operation}"
    );
}

async fn single_records_are_written_together(store: TestStore) {
    let world = working(store).await;
    listen(&world).await;
    let object = "pipelines-config/variables";
    let collect = async |n: usize| {
        let mut body = later(one(
            "create",
            json!({ "key": format!("V_{n}"), "value": "v" }),
        ));
        body["autoBatchPolicy"] = json!({ "maxDelayMinutes": 5 });
        world.write(object, &body).await.json(200)["operationId"].clone()
    };
    // A hundred go at once, and the next ones wait for others.
    let first = collect(0).await;
    for n in 1..100 {
        assert_eq!(collect(n).await, first);
    }
    let second = collect(100).await;
    assert_ne!(second, first);
    let operation = world.write_ended(&first).await;
    assert_eq!(operation["result"], "100 of 100 records were written");
    let shown = path(&format!("/operations/{}", second.as_str().unwrap()));
    assert_eq!(
        world.api.get(&shown).await.json(200)["status"],
        "in_progress"
    );
    world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(world.write_ended(&second).await["status"], "success");
    let told = told(&world, 2).await;
    assert_eq!(
        told[0]["data"]["successfulRecordIds"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
}

/// Two nodes reach for what is full while more is added to what is not.
async fn two_nodes_write_each_record_once(store: TestStore) {
    const ALL: usize = 250;
    let world = World::idle(store).await;
    world.writes(json!({}), everything()).await;
    world.work();
    world.work_elsewhere().await;
    let object = "pipelines-config/variables";
    let collect = async |n: usize| {
        let record = json!({ "key": format!("V_{n}"), "value": "v" });
        let mut body = later(one("create", record));
        body["autoBatchPolicy"] = json!({ "maxDelayMinutes": 1 });
        world.write(object, &body).await.json(200)["operationId"].clone()
    };
    let mut operations: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..ALL / 10 {
        let asked = (0..10).map(|n| collect(10 * round + n));
        for id in futures_util::future::join_all(asked).await {
            *operations
                .entry(id.as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    // Only what is not full waits until its time has come.
    let (full, rest): (Vec<_>, Vec<_>) = operations.iter().partition(|(_, n)| **n == 100);
    assert_eq!((full.len(), rest.len()), (2, 1), "{operations:?}");
    for (id, _) in full {
        world.write_ended(&json!(id)).await;
    }
    world.clock.advance(SignedDuration::from_mins(1));
    for (id, n) in &operations {
        let operation = world.write_ended(&json!(id)).await;
        let result = format!("{n} of {n} records were written");
        assert_eq!(operation["result"], result.as_str(), "{operation}");
    }
    let calls = format!("/2.0/workspaces/acme/{object}");
    let calls = world.provider.calls(&calls).await;
    let sent = calls.iter().filter(|call| call["method"] == "POST");
    assert_eq!(sent.count(), ALL);
}

async fn nothing_is_written_to_another_account(store: TestStore) {
    let world = World::idle(store).await;
    world.writes(json!({}), everything()).await;
    let records = [
        json!({ "key": "ONE", "title": "1" }),
        json!({ "key": "TWO", "title": "2" }),
    ];
    let body = later(batch("create", &records));
    let before = world.write("projects", &body).await.json(200)["operationId"].clone();
    let mut body = world.connect_body(GROUP);
    body["providerMetadata"]["workspace"]["value"] = json!("acme-labs");
    world.connect_as(&body).await;
    let after = one("create", json!({ "key": "THREE", "title": "3" }));
    let after = world.write("projects", &later(after)).await.json(200)["operationId"].clone();
    world.work();
    let operation = world.write_ended(&before).await;
    assert_eq!(operation["status"], "failure");
    assert_eq!(operation["result"], "0 of 2 records were written");
    let log = world.log(&operation).await;
    let why = "the customer has connected another account since it was asked for";
    assert_eq!(log.matches(why).count(), 2, "{log}");
    // What is asked for from then on goes there, where the customer may do less.
    let operation = world.write_ended(&after).await;
    assert!(!operation.to_string().contains(why), "{operation}");
    for (workspace, expected) in [("acme", 0), ("acme-labs", 1)] {
        let projects = format!("/2.0/workspaces/{workspace}/projects");
        let calls = world.provider.calls(&projects).await;
        let sent = calls.iter().filter(|call| call["method"] == "POST");
        assert_eq!(sent.count(), expected, "{workspace}");
    }
}

async fn the_same_request_is_answered_the_same(store: TestStore) {
    let world = working(store).await;
    let send = async |key: &str, object: &str, body: &Value| -> Answer {
        let body = body.to_string().into_bytes();
        let key = [("idempotency-key", key)];
        world
            .api
            .send(Method::POST, &place(object), body, &key)
            .await
    };
    let hook = json!({ "url": "http://127.0.0.1:9/", "events": ["repo:push"] });
    let create = one("create", hook.clone());
    let first = send("a", "hooks", &create).await.json(200);
    assert_eq!(send("a", "hooks", &create).await.json(200), first);
    let other = send("b", "hooks", &create).await.json(200);
    assert_ne!(other["result"]["recordId"], first["result"]["recordId"]);
    // Refusals too.
    let bad = one("create", json!({ "url": "nonsense", "events": [] }));
    let refused = send("c", "hooks", &bad).await.json(422);
    assert_eq!(send("c", "hooks", &bad).await.json(422), refused);
    assert!(refused["rawResponse"].is_string());
    // Batches, and what nobody waits for.
    let several = batch("create", &[hook.clone(), json!({ "url": "x" })]);
    let first = send("d", "hooks", &several).await.json(200);
    assert_eq!(send("d", "hooks", &several).await.json(200), first);
    let unseen = later(one("create", hook));
    let first = send("e", "hooks", &unseen).await.json(200);
    assert_eq!(send("e", "hooks", &unseen).await.json(200), first);
    world.write_ended(&first["operationId"]).await;
    // Another request under the same key is none of these.
    let problem = send("a", "hooks", &bad).await.problem(400);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("another request")
    );
    send("", "hooks", &create).await.problem(400);
    let hooks = world.shown("/workspaces/acme/hooks?pagelen=100").await;
    let ours = hooks["values"].as_array().unwrap().iter();
    assert_eq!(
        ours.filter(|hook| hook["url"] == "http://127.0.0.1:9/")
            .count(),
        4
    );
}

async fn nothing_is_left_of_a_customer_who_is_gone(store: TestStore) {
    let world = World::idle(store).await;
    world.writes(json!({}), everything()).await;
    let record = json!({ "key": "NEEDLE_1", "title": "needle-title" });
    let body = later(one("create", record.clone()));
    let answer = world.write("projects", &body).await.json(200);
    assert!(answer["operationId"].is_string());
    let key = [("idempotency-key", "k")];
    let body = one(
        "create",
        json!({ "key": "NEEDLE_2", "title": "needle-title" }),
    );
    let body = body.to_string().into_bytes();
    let place = place("projects");
    let sent = world.api.send(Method::POST, &place, body, &key).await;
    sent.json(200);
    // What waits is sealed, what was answered is kept for the key alone.
    assert_eq!(world.tables_with("needle-title").await, ["write_record"]);
    assert_eq!(world.tables_with("NEEDLE_1").await, Vec::<String>::new());
    // What came of each is in an export, and not what is still to be written.
    let whole = world.api.get(&path("/groups/customer-1:export")).await;
    assert!(!whole.text().contains("NEEDLE_1"));
    let whole = whole.json(200);
    let operations = whole["operations"].as_array().unwrap();
    let records = operations.iter().map(|one| &one["records"][0]);
    let (waits, made): (Vec<&Value>, Vec<&Value>) =
        records.partition(|record| record["state"] == "waiting");
    assert_eq!((waits.len(), made.len()), (1, 1), "{whole}");
    assert_eq!(
        (
            &made[0]["state"],
            &made[0]["recordId"],
            &made[0]["data"]["name"]
        ),
        (&json!("made"), &json!("NEEDLE_2"), &json!("needle-title"))
    );
    let erased = world.api.delete(&path("/groups/customer-1")).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    assert_eq!(world.tables_with("NEEDLE_2").await, Vec::<String>::new());
    assert_eq!(
        world
            .tables_with(answer["operationId"].as_str().unwrap())
            .await,
        Vec::<String>::new()
    );
}

//! What is refused, and in which words.

use serde_json::{Value, json};
use testing::TestStore;

use super::{batch, everything, idle, one, place};
use crate::world::World;
use crate::world::steps::GROUP;

testing::both!(
    what_is_wrong_with_the_request_is_400,
    what_bitbucket_refuses_is_422,
    browsers_may_not_write,
    a_full_budget_is_429_and_writes_nothing,
    deletion_has_to_be_enabled,
    who_has_chosen_nothing_lets_nothing_be_written,
);

async fn what_is_wrong_with_the_request_is_400(store: TestStore) {
    let world = idle(store).await;
    let record = json!({ "key": "K", "title": "T" });
    let with = |more: Value| {
        let mut body = one("create", record.clone());
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let many: Vec<Value> = (0..101).map(|_| record.clone()).collect();
    for (body, why) in [
        (json!({ "type": "create" }), "groupRef"),
        (
            json!({ "groupRef": "nobody", "type": "create", "record": record }),
            "not installed",
        ),
        (one("upsert", record.clone()), "`type` is `upsert`"),
        (
            json!({ "groupRef": GROUP, "type": "create" }),
            "neither `record` nor `batch`",
        ),
        (with(json!({ "batch": [] })), "or both"),
        (batch("create", &[]), "0 records"),
        (batch("create", &many), "101 records"),
        (batch("delete", &[json!({ "id": "K" })]), "one by one"),
        (one("update", record.clone()), "`id` is missing"),
        (one("delete", json!({})), "`id` is missing"),
        (with(json!({ "mode": "later" })), "mode `later`"),
        (
            with(json!({ "batchPolicy": { "allOrNone": true } })),
            "allOrNone",
        ),
        (with(json!({ "associations": [{}] })), "associations"),
        (
            with(json!({ "headers": [{ "key": "a", "value": "b" }] })),
            "headers",
        ),
        (
            with(json!({ "mode": "asynchronous", "retryPolicy": { "deadlineHours": 49 } })),
            "deadlineHours",
        ),
        (
            with(json!({ "autoBatchPolicy": { "maxDelayMinutes": 5 } })),
            "asynchronous",
        ),
        (
            with(json!({ "mode": "asynchronous", "autoBatchPolicy": { "maxDelayMinutes": 0 } })),
            "maxDelayMinutes",
        ),
        (
            with(json!({ "mode": "asynchronous", "autoBatchPolicy": {} })),
            "maxDelayMinutes",
        ),
        (
            one("create", json!({ "name": "a", "title": "b" })),
            "the same field",
        ),
    ] {
        let problem = world.write("projects", &body).await.problem(400);
        assert!(problem.to_string().contains(why), "{why}: {problem}");
    }
    // Empty lists are none, and `false` is what is done anyway.
    let body =
        with(json!({ "associations": [], "headers": [], "batchPolicy": { "allOrNone": false } }));
    world.write("projects", &body).await.json(200);
    let problem = world
        .write("members", &one("create", record))
        .await
        .problem(400);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("writes no object `members`")
    );
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("projects, hooks")
    );
    // Nothing was sent for any of these.
    let calls = world.provider.calls("/2.0/workspaces/acme/projects").await;
    assert_eq!(calls.len(), 1, "{calls:?}");
}

async fn what_bitbucket_refuses_is_422(store: TestStore) {
    let world = idle(store).await;
    let record = json!({ "key": "NEW", "title": "New" });
    let forbidden = json!({ "type": "error", "error": {
        "message": "Your credentials lack one or more required privilege scopes.",
        "detail": { "required": ["project:admin"], "granted": ["project", "account"] },
    } });
    let respond = |status: u16, kind: &str, body: &str| json!({ "kind": "respond", "status": status, "content_type": kind, "body": body });
    for (fault, words, raw) in [
        (
            respond(403, "application/json", &forbidden.to_string()),
            "required: project:admin; granted: project, account",
            true,
        ),
        (
            json!({ "kind": "html_not_found" }),
            "found no workspace",
            false,
        ),
        (
            respond(401, "text/plain", "Login failed"),
            "refused the credential",
            false,
        ),
    ] {
        world
            .provider
            .fault("/2.0/workspaces/acme/projects", 1, 2, fault)
            .await;
        let answer = world
            .write("projects", &one("create", record.clone()))
            .await
            .json(422);
        world.provider.mend().await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert_eq!(answer.get("rawResponse").is_some(), raw, "{answer}");
        assert!(
            !answer.to_string().contains("short-lived-token"),
            "{answer}"
        );
        assert_eq!(answer["result"], json!({ "success": false }));
        let operation = world.write_ended(&answer["operationId"]).await;
        assert_eq!(operation["status"], "failure");
        assert_eq!(operation["result"], answer["errors"][0]["message"]);
    }
}

async fn browsers_may_not_write(store: TestStore) {
    use crate::routes::jwt_keys::{PUBLIC, register, send, token};
    let world = idle(store).await;
    let frontend = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let body = one("create", json!({ "key": "NEW" }));
    let answer = world
        .api
        .with_key(&frontend)
        .post(&place("projects"), &body)
        .await;
    answer.problem(403);
    let kid = register(&world, PUBLIC).await;
    let token = token(&world, &kid, GROUP);
    let answer = send(
        &world,
        &token,
        http::Method::POST,
        &place("projects"),
        &body,
    )
    .await;
    answer.problem(403);
    world
        .api
        .without_key()
        .post(&place("projects"), &body)
        .await
        .problem(401);
}

async fn a_full_budget_is_429_and_writes_nothing(store: TestStore) {
    let world = idle(store).await;
    let limited = json!({ "kind": "rate_limited", "retry_after": 300 });
    world
        .provider
        .fault("/2.0/workspaces/acme/projects", 1, 1, limited)
        .await;
    let body = one("create", json!({ "key": "NEW", "title": "New" }));
    let key = [("idempotency-key", "one")];
    let send = async || {
        let body = body.to_string().into_bytes();
        world
            .api
            .send(http::Method::POST, &place("projects"), body, &key)
            .await
    };
    for _ in 0..2 {
        let answer = send().await;
        let problem = answer.problem(429);
        let wait: u32 = answer.header("retry-after").parse().unwrap();
        assert!((200..=400).contains(&wait), "{wait} {problem}");
    }
    // Nothing was sent, so the same request is made anew.
    world.clock.advance(jiff::SignedDuration::from_secs(400));
    assert_eq!(send().await.json(200)["result"]["recordId"], "NEW");
}

async fn deletion_has_to_be_enabled(store: TestStore) {
    let world = World::idle(store).await;
    let mut write = everything();
    write["objects"]["projects"]
        .as_object_mut()
        .unwrap()
        .remove("deletionSettings");
    write["objects"].as_object_mut().unwrap().remove("hooks");
    world.writes(json!({}), write).await;
    let body = one("delete", json!({ "id": "CORE" }));
    let problem = world.write("projects", &body).await.problem(400);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("deletion of `projects`")
    );
    // The customer has chosen others.
    let problem = world
        .write("hooks", &one("create", json!({})))
        .await
        .problem(400);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("not enabled for writing")
    );
}

async fn who_has_chosen_nothing_lets_nothing_be_written(store: TestStore) {
    let world = World::idle(store).await;
    world.writes(json!({}), json!({ "objects": {} })).await;
    let body = one("create", json!({ "key": "NEW", "name": "New" }));
    let problem = world.write("projects", &body).await.problem(400);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("not enabled for writing"), "{detail}");
}

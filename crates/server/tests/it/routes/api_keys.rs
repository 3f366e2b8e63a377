//! `/projects/{p}/api-keys`.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::{Answer, World, path};

testing::both!(a_key_lives_and_ends, keys_belong_to_their_project);

async fn send(world: &World, method: Method, rest: &str, body: &Value) -> Answer {
    let body = body.to_string().into_bytes();
    world.api.send(method, &path(rest), body, &[]).await
}

async fn a_key_lives_and_ends(store: TestStore) {
    let world = World::idle(store).await;
    let new = json!({ "label": "web", "scopes": ["frontend"] });
    let made = world.api.post(&path("/api-keys"), &new).await.json(201);
    let whole = made["key"].as_str().unwrap();
    let public = &whole[..16];
    assert!(public.starts_with("lig_") && whole.len() > 40, "{made}");
    assert_eq!(made["active"], true);

    let listed = world
        .api
        .get(&path("/api-keys?active=true"))
        .await
        .json(200);
    assert!(
        !listed.to_string().contains(whole),
        "only its creation has it"
    );
    // It is named by its public part or whole.
    for name in [public, whole] {
        let one = world
            .api
            .get(&path(&format!("/api-keys/{name}")))
            .await
            .json(200);
        assert_eq!(
            (&one["key"], &one["label"]),
            (&json!(public), &json!("web"))
        );
    }
    let browser = world.api.with_key(whole);
    browser.get(&path("/connections")).await.json(200);
    browser.get(&path("/api-keys")).await.problem(403);

    let rest = format!("/api-keys/{public}");
    let scopes =
        json!({ "updateMask": ["scopes"], "apiKey": { "scopes": ["full"], "label": "x" } });
    let changed = send(&world, Method::PATCH, &rest, &scopes).await.json(200);
    assert_eq!(changed["scopes"], json!(["full"]));
    assert_eq!(changed["label"], "web", "the mask does not name it");
    browser.get(&path("/api-keys")).await.json(200);

    let off = json!({ "updateMask": ["active"], "apiKey": { "active": false } });
    send(&world, Method::PATCH, &rest, &off).await.json(200);
    browser.get(&path("/connections")).await.problem(401);
    let active = world
        .api
        .get(&path("/api-keys?active=true"))
        .await
        .json(200);
    assert!(!active.to_string().contains(public));

    for (change, status) in [
        (json!({ "updateMask": [], "apiKey": {} }), 400),
        (json!({ "updateMask": ["key"], "apiKey": {} }), 400),
        (
            json!({ "updateMask": ["scopes"], "apiKey": { "scopes": ["root"] } }),
            422,
        ),
    ] {
        send(&world, Method::PATCH, &rest, &change)
            .await
            .problem(status);
    }
    let gone = send(&world, Method::DELETE, &rest, &Value::Null).await;
    assert_eq!(gone.status, 204);
    send(&world, Method::DELETE, &rest, &Value::Null)
        .await
        .problem(404);
    world.api.get(&path(&rest)).await.problem(404);
    let log = world.api.get(&path("/audit-log")).await.json(200);
    let done: Vec<&Value> = log["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["subject"] == public)
        .map(|entry| &entry["action"])
        .collect();
    assert_eq!(
        done,
        [
            "api-key.delete",
            "api-key.update",
            "api-key.update",
            "api-key.create"
        ]
    );
}

async fn keys_belong_to_their_project(store: TestStore) {
    let world = World::idle(store).await;
    world.add_project("other").await;
    let other = world.add_key("other", &[]).await;
    world
        .api
        .get(&path(&format!("/api-keys/{other}")))
        .await
        .problem(404);
    let stranger = world.api.with_key(&other);
    stranger.get(&path("/api-keys")).await.problem(404);
    stranger.get(&path("/audit-log")).await.problem(404);
    let new = json!({ "label": "stolen" });
    stranger.post(&path("/api-keys"), &new).await.problem(404);
}

//! `/sessions`: signing in and out.

use engine::actions;
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::json;
use store::Role;
use testing::TestStore;

use crate::world::people::PASSWORD;
use crate::world::{Plan, World};

testing::both!(
    a_session_begins_with_the_password_and_ends,
    a_new_password_ends_every_session,
    guessing_is_slowed_down,
    a_forwarded_address_counts_from_trusted_proxies_only,
);

async fn a_session_begins_with_the_password_and_ends(store: TestStore) {
    let world = World::idle(store).await;
    world.add_builder("Ada@Example.com", Role::Owner).await;
    let nobody = world.api.without_key();
    let body = json!({ "email": " ADA@example.com", "password": PASSWORD });
    let session = nobody.post("/v1/sessions", &body).await.json(201);
    assert_eq!(session["builder"]["primaryEmail"], "ada@example.com");
    let token = session["token"].as_str().unwrap();
    assert!(token.starts_with("ligs_") && token.len() > 45);
    let ada = world.api.with_bearer(token);
    ada.get("/v1/my-info").await.json(200);

    // What is wrong is not told.
    let mut details = Vec::new();
    for (email, password) in [
        ("ada@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
    ] {
        let body = json!({ "email": email, "password": password });
        let problem = nobody.post("/v1/sessions", &body).await.problem(401);
        details.push(problem["detail"].clone());
    }
    assert!(
        details.iter().all(|detail| *detail == details[0]),
        "{details:?}"
    );

    assert_eq!(ada.delete("/v1/sessions/current").await.status, 204);
    let problem = ada.get("/v1/my-info").await.problem(401);
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("POST /v1/sessions")
    );
    world
        .api
        .with_bearer("ligs_wrong")
        .get("/v1/my-info")
        .await
        .problem(401);
    // A key has no session to end.
    world.api.delete("/v1/sessions/current").await.problem(403);

    let ada = world.sign_in("ada@example.com").await;
    world.clock.advance(SignedDuration::from_hours(7 * 24 - 1));
    ada.get("/v1/my-info").await.json(200);
    world.clock.advance(SignedDuration::from_hours(1));
    ada.get("/v1/my-info").await.problem(401);
}

async fn a_new_password_ends_every_session(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let operator = world.engine.store.operator();
    let new = SecretString::from("a password that is new");
    let (engine, email) = (&world.engine, "ada@example.com");
    actions::builder::set_password(engine, &operator, email, &new)
        .await
        .unwrap();
    ada.get("/v1/my-info").await.problem(401);
    let nobody = world.api.without_key();
    let old = json!({ "email": email, "password": PASSWORD });
    nobody.post("/v1/sessions", &old).await.problem(401);
    let body = json!({ "email": email, "password": "a password that is new" });
    let session = nobody.post("/v1/sessions", &body).await.json(201);
    let ada = world.api.with_bearer(session["token"].as_str().unwrap());
    let log = ada
        .get(&format!("/v1/orgs/{org}/audit-log"))
        .await
        .json(200);
    assert_eq!(log["results"][0]["action"], "builder.password");
}

async fn guessing_is_slowed_down(store: TestStore) {
    let world = World::idle(store).await;
    world.clock.stop();
    world.add_builder("ada@example.com", Role::Owner).await;
    let nobody = world.api.without_key();
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    for _ in 0..10 {
        nobody.post("/v1/sessions", &wrong).await.problem(401);
    }
    // The right one does no better; another account from the same address neither.
    let right = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = nobody.post("/v1/sessions", &right).await;
    answer.problem(429);
    let wait: i64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=7).contains(&wait), "{wait}");
    let other = json!({ "email": "bob@example.com", "password": "x" });
    nobody.post("/v1/sessions", &other).await.problem(429);
    world.clock.advance(SignedDuration::from_secs(wait));
    nobody.post("/v1/sessions", &right).await.json(201);
}

async fn a_forwarded_address_counts_from_trusted_proxies_only(store: TestStore) {
    let mut plan = Plan {
        works: false,
        ..Plan::default()
    };
    plan.protections.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let world = World::planned(store, plan).await;
    world.clock.stop();
    let nobody = world.api.without_key();
    let from = async |address: &str, account: u32| {
        let body = json!({ "email": format!("{account}@example.com"), "password": "x" });
        let headers = [("x-forwarded-for", address)];
        let body = body.to_string().into_bytes();
        let answer = nobody
            .send(http::Method::POST, "/v1/sessions", body, &headers)
            .await;
        answer.status.as_u16()
    };
    for account in 0..10 {
        assert_eq!(from("192.0.2.1", account).await, 401);
    }
    assert_eq!(from("192.0.2.1", 11).await, 429);
    // Whatever the client wrote itself comes before what the proxy added.
    assert_eq!(from("198.51.100.7, 192.0.2.1", 12).await, 429);
    assert_eq!(from("192.0.2.2", 13).await, 401);
}

//! The credential of a call: every kind, refreshed ahead, and after a refusal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::upstream::Upstream;
use super::{at, exchange, for_installation, get, installed, proxied_body, wire};
use crate::world::steps::{GROUP, installations};
use crate::world::{World, path};

testing::both!(
    a_token_is_refreshed_ahead_of_its_end,
    a_refused_token_is_refreshed_and_the_request_repeated,
    a_thousand_calls_refresh_once,
    a_thousand_refused_calls_refresh_once,
    a_dead_grant_is_told_and_not_asked_for_again_and_again,
    every_kind_of_credential_is_sent,
    a_refusal_of_everyone_costs_no_refresh,
);

async fn refreshes(world: &World) -> u64 {
    world.provider.stats().await["refreshes"].as_u64().unwrap()
}

const USER: &str = "/2.0/user";
const VARIABLES: &str = "/2.0/workspaces/acme/pipelines-config/variables";

async fn a_token_is_refreshed_ahead_of_its_end(store: TestStore) {
    let (world, installation) = installed(store).await;
    get(&world, &installation, USER).await.passed(200);
    world.clock.advance(SignedDuration::from_secs(7_200 - 299));
    for _ in 0..3 {
        get(&world, &installation, USER).await.passed(200);
    }
    assert_eq!(refreshes(&world).await, 1);
    let calls = world.provider.calls(USER).await;
    assert!(calls.iter().all(|call| call["status"] == 200), "{calls:?}");
}

async fn a_refused_token_is_refreshed_and_the_request_repeated(store: TestStore) {
    let (world, installation) = installed(store).await;
    let mut headers = for_installation(&installation);
    headers.push(("content-type", "application/json"));
    get(&world, &installation, USER).await.passed(200);
    world.provider.end_tokens(true, false).await;
    let new = json!({ "key": "COLOUR", "value": "red", "secured": false });
    let body = new.to_string().into_bytes();
    let made = world
        .api
        .send(Method::POST, VARIABLES, body, &headers)
        .await;
    made.passed(201);
    assert_eq!(refreshes(&world).await, 1);
    let statuses: Vec<Value> = world
        .provider
        .calls(VARIABLES)
        .await
        .iter()
        .map(|call| call["status"].clone())
        .collect();
    assert_eq!(statuses, [401, 201]);
    // A body too large to be kept is not sent again, and the next call is good.
    world.provider.end_tokens(true, false).await;
    let large = json!({ "key": "LARGE", "value": "x".repeat(100_000), "secured": false });
    let body = large.to_string().into_bytes();
    let refused = world
        .api
        .send(Method::POST, VARIABLES, body.clone(), &headers)
        .await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert_ne!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refreshes(&world).await, 2);
    let made = world
        .api
        .send(Method::POST, VARIABLES, body, &headers)
        .await;
    assert_ne!(made.status, 401, "{}", made.text());
    assert_eq!(refreshes(&world).await, 2);
}

/// So many calls at once; all must be good.
async fn calls_at_once(world: &World, installation: &Value, count: usize) {
    let calls = (0..count).map(|_| {
        let api = world.api.clone();
        let headers: Vec<(&'static str, String)> = for_installation(installation)
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        tokio::spawn(async move {
            let headers: Vec<(&'static str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            api.send(Method::GET, USER, Vec::new(), &headers).await
        })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        let answer = call.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

async fn a_thousand_calls_refresh_once(store: TestStore) {
    let (world, installation) = installed(store).await;
    world.clock.advance(SignedDuration::from_secs(7_300));
    calls_at_once(&world, &installation, 1_000).await;
    assert_eq!(refreshes(&world).await, 1);
    assert_eq!(world.provider.calls(USER).await.len(), 1_000);
}

async fn a_thousand_refused_calls_refresh_once(store: TestStore) {
    let (world, installation) = installed(store).await;
    world.provider.end_tokens(true, false).await;
    calls_at_once(&world, &installation, 1_000).await;
    assert_eq!(refreshes(&world).await, 1);
}

async fn a_dead_grant_is_told_and_not_asked_for_again_and_again(store: TestStore) {
    let (world, installation) = installed(store).await;
    world.provider.end_tokens(true, true).await;
    let problem = get(&world, &installation, USER).await.problem(422);
    assert!(
        problem["remedy"].as_str().unwrap().contains("connect"),
        "{problem}"
    );
    let found = world
        .api
        .get(&path(&format!("/connections?groupRef={GROUP}")))
        .await;
    assert_eq!(found.json(200)[0]["status"], "bad_credentials");
}

/// The token given by hand, or the e-mail and the token.
async fn every_kind_of_credential_is_sent(store: TestStore) {
    let (world, _) = installed(store).await;
    let options = world.provider.options.clone();
    for (group, credential) in [
        ("by-token", json!({ "apiKey": options.access_token })),
        (
            "by-basic",
            json!({ "basicAuth": { "username": options.email, "password": options.api_token } }),
        ),
    ] {
        let mut body = world.connect_body(group);
        body.as_object_mut()
            .unwrap()
            .extend(credential.as_object().unwrap().clone());
        let made = world.api.post(&path("/connections:generate"), &body).await;
        assert!(made.status.is_success(), "{}", made.text());
        let installation = world
            .api
            .post(&installations(), &proxied_body(group))
            .await
            .json(201);
        get(&world, &installation, "/2.0/workspaces/acme/projects")
            .await
            .passed(200);
        // Refused, it is handed back; no connection is declared dead by a path that
        // somebody else chose.
        let refused = json!({ "kind": "respond", "status": 401, "body": "no" });
        world.provider.fault("/2.0/snippets", 1, 1, refused).await;
        assert_eq!(
            get(&world, &installation, "/2.0/snippets/acme")
                .await
                .status,
            401
        );
        let found = world
            .api
            .get(&path(&format!("/connections?groupRef={group}")))
            .await;
        assert_ne!(found.json(200)[0]["status"], "bad_credentials");
        get(&world, &installation, "/2.0/workspaces/acme/projects")
            .await
            .passed(200);
    }
}

async fn a_refusal_of_everyone_costs_no_refresh(store: TestStore) {
    let (world, installation) = installed(store).await;
    assert_eq!(
        get(&world, &installation, "/2.0/addon/linkers")
            .await
            .status
            .as_u16()
            / 100,
        4
    );
    assert_eq!(refreshes(&world).await, 0);
    // Where only the provider knows, one refresh finds it out, and not one a call.
    let refused =
        json!({ "kind": "respond", "status": 401, "body": "not supported for this endpoint" });
    world.provider.fault("/2.0/snippets", 1, 0, refused).await;
    for _ in 0..5 {
        let answer = get(&world, &installation, "/2.0/snippets/acme").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (401, "not supported for this endpoint")
        );
    }
    assert_eq!(refreshes(&world).await, 1);
    get(&world, &installation, USER).await.passed(200);
    // A minute later the token may really have ended.
    world.clock.advance(SignedDuration::from_secs(61));
    get(&world, &installation, "/2.0/snippets/acme").await;
    assert_eq!(refreshes(&world).await, 2);
}

/// A body that is not kept is not sent again, so nobody learns whether the new token
/// helps; the next call does, and asks for no further one.
#[tokio::test]
async fn a_refused_body_that_is_not_kept_costs_one_refresh() {
    const BYTES: usize = 100_000;
    let upstream = Upstream::start(|_, mut stream| async move {
        stream.read_exact(&mut vec![0; BYTES]).await.ok()?;
        let refused = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno";
        stream.write_all(refused).await.ok()?;
        Some(stream)
    })
    .await;
    let (world, installation) = at(&upstream).await;
    let headers = for_installation(&installation);
    for _ in 0..3 {
        let body = vec![b'x'; BYTES];
        let sent = world.api.send(Method::POST, "/2.0/file", body, &headers);
        let refused = sent.await;
        assert_eq!(
            (refused.status.as_u16(), refused.text().as_str()),
            (401, "no")
        );
    }
    assert_eq!(upstream.heads().len(), 3);
    assert_eq!(refreshes(&world).await, 1);
}

/// A provider that ends a connection it had kept, just as a request comes: what does
/// no harm twice is sent once more, anything else is not.
#[tokio::test]
async fn a_kept_connection_that_ends_costs_a_repeat_where_that_is_harmless() {
    let seen = Arc::new(AtomicUsize::new(0));
    let upstream = Upstream::start(move |head, mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            if head.contains("/first ") {
                let kept = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(kept).await.ok()?;
                return Some(stream);
            }
            // The first and the third are taken and never answered.
            if seen.fetch_add(1, Ordering::Relaxed) == 1 {
                let new = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nnew";
                stream.write_all(new).await.ok();
            }
            None
        }
    })
    .await;
    let (world, installation) = at(&upstream).await;
    for (method, status) in [("GET", 200), ("POST", 502)] {
        let first = wire(&world, &installation, "GET /first HTTP/1.1");
        assert!(exchange(&world, &first).await.ends_with("\r\n\r\nok"));
        let line = format!("{method} /once HTTP/1.1");
        let answer = exchange(&world, &wire(&world, &installation, &line)).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{method}: {answer}");
    }
    assert_eq!(upstream.heads().len(), 5);
}

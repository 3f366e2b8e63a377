//! `/callbacks/v1/oauth`: where the customer comes back.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::GROUP;
use crate::world::{Answer, World, path};

testing::both!(
    approval_makes_a_connection_that_is_there_at_once,
    denial_is_told_in_both_places,
    a_refusal_may_be_thought_over,
    a_state_is_good_once_and_for_ten_minutes,
    a_wrong_client_secret_is_explained,
    the_page_tells_only_the_one_that_asked,
    a_new_consent_replaces_the_credential,
);

/// What the page posts to its opener, and to which origin.
fn posted(page: &Answer) -> (Value, Value) {
    let html = page.text();
    let call = html
        .split_once("postMessage(")
        .expect("a page that posts")
        .1;
    let mut values = serde_json::Deserializer::from_str(call).into_iter::<Value>();
    let message = values.next().unwrap().unwrap();
    let rest = call[values.byte_offset()..].trim_start_matches([',', ' ']);
    let target = serde_json::Deserializer::from_str(rest)
        .into_iter::<Value>()
        .next()
        .unwrap()
        .unwrap();
    (message, target)
}

/// A page that a browser runs as it is meant, and not otherwise.
fn assert_careful(page: &Answer) {
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("cross-origin-opener-policy"), "");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let policy = page.header("content-security-policy");
    let nonce = policy
        .split("script-src 'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert!(
        page.text().contains(&format!("<script nonce=\"{nonce}\">")),
        "{policy}"
    );
    assert!(
        nonce.len() >= 16
            && policy.contains("default-src 'none'")
            && !policy.contains("unsafe-inline"),
        "{policy}"
    );
    assert!(page.text().contains("window.opener"));
}

fn assert_failed(page: &Answer, words: &str) {
    assert_eq!(page.status, 400, "{}", page.text());
    assert_careful(page);
    let (message, _) = posted(page);
    assert_eq!(message["eventType"], "AUTHORIZATION_FAILED");
    assert_eq!(message["message"], message["data"]["error"]);
    assert!(
        message["message"].as_str().unwrap().contains(words),
        "{message}"
    );
    // For those whose window has no opener, and for those whose window stays open.
    assert!(page.text().contains("Not connected"));
    assert!(!page.text().contains("window.close"));
}

async fn approval_makes_a_connection_that_is_there_at_once(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let page = world.consent(&url, "approve").await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_careful(&page);
    let (message, target) = posted(&page);
    assert_eq!(message["eventType"], "AUTHORIZATION_SUCCEEDED");
    assert_eq!(target, "*");
    let connections = world
        .api
        .get(&path(&format!("/connections?groupRef={GROUP}")))
        .await
        .json(200);
    assert_eq!(connections.as_array().unwrap().len(), 1);
    assert_eq!(message["data"]["connection"], connections[0]["id"]);
    assert!(page.text().contains("You can close this window"));
    assert!(page.text().contains("window.close()"), "it closes itself");
}

async fn denial_is_told_in_both_places(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let page = world.consent(&url, "deny").await;
    assert_failed(&page, "not granted");
    assert_eq!(
        world.api.get(&path("/connections")).await.json(200),
        json!([])
    );
}

async fn a_refusal_may_be_thought_over(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    for _ in 0..2 {
        assert_failed(&world.consent(&url, "deny").await, "not granted");
    }
    let page = world.consent(&url, "approve").await;
    assert_eq!(page.status, 200, "{}", page.text());
    for decision in ["approve", "deny"] {
        assert_failed(&world.consent(&url, decision).await, "already used");
    }
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let back = world.decide(&url, "deny").await;
    world.clock.advance(SignedDuration::from_secs(601));
    assert_failed(&world.follow(&back).await, "ten minutes");
}

async fn a_state_is_good_once_and_for_ten_minutes(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let callback = format!("{}/callbacks/v1/oauth", world.api.origin);
    for unknown in [
        "",
        "?code=abc",
        "?state=&code=abc",
        "?state=made-up&code=abc",
        "?state=made-up&error=access_denied",
    ] {
        assert_failed(
            &world.follow(&format!("{callback}{unknown}")).await,
            "start again",
        );
    }
    let script = "?state=x&error=%3C%2Fscript%3E%3Cscript%3Ealert(1)";
    assert!(
        !world
            .follow(&format!("{callback}{script}"))
            .await
            .text()
            .contains("alert(1)")
    );

    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let back = world.decide(&url, "approve").await;
    assert_eq!(world.follow(&back).await.status, 200);
    assert_failed(&world.follow(&back).await, "already used");

    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let back = world.decide(&url, "approve").await;
    world.clock.advance(SignedDuration::from_secs(601));
    assert_failed(&world.follow(&back).await, "ten minutes");
    // Neither code nor error.
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let state = url
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    assert_failed(
        &world.follow(&format!("{callback}?state={state}")).await,
        "neither",
    );
    // What the provider says is shown as text, whatever it is.
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let state = url
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let words = "error=server_error&error_description=%3C%2Fscript%3E%3Cb%3Ebold";
    let page = world
        .follow(&format!("{callback}?state={state}&{words}"))
        .await;
    assert_failed(&page, "</script><b>bold");
    assert!(!page.text().contains("<b>bold"), "{}", page.text());
}

async fn a_wrong_client_secret_is_explained(store: TestStore) {
    let world = World::idle(store).await;
    let app = json!({ "provider": "bitbucket", "clientId": "sandbox-client", "clientSecret": "mistyped-secret" });
    world
        .api
        .post(&path("/provider-apps"), &app)
        .await
        .json(200);
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let page = world.consent(&url, "approve").await;
    assert_failed(&page, "refused");
    assert!(!page.text().contains("mistyped-secret"));
    assert_eq!(
        world.api.get(&path("/connections")).await.json(200),
        json!([])
    );
}

async fn the_page_tells_only_the_one_that_asked(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let body = world.connect_body(GROUP).to_string().into_bytes();
    for (origin, decision) in [
        ("https://app.example", "approve"),
        ("https://app.example:8443", "deny"),
    ] {
        let headers = [("origin", origin)];
        let url = world
            .api
            .send(
                http::Method::POST,
                "/v1/oauth-connect",
                body.clone(),
                &headers,
            )
            .await
            .text();
        let page = world.consent(&url, decision).await;
        assert_eq!(posted(&page).1, origin);
    }
    // A sandboxed frame has no origin to name.
    let url = world
        .api
        .send(
            http::Method::POST,
            "/v1/oauth-connect",
            body,
            &[("origin", "null")],
        )
        .await
        .text();
    assert_eq!(posted(&world.consent(&url, "approve").await).1, "*");
}

async fn a_new_consent_replaces_the_credential(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let first = world.connect(GROUP).await;
    let mut body = world.connect_body(GROUP);
    body["groupName"] = json!("Renamed");
    let again = world.connect_as(&body).await;
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["group"]["groupName"], "Renamed");
    assert_eq!(
        world
            .api
            .get(&path("/connections"))
            .await
            .json(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let other = world.connect("customer-2").await;
    assert_ne!(other["id"], first["id"]);
}

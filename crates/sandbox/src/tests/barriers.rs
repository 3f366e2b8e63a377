//! Requests held and released.

use super::Server;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn the_third_page_waits_for_its_release() {
    let server = Server::default().await;
    let rule = json!({"path": "/2.0/repositories/acme", "page": 3});
    let id = server.post("barriers", rule).await["id"].clone();
    assert_eq!(
        server.get("/2.0/repositories/acme?page=2").await.status,
        200
    );
    let early = server
        .control(Method::GET, &format!("barriers/{id}?wait_ms=0"), json!({}))
        .await;
    assert_eq!(
        (early.status.as_u16(), early.json()["parked"].as_i64()),
        (408, Some(0))
    );
    let wait = format!("barriers/{id}");
    let (held, ()) = tokio::join!(server.get("/2.0/repositories/acme?page=3"), async {
        let parked = server.control(Method::GET, &wait, json!({})).await;
        assert_eq!(
            (parked.status.as_u16(), parked.json()["parked"].as_i64()),
            (200, Some(1))
        );
        // The data changes while the request is parked, before it was looked up.
        let delete =
            json!({"kind": "delete", "object": "repositories", "workspace": "acme", "index": 0});
        server.post("mutations", delete).await;
        server
            .post(&format!("barriers/{id}/release"), json!({}))
            .await;
    });
    assert_eq!(held.json()["size"], 249);
    assert_eq!(
        server.get("/2.0/repositories/acme?page=3").await.status,
        200
    );
    let gone = server.control(Method::GET, &wait, json!({})).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn the_nth_call_can_be_held_with_its_answer_ready() {
    let server = Server::default().await;
    let rule = json!({"path": "/2.0/repositories/acme", "nth": 2, "hold": "response"});
    let id = server.post("barriers", rule).await["id"].clone();
    assert_eq!(server.get("/2.0/repositories/acme").await.status, 200);
    let (held, ()) = tokio::join!(server.get("/2.0/repositories/acme"), async {
        server
            .control(Method::GET, &format!("barriers/{id}"), json!({}))
            .await;
        let delete =
            json!({"kind": "delete", "object": "repositories", "workspace": "acme", "index": 0});
        server.post("mutations", delete).await;
        server
            .post(&format!("barriers/{id}/release"), json!({}))
            .await;
    });
    assert_eq!(held.json()["size"], 250);
}

#[tokio::test]
async fn stopping_lets_parked_requests_go() {
    let server = Server::default().await;
    let id = server.post("barriers", json!({"path": "/2.0/user"})).await["id"].clone();
    let Server {
        running,
        client,
        base,
    } = server;
    let url = |path: &str| base.join(path).unwrap();
    let parked = client
        .get(url("/2.0/user"))
        .bearer_auth("sandbox-access-token")
        .send();
    let (parked, ()) = tokio::join!(parked, async {
        let wait = format!("/_sandbox/barriers/{id}");
        assert_eq!(client.get(url(&wait)).send().await.unwrap().status(), 200);
        running.stop().await;
    });
    assert_eq!(parked.unwrap().status(), 200);
}

#[tokio::test]
async fn latency_and_reset_can_be_set_at_run_time() {
    let server = Server::default().await;
    let answer = server
        .control(Method::PUT, "latency", json!({"ms": 1}))
        .await;
    assert_eq!(answer.json()["latency_ms"], 1);
    assert_eq!(server.get("/2.0/user").await.status, 200);
    server.post("reset", json!({})).await;
    let settings = server.control(Method::GET, "settings", json!({})).await;
    assert_eq!(settings.json()["latency_ms"], 0);
    let unknown = server
        .control(Method::PUT, "settings", json!({"latency": 1}))
        .await;
    assert_eq!(unknown.status, 400);
}

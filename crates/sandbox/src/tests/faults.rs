//! Faults on command.

use super::{Server, send};
use http::Method;
use serde_json::{Value, json};

const LIST: &str = "/2.0/repositories/acme";

async fn fault(server: &Server, action: Value) {
    let rule = json!({"path": "/2.0/repositories", "action": action});
    server.post("faults", rule).await;
}

#[tokio::test]
async fn answers_can_be_replaced() {
    let server = Server::default().await;
    fault(
        &server,
        json!({"kind": "respond", "status": 503, "body": "<p>",
        "headers": {"Retry-After": "5"}}),
    )
    .await;
    let answer = server.get(LIST).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (503, "<p>"));
    assert_eq!(answer.header("retry-after"), "5");
    assert!(answer.header("content-type").starts_with("text/html"));
    fault(&server, json!({"kind": "html_error"})).await;
    let answer = server.get(LIST).await;
    assert_eq!(answer.status, 500);
    assert!(answer.header("content-type").starts_with("text/html"));
    for (wanted, shown) in [(json!(7), "7"), (Value::Null, "")] {
        fault(
            &server,
            json!({"kind": "rate_limited", "retry_after": wanted}),
        )
        .await;
        let answer = server.get(LIST).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("retry-after")),
            (429, shown)
        );
    }
    fault(&server, json!({"kind": "expired_token"})).await;
    assert_eq!(server.get(LIST).await.message(), "Access token expired.");
    assert_eq!(server.get(LIST).await.status, 200);
}

#[tokio::test]
async fn rules_choose_method_number_and_times() {
    let server = Server::default().await;
    let action = json!({"kind": "respond", "status": 502});
    let rule = json!({"path": LIST, "method": "get", "nth": 2, "times": 2, "action": action});
    server.post("faults", rule).await;
    let other = server.get("/2.0/repositories/acme-labs").await;
    assert_eq!(other.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(server.get(LIST).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 502, 502, 200]);
    let rule = json!({"path": "/", "times": 0, "action": action});
    let id = server.post("faults", rule).await["id"].clone();
    for _ in 0..3 {
        assert_eq!(server.get("/2.0/user").await.status, 502);
    }
    let removed = server
        .control(Method::DELETE, &format!("faults/{id}"), json!({}))
        .await;
    assert_eq!(removed.status, 204);
    assert_eq!(server.get("/2.0/user").await.status, 200);
    let unknown = server
        .control(Method::POST, "faults", json!({"path": "/"}))
        .await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn a_connection_can_end_early_or_at_once() {
    let server = Server::default().await;
    fault(&server, json!({"kind": "close"})).await;
    let request = || {
        server
            .request(Method::GET, LIST)
            .bearer_auth("sandbox-access-token")
    };
    assert!(request().send().await.is_err());
    fault(&server, json!({"kind": "truncate", "keep_bytes": 100})).await;
    let mut response = request().send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.content_length().unwrap() > 1000);
    assert_eq!(response.chunk().await.unwrap().unwrap().len(), 100);
    assert!(response.chunk().await.is_err());
    assert_eq!(send(request()).await.status, 200);
}

#[tokio::test]
async fn next_can_point_elsewhere() {
    let server = Server::default().await;
    fault(
        &server,
        json!({"kind": "foreign_next", "origin": "http://elsewhere.example"}),
    )
    .await;
    let page = server.get(LIST).await.json();
    let next = page["next"].as_str().unwrap();
    assert_eq!(
        next,
        "http://elsewhere.example/2.0/repositories/acme?page=2"
    );
    assert_eq!(page["values"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_page_instead_of_an_answer_holds_what_must_not_be_logged() {
    let server = Server::default().await;
    let rule = json!({"path": "/2.0/workspaces/acme/hooks", "action": {"kind": "html_not_found"}});
    server.post("faults", rule).await;
    let answer = server.get("/2.0/workspaces/acme/hooks").await;
    assert_eq!(answer.status, 404);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(answer.text.contains("must-not-be-logged"));
    assert_eq!(server.get("/2.0/workspaces/acme/hooks").await.status, 200);
    server.get("/2.0/workspaces/acme").await;
    let stats = server.control(Method::GET, "stats", json!({})).await;
    let calls = &stats.json()["calls"];
    assert_eq!(
        calls["/2.0/workspaces/{workspace}/hooks"],
        json!({"200": 1, "404": 1})
    );
    assert_eq!(calls["/2.0/workspaces"], json!({"200": 1}));
}

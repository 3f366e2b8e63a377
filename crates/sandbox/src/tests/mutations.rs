//! Changes of the data, and the log of calls.

use super::Server;
use http::Method;
use serde_json::{Value, json};

async fn last(server: &Server) -> Value {
    let parameters = [("sort", "-updated_on"), ("pagelen", "1")];
    server.repositories(&parameters).await.json()["values"][0].clone()
}

#[tokio::test]
async fn a_touched_record_moves_to_the_end() {
    let server = Server::default().await;
    let touch = json!({"kind": "touch", "object": "repositories", "workspace": "acme", "index": 7});
    let changed = server.post("mutations", touch).await;
    let newest = last(&server).await;
    assert_eq!(newest["full_name"], changed["changed"][0]["full_name"]);
    assert_eq!(newest["updated_on"], "2026-11-23T12:00:00.250000+00:00");
    let q = "updated_on >= 2026-11-01";
    assert_eq!(server.repositories(&[("q", q)]).await.json()["size"], 1);
    let back = json!({"kind": "touch", "object": "repositories", "workspace": "acme",
        "name": newest["slug"], "updated_on": "2018-01-01T00:00:00Z"});
    server.post("mutations", back).await;
    let first = server
        .repositories(&[("sort", "updated_on"), ("pagelen", "1")])
        .await;
    assert_eq!(first.json()["values"][0]["uuid"], newest["uuid"]);
    assert_eq!(first.column("updated_on"), ["2018-01-01T00:00:00+00:00"]);
}

#[tokio::test]
async fn records_come_and_go() {
    let server = Server::default().await;
    let add = json!({"kind": "add", "object": "repositories", "workspace": "acme", "count": 3});
    let added = server.post("mutations", add).await;
    assert_eq!(added["changed"].as_array().unwrap().len(), 3);
    let newest = last(&server).await;
    assert_eq!(newest["created_on"], newest["updated_on"]);
    assert_eq!(server.repositories(&[]).await.json()["size"], 253);
    let path = format!(
        "/2.0/repositories/{}",
        newest["full_name"].as_str().unwrap()
    );
    assert_eq!(server.get(&path).await.status, 200);
    let delete = json!({"kind": "delete", "object": "repositories", "workspace": "acme",
        "name": newest["uuid"]});
    server.post("mutations", delete.clone()).await;
    assert_eq!(server.get(&path).await.status, 404);
    assert_eq!(server.repositories(&[]).await.json()["size"], 252);
    let again = server.control(Method::POST, "mutations", delete).await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn projects_change_too_and_churn_is_repeatable() {
    let (one, two) = (Server::default().await, Server::default().await);
    let churn =
        json!({"kind": "churn", "object": "repositories", "workspace": "acme", "touches": 30});
    let changed = one.post("mutations", churn.clone()).await;
    assert_eq!(changed, two.post("mutations", churn).await);
    assert_eq!(changed["changed"].as_array().unwrap().len(), 30);
    let touch =
        json!({"kind": "touch", "object": "projects", "workspace": "acme", "name": "PLAT1"});
    one.post("mutations", touch).await;
    let project = one.get("/2.0/workspaces/acme/projects/PLAT1").await.json();
    assert_eq!(project["updated_on"], "2026-11-23T12:00:00.250000+00:00");
}

#[tokio::test]
async fn calls_are_listed_without_what_is_secret() {
    let server = Server::default().await;
    server.repositories(&[("page", "2")]).await;
    server.get("/site/oauth2/authorize?client_id=x").await;
    let log = server
        .control(Method::GET, "calls?path=/", json!({}))
        .await
        .json();
    let calls = log["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["query"], "page=2");
    assert_eq!(calls[0]["path"], "/2.0/repositories/acme");
    assert_eq!(calls[1]["query"], Value::Null);
    assert_eq!(calls[1]["status"], 400);
}

//! Credentials, scopes, and the paths that answer without either.

use super::{Server, bearer, send};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn a_token_counts_only_in_the_header() {
    let server = Server::default().await;
    let text = "Token is invalid, expired, or not supported for this endpoint.";
    let in_url = "/2.0/user?access_token=sandbox-access-token";
    for answer in [
        send(server.request(Method::GET, "/2.0/user")).await,
        send(server.request(Method::GET, in_url)).await,
        server.get(in_url).await,
        server.get_with("/2.0/user", "Bearer nonsense").await,
        server
            .get_with("/2.0/user", "Bearer sandbox-api-token")
            .await,
    ] {
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({"type": "error", "error": {"message": text}})
        );
    }
    let body = "access_token=sandbox-access-token";
    let in_body = server.request(Method::GET, "/2.0/user").body(body);
    assert_eq!(send(in_body).await.status, 401);
}

#[tokio::test]
async fn access_tokens_expire_by_time_and_on_command() {
    let server = Server::default().await;
    let first = server.grant(json!({})).await;
    server.advance(7199).await;
    assert_eq!(
        server.get_with("/2.0/user", &bearer(&first)).await.status,
        200
    );
    server.advance(1).await;
    let answer = server.get_with("/2.0/user", &bearer(&first)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.message().as_str()),
        (401, "Access token expired.")
    );
    let second = server.grant(json!({})).await;
    server.post("tokens", json!({"expire_access": true})).await;
    assert_eq!(
        server.get_with("/2.0/user", &bearer(&second)).await.status,
        401
    );
    assert_eq!(server.get("/2.0/user").await.status, 200);
}

#[tokio::test]
async fn basic_takes_an_email_with_its_api_token_and_refuses_in_plain_text() {
    let server = Server::default().await;
    let good = server
        .get_with("/2.0/user", &basic("ada@example.com", "sandbox-api-token"))
        .await;
    assert_eq!(good.status, 200);
    assert_eq!(good.header("x-credential-type"), "api_token");
    assert_eq!(
        good.header("x-accepted-oauth-scopes"),
        "read:user:bitbucket"
    );
    for bad in [
        basic("ada", "sandbox-api-token"),
        basic("ada@example.com", "x"),
    ] {
        let answer = server.get_with("/2.0/user", &bad).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("content-type"), "text/plain");
        assert!(
            answer
                .text
                .starts_with("Login failed due to incorrect login credentials or method.")
        );
    }
}

#[tokio::test]
async fn a_missing_scope_is_a_403_whose_detail_is_an_object() {
    let server = Server::default().await;
    let token = server.grant(json!({"scopes": ["project", "email"]})).await;
    let answer = server.get_with("/2.0/user", &bearer(&token)).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json(),
        json!({"type": "error", "error": {
            "message": "Your credentials lack one or more required privilege scopes.",
            "detail": {"required": ["account"], "granted": ["project", "email"]}
        }})
    );
    assert_eq!(answer.header("x-oauth-scopes"), "project, email");
    assert_eq!(answer.header("x-accepted-oauth-scopes"), "account");
    assert_eq!(answer.header("x-credential-type"), "oauth2");
    // `project` implies `repository`.
    let implied = server
        .get_with("/2.0/repositories/acme", &bearer(&token))
        .await;
    assert_eq!(implied.status, 200);
}

#[tokio::test]
async fn removed_endpoints_say_so() {
    let server = Server::default().await;
    let url = "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770";
    for path in [
        "/2.0/repositories",
        "/2.0/workspaces",
        "/2.0/user/permissions/workspaces",
        "/2.0/user/permissions/repositories?q=x",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 410);
        assert_eq!(
            answer.json(),
            json!({
                "type": "error",
                "error": {
                    "message": "CHANGE-2770 - Functionality has been deprecated",
                    "detail": "Please read the changelog entry for more details.",
                    "data": {"announcement_url": url}
                },
                "data": {"announcement_url": url}
            })
        );
    }
}

#[tokio::test]
async fn linkers_want_an_app_and_unknown_paths_are_json_404s() {
    let server = Server::default().await;
    for path in ["/2.0/addon/linkers", "/2.0/addon/linkers/key"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.message(), "Authentication must use app JWT");
    }
    let site = server.get("/").await;
    assert_eq!(site.status, 404);
    assert_eq!(site.header("content-type"), "text/html; charset=utf-8");
    assert!(site.text.len() > 20_000);
    for path in ["/2.0/nothing", "/2.0/repositories/acme/", "/2.0/user/"] {
        let answer = server.get(path).await;
        assert_eq!((path, answer.status.as_u16()), (path, 404));
        assert_eq!(answer.json()["type"], "error");
    }
}

#[tokio::test]
async fn every_answer_carries_the_sandbox_date() {
    let server = Server::default().await;
    for path in ["/2.0/user", "/2.0/nothing", "/site/oauth2/authorize"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("date"), "Mon, 23 Nov 2026 12:00:00 GMT");
    }
    server.advance(60).await;
    let answer = server.get("/2.0/user").await;
    assert_eq!(answer.header("date"), "Mon, 23 Nov 2026 12:01:00 GMT");
}

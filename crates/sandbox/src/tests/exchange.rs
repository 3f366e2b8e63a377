//! The token endpoint: shapes of success and failure, rotation and expiry.

use super::{Answer, Server, bearer, send};
use http::Method;
use serde_json::{Value, json};

const MINUTE: u32 = 60;
const DAY: u32 = 24 * 60 * MINUTE;

async fn refresh(server: &Server, token: &Value) -> Answer {
    let old = token["refresh_token"].as_str().unwrap();
    server
        .exchange(&format!("grant_type=refresh_token&refresh_token={old}"))
        .await
}

fn failed(answer: &Answer, status: u16, error: &str, description: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({"error_description": description, "error": error})
    );
}

#[tokio::test]
async fn a_token_response_has_the_shape_of_2026() {
    let server = Server::default().await;
    let token = server
        .grant(json!({"scopes": ["account", "repository"]}))
        .await;
    let keys: Vec<&String> = token.as_object().unwrap().keys().collect();
    let expected = [
        "scope",
        "access_token",
        "expires_in",
        "token_type",
        "state",
        "refresh_token",
    ];
    assert_eq!(keys, expected);
    assert_eq!(token["scope"], "account repository");
    assert_eq!(token["expires_in"], 7200);
    assert_eq!(token["token_type"], "bearer");
    assert_eq!(token["state"], "authorization_code");
    assert_eq!(token["access_token"].as_str().unwrap().len(), 4096);
    assert!(token["refresh_token"].as_str().unwrap().len() > 2500);
}

#[tokio::test]
async fn only_basic_authentication_names_the_consumer() {
    let server = Server::default().await;
    let text = "Requests must be authenticated using OAuth client credentials";
    let form = "grant_type=refresh_token&client_id=sandbox-client&client_secret=sandbox-secret";
    let request = || {
        server
            .request(Method::POST, "/site/oauth2/access_token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    };
    failed(&send(request()).await, 401, "unauthorized_client", text);
    let wrong = request().basic_auth("sandbox-client", Some("wrong"));
    failed(&send(wrong).await, 401, "unauthorized_client", text);
}

#[tokio::test]
async fn a_json_body_has_no_grant_type() {
    let server = Server::default().await;
    let request = server
        .request(Method::POST, "/site/oauth2/access_token")
        .basic_auth("sandbox-client", Some("sandbox-secret"))
        .header("content-type", "application/json")
        .body(json!({"grant_type": "refresh_token", "refresh_token": "x"}).to_string());
    let text = "Unsupported grant type: None";
    failed(&send(request).await, 400, "invalid_grant", text);
    let password = server.exchange("grant_type=password").await;
    failed(
        &password,
        400,
        "invalid_grant",
        "Unsupported grant type: password",
    );
}

#[tokio::test]
async fn a_refresh_token_rotates_and_its_predecessor_lives_ten_minutes_more() {
    let server = Server::default().await;
    let first = server.grant(json!({})).await;
    let second = refresh(&server, &first).await;
    assert_eq!(second.status, 200);
    let second = second.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    server.advance(10 * MINUTE - 1).await;
    assert_eq!(refresh(&server, &first).await.status, 200);
    server.advance(1).await;
    // Another use inside the ten minutes did not prolong them.
    failed(
        &refresh(&server, &first).await,
        400,
        "invalid_grant",
        "Invalid refresh_token",
    );
    assert_eq!(refresh(&server, &second).await.status, 200);
    // A refresh revokes no access token.
    assert_eq!(
        server.get_with("/2.0/user", &bearer(&first)).await.status,
        200
    );
    let stats = send(server.request(Method::GET, "/_sandbox/stats"))
        .await
        .json();
    assert_eq!(stats["refreshes"], 3);
    assert_eq!(stats["access_tokens_issued"], 4);
}

#[tokio::test]
async fn an_unused_refresh_token_dies_after_ninety_days() {
    let server = Server::default().await;
    let (first, second) = (server.grant(json!({})).await, server.grant(json!({})).await);
    server.advance(90 * DAY - 1).await;
    assert_eq!(refresh(&server, &first).await.status, 200);
    server.advance(1).await;
    failed(
        &refresh(&server, &second).await,
        400,
        "invalid_grant",
        "Invalid refresh_token",
    );
    let unknown = server
        .exchange("grant_type=refresh_token&refresh_token=x")
        .await;
    failed(&unknown, 400, "invalid_request", "Invalid refresh_token");
}

#[tokio::test]
async fn revoked_refresh_tokens_are_refused() {
    let server = Server::default().await;
    let token = server.grant(json!({})).await;
    server.post("tokens", json!({"revoke_refresh": true})).await;
    failed(
        &refresh(&server, &token).await,
        400,
        "invalid_grant",
        "Invalid refresh_token",
    );
    assert_eq!(
        server.get_with("/2.0/user", &bearer(&token)).await.status,
        200
    );
}

#[tokio::test]
async fn before_2026_nothing_rotated_and_the_field_was_scopes() {
    let server = Server::default().await;
    let old = json!({"rotate_refresh_tokens": false, "legacy_scopes_field": true});
    server.set(old).await;
    let first = server.grant(json!({"scopes": ["account"]})).await;
    assert_eq!(first["scopes"], "account");
    assert!(first.get("scope").is_none());
    server.advance(200 * DAY).await;
    let second = refresh(&server, &first).await.json();
    assert_eq!(second["refresh_token"], first["refresh_token"]);
}

#[tokio::test]
async fn client_credentials_need_a_private_consumer_and_sign_in_the_app() {
    let server = Server::default().await;
    let refused = server.exchange("grant_type=client_credentials").await;
    failed(
        &refused,
        400,
        "invalid_grant",
        "Cannot use client_credentials with a consumer marked as \"public\". \
         Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.",
    );
    server.set(json!({"private_consumer": true})).await;
    let token = server
        .exchange("grant_type=client_credentials")
        .await
        .json();
    assert!(token.get("refresh_token").is_none());
    let user = server.get_with("/2.0/user", &bearer(&token)).await;
    assert_eq!(user.json()["type"], "app_user");
}

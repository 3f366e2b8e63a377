//! The rolling-window limit.

use super::{Server, bearer, options, send};
use crate::Options;
use http::Method;
use serde_json::json;

async fn limited() -> Server {
    Server::start(Options {
        rate_limit: Some(3),
        rate_window_seconds: 60,
        ..options()
    })
    .await
}

#[tokio::test]
async fn the_429_is_46_bytes_of_text_without_headers() {
    let server = limited().await;
    for _ in 0..3 {
        assert_eq!(server.get("/2.0/repositories/acme").await.status, 200);
    }
    let answer = server.get("/2.0/repositories/acme").await;
    assert_eq!(answer.status, 429);
    assert_eq!(
        answer.text,
        "Rate limit for this resource has been exceeded"
    );
    assert_eq!(answer.text.len(), 46);
    assert_eq!(answer.header("content-type"), "text/plain");
    assert!(answer.headers.get("retry-after").is_none());
    assert!(
        answer
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("x-ratelimit"))
    );
    // Other groups have no limit.
    for path in ["/2.0/user", "/2.0/workspaces/acme/projects"] {
        assert_eq!(server.get(path).await.status, 200);
    }
    let stats = send(server.request(Method::GET, "/_sandbox/stats"))
        .await
        .json();
    assert_eq!(stats["rate_limited"], 1);
    assert_eq!(
        stats["calls"]["/2.0/repositories"],
        json!({"200": 3, "429": 1})
    );
}

#[tokio::test]
async fn the_window_rolls() {
    let server = limited().await;
    let status = async || server.get("/2.0/repositories/acme").await.status.as_u16();
    assert_eq!(status().await, 200);
    server.advance(40).await;
    assert_eq!(
        (status().await, status().await, status().await),
        (200, 200, 429)
    );
    server.advance(19).await;
    assert_eq!(status().await, 429);
    server.advance(1).await;
    assert_eq!((status().await, status().await), (200, 429));
    server.advance(40).await;
    assert_eq!(
        (status().await, status().await, status().await),
        (200, 200, 429)
    );
}

#[tokio::test]
async fn all_users_of_a_consumer_share_one_budget() {
    let server = limited().await;
    let (ada, grace) = (
        server.grant(json!({"user": "ada"})).await,
        server.grant(json!({"user": "grace"})).await,
    );
    let path = "/2.0/repositories/acme";
    for token in [&ada, &grace, &ada] {
        assert_eq!(server.get_with(path, &bearer(token)).await.status, 200);
    }
    assert_eq!(server.get_with(path, &bearer(&grace)).await.status, 429);
    assert_eq!(server.get(path).await.status, 200);
    server.set(json!({"rate_limit": 0})).await;
    assert_eq!(server.get_with(path, &bearer(&grace)).await.status, 200);
}

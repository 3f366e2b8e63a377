//! What a destination gets, and how little of its answer counts.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use std::time::Duration;

use super::{SHORT, inside, outbound, raw, serve};
use crate::{SendError, Settings, WebhookAnswer, custom_header_allowed};

const PATIENCE: Duration = Duration::from_secs(5);

async fn post_to(url: &str, timeout: Duration) -> Result<WebhookAnswer, SendError> {
    outbound(&inside())
        .webhook(url, &[], Bytes::from_static(b"{}"), timeout)
        .await
}

async fn post_with(headers: &[(String, String)]) -> Result<WebhookAnswer, SendError> {
    let body = Bytes::from_static(b"{}");
    outbound(&inside())
        .webhook("https://example.invalid/", headers, body, PATIENCE)
        .await
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn headers_and_body_arrive_and_the_answer_is_cut_short() {
    let router = Router::new().route(
        "/hook",
        post(|headers: HeaderMap, body: String| async move {
            let shown = ["content-type", "svix-id", "x-tenant", "user-agent"]
                .map(|name| {
                    let values: Vec<_> = headers
                        .get_all(name)
                        .iter()
                        .map(|v| v.to_str().unwrap())
                        .collect();
                    values.join("+")
                })
                .join("|");
            let answer = format!("{shown}|{body}|{}", "x".repeat(100_000));
            (
                StatusCode::SERVICE_UNAVAILABLE,
                [("retry-after", "7")],
                answer,
            )
        }),
    );
    let url = format!("{}/hook", serve(router).await);
    let headers = [
        pair("X-Tenant", "blue"),
        pair("Svix-Id", "forged"),
        pair("svix-id", "msg_1"),
    ];
    let body = Bytes::from_static(b"{}");
    let answer = outbound(&inside())
        .webhook(&url, &headers, body, PATIENCE)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.retry_after.as_deref()),
        (503, Some("7"))
    );
    assert_eq!(answer.body.len(), 1024);
    let expected = "application/json|msg_1|blue|Ligature/1.2.3|{}|xxx";
    assert!(answer.body.starts_with(expected), "{}", answer.body);
}

#[tokio::test]
async fn a_status_counts_even_if_the_body_breaks_off_or_never_ends() {
    let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
    let url = raw(answer, true).await;
    assert_eq!(post_to(&url, PATIENCE).await.unwrap().status, 204);

    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello";
    for hang_up in [true, false] {
        let url = raw(answer, hang_up).await;
        let answer = post_to(&url, SHORT).await.unwrap();
        let expected = WebhookAnswer {
            status: 200,
            retry_after: None,
            body: "hello".into(),
        };
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn silence_times_out_and_a_redirect_is_an_answer() {
    let url = raw(b"", false).await;
    let failure = post_to(&url, SHORT).await.unwrap_err();
    assert_eq!(failure.class(), "timeout");

    let url = raw(
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\r\n",
        true,
    )
    .await;
    let answer = post_to(&url, PATIENCE).await.unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn private_destinations_and_plain_http_are_refused() {
    let outbound = outbound(&Settings::new("0"));
    for (url, class) in [
        ("https://127.0.0.1/?token=s3cret", "refused"),
        ("http://localhost/?token=s3cret", "refused"),
        ("http://8.8.8.8/?token=s3cret", "plain_http"),
        ("gopher://example.com/?token=s3cret", "url"),
    ] {
        let refusal = outbound.check_destination(url).await.unwrap_err();
        let body = Bytes::from_static(b"{}");
        let failure = outbound
            .webhook(url, &[], body, PATIENCE)
            .await
            .unwrap_err();
        assert_eq!(failure, refusal);
        assert_eq!(failure.class(), class, "{url}");
        assert!(!format!("{failure} {failure:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn headers_that_would_break_or_forge_are_refused() {
    for name in [
        "Host",
        "Content-Length",
        "content-type",
        "Transfer-Encoding",
        "a b",
        "",
    ] {
        assert!(!custom_header_allowed(name), "{name}");
        let failure = post_with(&[pair(name, "s3cret")]).await.unwrap_err();
        assert_eq!(
            failure,
            SendError::Header {
                name: name.to_owned()
            }
        );
    }
    assert!(!custom_header_allowed("Svix-Signature"));
    assert!(!custom_header_allowed("webhook-id"));
    assert!(custom_header_allowed("Authorization"));
    let failure = post_with(&[pair("x-a", "line\r\nbreak: s3cret")])
        .await
        .unwrap_err();
    assert_eq!(failure.class(), "header");
}

#[tokio::test]
async fn a_destination_is_checked_before_it_is_used() {
    let mut settings = Settings::new("0");
    settings.connect_timeout = SHORT;
    let strict = outbound(&settings);
    // It may come to exist, and is checked again when it does.
    assert_eq!(
        strict
            .check_destination("https://unknown.invalid/hook")
            .await,
        Ok(())
    );
    assert_eq!(
        outbound(&inside())
            .check_destination("http://localhost:9/hook")
            .await,
        Ok(())
    );
}

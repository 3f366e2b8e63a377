//! What of the headers goes further, in either direction, byte for byte.

use super::upstream::Upstream;
use super::{at, exchange, wire};

#[tokio::test]
async fn the_provider_sees_the_request_and_nothing_about_this_server() {
    let upstream =
        Upstream::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            .await;
    let (world, installation) = at(&upstream).await;
    let target =
        "/2.0/repositories/acme/%7Bab%2Fcd%7D/{x}/src/a+b%20c;v=1?q=a%3D%22b+c%22&x=%2e%2e&&y=é#z";
    let mut request = wire(&world, &installation, &format!("GET {target} HTTP/1.1"));
    for header in [
        "Accept: application/json",
        "User-Agent: app/1.0",
        "X-Custom: kept",
        "X-Custom: kept too",
        "If-None-Match: \"abc\"",
        "Accept-Encoding: gzip",
        "Authorization: Basic c29tZWJvZHk6ZWxzZQ==",
        "Proxy-Authorization: Basic eDp5",
        "Cookie: session=secret",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Upgrade: websocket",
        "Connection: x-drop, upgrade",
        "X-Drop: named by Connection",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Host: internal",
        "Forwarded: for=10.0.0.1",
        "X-Original-URL: /elsewhere",
        "X-Amp-Something: else",
        "X-Ligature-Something: else",
    ] {
        request.push_str(header);
        request.push_str("\r\n");
    }
    let answer = exchange(&world, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let head = upstream.head();
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    let first = lines.remove(0);
    // A fragment is nothing that a client sends; the rest is as it was written.
    let sent = target.strip_suffix("#z").unwrap();
    assert_eq!(first, format!("GET {sent} HTTP/1.1"));
    let credential = lines
        .iter()
        .position(|line| line.starts_with("authorization: "));
    let credential = lines.remove(credential.unwrap());
    assert!(
        credential.starts_with("authorization: Bearer "),
        "{credential}"
    );
    lines.sort_unstable();
    let host = format!("host: {}", upstream.url().strip_prefix("http://").unwrap());
    assert_eq!(
        lines,
        [
            "accept-encoding: gzip",
            "accept: application/json",
            &host,
            "if-none-match: \"abc\"",
            "user-agent: app/1.0",
            "x-custom: kept",
            "x-custom: kept too",
        ]
    );
}

#[tokio::test]
async fn the_client_sees_the_answer_and_nothing_about_the_providers_own_place() {
    let upstream = Upstream::saying(
        "HTTP/1.1 418 Odd\r\ncontent-length: 2\r\nconnection: close, x-hop\r\nkeep-alive: timeout=5\r\n\
         x-hop: gone\r\nset-cookie: a=b\r\nset-cookie: c=d\r\nalt-svc: h3=\":443\"\r\n\
         strict-transport-security: max-age=1\r\nclear-site-data: \"*\"\r\nproxy-authenticate: Basic\r\n\
         x-amp-retry-after: never\r\netag: \"e\"\r\nx-frame-options: SAMEORIGIN\r\n\
         cache-control: max-age=60\r\nwww-authenticate: Basic realm=\"r\"\r\nx-request-id: theirs\r\n\
         content-type: text/odd\r\n\r\nok",
    )
    .await;
    let (world, installation) = at(&upstream).await;
    let request = wire(&world, &installation, "GET /2.0/user HTTP/1.1");
    let answer = exchange(&world, &request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert!(lines.remove(0).starts_with("HTTP/1.1 418 "), "{head}");
    lines.retain(|line| !line.starts_with("date: "));
    lines.sort_unstable();
    assert_eq!(body, "ok");
    assert_eq!(
        lines,
        [
            "cache-control: max-age=60",
            "connection: close",
            "content-length: 2",
            "content-type: text/odd",
            "etag: \"e\"",
            "www-authenticate: Basic realm=\"r\"",
            "x-frame-options: SAMEORIGIN",
            "x-request-id: theirs",
        ]
    );
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    let upstream = Upstream::saying(
        "HTTP/1.1 200 OK\r\ncontent-length: 90\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
         2\r\nok\r\n0\r\n\r\n",
    )
    .await;
    let (world, installation) = at(&upstream).await;
    let request = wire(&world, &installation, "GET /2.0/user HTTP/1.1");
    let answer = exchange(&world, &request).await;
    assert!(!answer.contains("content-length"), "{answer}");
    assert!(answer.contains("transfer-encoding: chunked"), "{answer}");
    assert!(answer.ends_with("2\r\nok\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn an_empty_post_says_that_it_is_empty() {
    let upstream = Upstream::saying("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
    let (world, installation) = at(&upstream).await;
    for (method, has_length) in [
        ("POST", true),
        ("PUT", true),
        ("DELETE", false),
        ("GET", false),
    ] {
        let line = format!("{method} /2.0/user HTTP/1.1");
        let request = wire(&world, &installation, &line);
        let answer = exchange(&world, &format!("{request}content-length: 0\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
        let head = upstream.head();
        assert_eq!(head.contains("content-length: 0\r\n"), has_length, "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
}

//! Answers that are late, huge, broken or elsewhere; and credentials that stay home.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{any, get, post};
use connector::{Body, Method, Request};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{SHORT, inside, outbound, raw, serve};
use crate::{Credential, SecretString, SendError, Settings};

fn token() -> Credential {
    Credential::Bearer(SecretString::from("s3cret-token"))
}

fn header_of(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).map(|v| v.to_str().unwrap().to_owned());
    value.unwrap_or_default()
}

async fn get_from(origin: &str) -> Result<connector::Response, SendError> {
    let request = Request::get(format!("{origin}/x?signature=s3cret"));
    outbound(&inside()).provider(origin, None, &request).await
}

#[tokio::test]
async fn a_request_carries_version_credential_and_form() {
    let router = Router::new().route(
        "/token",
        post(|headers: HeaderMap, body: String| async move {
            let agent = header_of(&headers, header::USER_AGENT);
            let authorization = header_of(&headers, header::AUTHORIZATION);
            let media = header_of(&headers, header::CONTENT_TYPE);
            (
                [("X-Seen", "Yes")],
                format!("{agent}|{authorization}|{media}|{body}"),
            )
        }),
    );
    let origin = serve(router).await;
    let request = Request {
        method: Method::Post,
        url: format!("{origin}/token"),
        body: Body::Form(vec![("grant_type".into(), "a b&c".into())]),
        group: None,
        judges_credential: true,
    };
    let basic = Credential::Basic {
        username: "id".into(),
        password: SecretString::from("pw"),
    };
    let answer = outbound(&inside())
        .provider(&origin, Some(&basic), &request)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-seen"), Some("Yes"));
    assert_eq!(
        String::from_utf8(answer.body).unwrap(),
        "Ligature/1.2.3|Basic aWQ6cHc=|application/x-www-form-urlencoded|grant_type=a+b%26c"
    );
}

#[tokio::test]
async fn a_whole_request_passes_through_under_the_same_rules() {
    let router = Router::new().route(
        "/token",
        post(|headers: HeaderMap, body: String| async move {
            let authorization = header_of(&headers, header::AUTHORIZATION);
            (StatusCode::BAD_REQUEST, format!("{authorization}|{body}"))
        }),
    );
    let url = format!("{}/token", serve(router).await);
    let request = || {
        let request = http::Request::post(&url).header("authorization", "Basic aTpz");
        request.body(b"grant_type=x".to_vec()).unwrap()
    };
    let answer = outbound(&inside()).whole(request()).await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.body(), b"Basic aTpz|grant_type=x");
    let refusal = outbound(&Settings::new("0")).whole(request()).await;
    assert_eq!(refusal.unwrap_err().class(), "refused");
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let origin = raw(b"", false).await;
    let mut settings = inside();
    settings.provider_timeout = SHORT;
    let request = Request::get(format!("{origin}/"));
    let failure = outbound(&settings)
        .provider(&origin, None, &request)
        .await
        .unwrap_err();
    assert_eq!(
        failure,
        SendError::Timeout {
            host: "127.0.0.1".into()
        }
    );
    assert!(failure.is_transient());
}

#[tokio::test]
async fn a_body_that_never_ends_times_out() {
    let origin = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[1", false).await;
    let mut settings = inside();
    settings.provider_timeout = SHORT;
    let request = Request::get(format!("{origin}/"));
    let failure = outbound(&settings)
        .provider(&origin, None, &request)
        .await
        .unwrap_err();
    assert!(matches!(failure, SendError::Timeout { .. }), "{failure}");
}

#[tokio::test]
async fn a_body_above_the_limit_is_let_go() {
    let router = Router::new()
        .route("/plain", get(|| async { vec![b' '; 64 * 1024 + 1] }))
        .route("/exact", get(|| async { vec![b' '; 64 * 1024] }))
        .route(
            "/bomb",
            get(|| async {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
                for _ in 0..64 {
                    gzip.write_all(&[b' '; 64 * 1024]).unwrap();
                }
                let body = gzip.finish().unwrap();
                assert!(body.len() < 8 * 1024);
                ([(header::CONTENT_ENCODING, "gzip")], body)
            }),
        );
    let origin = serve(router).await;
    let outbound = outbound(&inside());
    for path in ["plain", "bomb"] {
        let request = Request::get(format!("{origin}/{path}"));
        let failure = outbound
            .provider(&origin, None, &request)
            .await
            .unwrap_err();
        assert!(
            matches!(
                failure,
                SendError::TooLarge {
                    limit_bytes: 65_536,
                    ..
                }
            ),
            "{path}: {failure}"
        );
        assert!(!failure.is_transient());
    }
    let request = Request::get(format!("{origin}/exact"));
    let answer = outbound.provider(&origin, None, &request).await.unwrap();
    assert_eq!(answer.body.len(), 64 * 1024);
}

#[tokio::test]
async fn broken_answers_are_told_apart() {
    let cases: [(&[u8], &str); 6] = [
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[1, 2",
            "cut",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[1, 2\r\n",
            "cut",
        ),
        (b"", "cut"),
        (b"HTTP/1.1 200 OK\r\ncontent-len", "cut"),
        (b"SSH-2.0-OpenSSH_9.7\r\n\r\n", "protocol"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 12\r\n\r\nnot gzip at!",
            "protocol",
        ),
    ];
    for (answer, expected) in cases {
        let origin = raw(answer, true).await;
        let failure = get_from(&origin).await.unwrap_err();
        let shown = String::from_utf8_lossy(answer);
        assert_eq!(failure.class(), expected, "{shown:?}: {failure:?}");
        assert!(failure.is_transient());
        assert!(!format!("{failure} {failure:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn gzip_that_ends_early_is_cut() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(&[b'x'; 1000]).unwrap();
    let mut body = gzip.finish().unwrap();
    body.truncate(500);
    let router = Router::new().route(
        "/x",
        get(move || async move { ([(header::CONTENT_ENCODING, "gzip")], body) }),
    );
    let failure = get_from(&serve(router).await).await.unwrap_err();
    assert_eq!(failure.class(), "cut", "{failure:?}");
}

#[tokio::test]
async fn a_redirect_is_handed_back_and_nothing_reaches_the_other_host() {
    let hits = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&hits);
    let other = serve(Router::new().fallback(any(move || async move {
        seen.fetch_add(1, Ordering::SeqCst);
        StatusCode::OK
    })))
    .await;
    let target = format!("{other}/stolen");
    let location = target.clone();
    let router = Router::new().route(
        "/x",
        get(move || async move { (StatusCode::FOUND, [(header::LOCATION, location)]) }),
    );
    let origin = serve(router).await;
    let request = Request::get(format!("{origin}/x"));
    let outbound = outbound(&inside());
    let answer = outbound
        .provider(&origin, Some(&token()), &request)
        .await
        .unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), Some(target.as_str()));

    let followed = Request::get(target);
    let failure = outbound
        .provider(&origin, Some(&token()), &followed)
        .await
        .unwrap_err();
    assert!(
        matches!(failure, SendError::OriginMismatch { .. }),
        "{failure}"
    );
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_foreign_origin_is_not_asked() {
    let outbound = outbound(&Settings::new("0"));
    let home = "https://api.example.com";
    for url in [
        "https://evil.example.com/2.0",
        "http://api.example.com/2.0",
        "https://api.example.com:8443/2.0",
        "https://api.example.com@evil.example/2.0",
        "https://api.example.com.evil.example/2.0",
        "file:///etc/passwd",
    ] {
        let failure = outbound
            .provider(home, Some(&token()), &Request::get(url.into()))
            .await
            .unwrap_err();
        assert!(
            matches!(failure, SendError::OriginMismatch { .. }),
            "{url}: {failure}"
        );
        assert!(!failure.is_transient());
    }
    let with_user = Request::get("https://me:pw@api.example.com/".into());
    let failure = outbound.provider(home, None, &with_user).await.unwrap_err();
    assert_eq!(failure.class(), "url");
    assert!(!failure.to_string().contains("pw"));
}

#[tokio::test]
async fn a_name_for_loopback_is_refused_unless_allowed() {
    let router = Router::new().route("/x", get(|| async { "hello" }));
    let origin = serve(router).await.replace("127.0.0.1", "localhost");
    let request = Request::get(format!("{origin}/x"));

    let refused = outbound(&Settings::new("0"))
        .provider(&origin, None, &request)
        .await;
    let refusal = refused.unwrap_err();
    assert_eq!(
        refusal,
        SendError::Refused {
            host: "localhost".into()
        }
    );
    assert!(!refusal.to_string().contains("127.0.0.1"));

    let secure = Request::get(request.url.replace("http:", "https:"));
    let refused = outbound(&Settings::new("0"))
        .provider(&origin.replace("http:", "https:"), None, &secure)
        .await;
    assert_eq!(refused.unwrap_err().class(), "refused");

    let answer = outbound(&inside())
        .provider(&origin, None, &request)
        .await
        .unwrap();
    assert_eq!(answer.body, b"hello");

    let mut named = Settings::new("0");
    named.provider_origins = vec![origin.clone()];
    let answer = outbound(&named)
        .provider(&origin, None, &request)
        .await
        .unwrap();
    assert_eq!(answer.body, b"hello");
}

#[tokio::test]
async fn nobody_there_and_no_tls_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    assert_eq!(get_from(&origin).await.unwrap_err().class(), "connect");

    let plain = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", true).await;
    let failure = get_from(&plain.replace("http:", "https:"))
        .await
        .unwrap_err();
    assert_eq!(failure.class(), "tls", "{failure:?}");
}

#[test]
fn credentials_do_not_print() {
    let basic = Credential::Basic {
        username: "me@example.com".into(),
        password: SecretString::from("s3cret"),
    };
    let shown = format!("{:?} {basic:?}", token());
    assert_eq!(shown, "Bearer([redacted]) Basic([redacted])");
    let url = url::Url::parse("https://me:pw@h.example:81/a/b?sig=s3cret#frag").unwrap();
    let shown = crate::RedactedUrl(&url);
    assert_eq!(
        format!("{shown} {shown:?}"),
        "https://h.example:81/a/b?… https://h.example:81/a/b?…"
    );
}

#[test]
fn unusable_settings_are_named() {
    let mut settings = Settings::new("0");
    settings.provider_origins = vec!["localhost:7990".into()];
    assert!(matches!(
        crate::Outbound::new(&settings),
        Err(crate::SetupError::Origin)
    ));
    for bundle in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let mut settings = Settings::new("0");
        settings.ca_bundle = Some(bundle.into());
        assert!(
            matches!(
                crate::Outbound::new(&settings),
                Err(crate::SetupError::CaBundle)
            ),
            "{bundle}"
        );
    }
}

//! Doors: where they lead, and where they do not.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::routing::any;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{SHORT, inside, outbound, raw, serve};
use crate::{Authorization, Credential, Download, SecretString, SendError, Silence, Upload};

fn authorization() -> Authorization {
    Authorization::of(&Credential::Bearer(SecretString::from("s3cret"))).unwrap()
}

fn get(uri: &str) -> Request<Upload> {
    let mut request = Request::new(Upload::empty());
    *request.uri_mut() = uri.parse::<Uri>().unwrap();
    request
}

async fn text(body: Download) -> String {
    let whole = body.collect().await.unwrap().to_bytes();
    String::from_utf8(whole.into()).unwrap()
}

#[tokio::test]
async fn a_door_leads_to_its_origin_and_takes_no_host_from_a_request() {
    let router = Router::new().fallback(any(|headers: HeaderMap, uri: Uri| async move {
        let header = |name| {
            headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
        };
        format!("{} {} {uri}", header("host"), header("authorization"))
    }));
    let origin = serve(router).await;
    let outbound = outbound(&inside());
    let door = outbound.door(&origin, Silence::default()).unwrap();
    let mut request = get("/a%2Fb/{c}?q=%20+");
    let headers = request.headers_mut();
    headers.insert("host", "evil.example".parse().unwrap());
    headers.insert("authorization", "Bearer theirs".parse().unwrap());
    let answer = door.send(&authorization(), request).await.unwrap();
    let host = origin.strip_prefix("http://").unwrap();
    let expected = format!("{host} Bearer s3cret /a%2Fb/{{c}}?q=%20+");
    assert_eq!(text(answer.into_body()).await, expected);
    for uri in [
        "http://evil.example/",
        "//evil.example/x",
        "evil.example:80",
        "*",
    ] {
        let Ok(uri) = uri.parse::<Uri>() else {
            continue;
        };
        let refused = door.send(&authorization(), get(&uri.to_string())).await;
        let error = refused.unwrap_err().error;
        assert!(
            matches!(error, SendError::OriginMismatch { .. }),
            "{uri}: {error}"
        );
    }
}

#[tokio::test]
async fn a_door_leads_nowhere_that_may_not_be_reached() {
    let mut settings = inside();
    settings.allowed_networks.clear();
    let outbound = outbound(&settings);
    let door = |origin: &str| outbound.door(origin, Silence::default());
    for origin in ["https://10.0.0.1", "https://[::1]", "http://127.0.0.1:1"] {
        assert!(
            matches!(door(origin), Err(SendError::Refused { .. })),
            "{origin}"
        );
    }
    for origin in ["https://user@api.example", "ftp://api.example", "nothing"] {
        assert!(
            matches!(door(origin), Err(SendError::Url { .. })),
            "{origin}"
        );
    }
    // A name is looked up at each connection, and judged by what it is then.
    let door = door("https://localhost:1").unwrap();
    let error = door
        .send(&authorization(), get("/"))
        .await
        .unwrap_err()
        .error;
    assert!(matches!(error, SendError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_answer_is_taken() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let dialled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dialled);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut head = [0; 4096];
                while stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                    let said = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    stream.write_all(said).await.unwrap();
                }
            });
        }
    });
    let outbound = outbound(&inside());
    let door = outbound.door(&origin, Silence::default()).unwrap();
    for _ in 0..5 {
        let answer = door.send(&authorization(), get("/")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(text(answer.into_body()).await, "ok");
    }
    assert_eq!(dialled.load(Ordering::Relaxed), 1);
    // One that is not taken is not used again.
    let left = door.send(&authorization(), get("/")).await.unwrap();
    let other = door.send(&authorization(), get("/")).await.unwrap();
    assert_eq!(text(other.into_body()).await, "ok");
    drop(left);
    assert_eq!(dialled.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn silence_ends_a_request_before_its_answer_and_within_it() {
    let silence = Silence {
        head: SHORT,
        body: SHORT,
    };
    let outbound = outbound(&inside());
    let silent = outbound.door(&raw(b"", false).await, silence).unwrap();
    let refused = silent.send(&authorization(), get("/")).await;
    let error = refused.unwrap_err().error;
    assert!(matches!(error, SendError::Timeout { .. }), "{error}");
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun";
    let begun = outbound.door(&raw(begun, false).await, silence).unwrap();
    let answer = begun.send(&authorization(), get("/")).await.unwrap();
    let error = answer.into_body().collect().await.unwrap_err();
    assert!(matches!(error, SendError::Timeout { .. }), "{error}");
}

/// Answers at once, and reads on until it has had `bytes` of the body; then it says so.
async fn eager(answer: &'static [u8], bytes: usize) -> (String, oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (whole, came) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(answer).await.unwrap();
        let (mut left, mut piece) = (bytes, vec![0; 64 * 1024]);
        while left > 0 {
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0, "the body broke off, {left} bytes before its end");
            left = left.saturating_sub(read);
        }
        whole.send(()).ok();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .ok();
        // Until the other end has closed.
        let _read = stream.read(&mut piece).await;
    });
    (origin, came)
}

#[tokio::test]
async fn a_body_goes_on_while_nobody_takes_the_answer() {
    // More than the system buffers at both ends.
    const LARGE: usize = 64 * 1024 * 1024;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun";
    let (origin, came) = eager(answer, LARGE).await;
    let outbound = outbound(&inside());
    let door = outbound.door(&origin, Silence::default()).unwrap();
    let mut request = get("/");
    let source = axum::body::Body::from(vec![b'x'; LARGE]);
    *request.body_mut() = Upload::streaming(source, 0, Duration::from_secs(60));
    *request.method_mut() = http::Method::POST;
    let answer = door.send(&authorization(), request).await.unwrap();
    let came = tokio::time::timeout(Duration::from_secs(60), came).await;
    came.expect("the body stood still").unwrap();
    drop(answer);
}

/// The answer may begin late, if the body has been coming until then.
#[tokio::test]
async fn a_slow_body_is_no_silence() {
    let (origin, _) = eager(b"", 4 * 4096).await;
    let silence = Silence {
        head: Duration::from_secs(3),
        ..Silence::default()
    };
    let outbound = outbound(&inside());
    let door = outbound.door(&origin, silence).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.tick().await;
    let pieces = futures_util::stream::unfold((4, ticks), |(left, mut ticks)| async move {
        ticks.tick().await;
        let piece = Ok::<_, std::io::Error>(vec![b'x'; 4096]);
        (left > 0).then_some((piece, (left - 1, ticks)))
    });
    let source = axum::body::Body::from_stream(pieces);
    let mut request = get("/");
    *request.body_mut() = Upload::streaming(source, 0, Duration::from_secs(60));
    *request.method_mut() = http::Method::POST;
    let answer = door.send(&authorization(), request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_small_body_is_at_hand_once_more_and_never_shown() {
    for (keep_max_bytes, again) in [(6, Some("s3cret")), (5, None)] {
        let source = axum::body::Body::from_stream(futures_util::stream::iter(
            ["s3", "cret"].map(Ok::<_, std::io::Error>),
        ));
        let upload = Upload::streaming(source, keep_max_bytes, SHORT);
        let uploaded = upload.uploaded().unwrap();
        assert!(uploaded.again().is_none(), "it is still under way");
        assert_eq!(upload.collect().await.unwrap().to_bytes(), "s3cret");
        let shown = format!("{uploaded:?}");
        assert!(!shown.contains("s3"), "{shown}");
        let whole = match uploaded.again() {
            Some(body) => Some(body.collect().await.unwrap().to_bytes()),
            None => None,
        };
        assert_eq!(whole.as_deref(), again.map(str::as_bytes));
    }
}

#[tokio::test]
async fn a_credential_is_not_shown() {
    let shown = format!("{:?}", authorization());
    assert!(!shown.contains("s3cret"), "{shown}");
    let broken = Credential::Bearer(SecretString::from("a\r\nb"));
    assert!(Authorization::of(&broken).is_err());
}

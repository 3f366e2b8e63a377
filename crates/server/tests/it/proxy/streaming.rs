//! Both ways as it streams: what is slow slows down, what ends early ends early,
//! and nobody waits for what nobody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Version};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::upstream::Upstream;
use super::{at, dial, exchange, head_of, planned, wire};
use crate::world::{Plan, World};

/// Reads until something is there that ends so.
async fn until_ends(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(end.as_bytes()) {
        all.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(all).unwrap()
}

/// An answer is passed on piece by piece, before it is whole.
#[tokio::test]
async fn a_piece_arrives_before_the_next_is_made() {
    let next = Arc::new(Notify::new());
    let told = Arc::clone(&next);
    let upstream = Upstream::start(move |_, mut stream| {
        let told = Arc::clone(&told);
        async move {
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
            stream.write_all(head).await.ok()?;
            told.notified().await;
            stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.ok()?;
            Some(stream)
        }
    })
    .await;
    let (world, installation) = at(&upstream).await;
    let mut client = dial(&world).await;
    let request = wire(&world, &installation, "GET /2.0/events HTTP/1.1");
    client
        .write_all(format!("{request}\r\n").as_bytes())
        .await
        .unwrap();
    until_ends(&mut client, "5\r\nfirst\r\n").await;
    next.notify_one();
    assert_eq!(
        until_ends(&mut client, "0\r\n\r\n").await,
        "6\r\nsecond\r\n0\r\n\r\n"
    );
}

/// And so is a body: the provider has the first half while the second is not sent.
#[tokio::test]
async fn a_body_is_passed_on_before_it_is_whole() {
    let (half, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen_half, seen) = (Arc::clone(&half), Arc::clone(&told));
    let upstream = Upstream::start(move |head, mut stream| {
        let (half, told) = (Arc::clone(&seen_half), Arc::clone(&seen));
        async move {
            assert!(head.contains("\r\ncontent-length: 10\r\n"), "{head}");
            let mut five = [0; 5];
            stream.read_exact(&mut five).await.ok()?;
            half.notify_one();
            stream.read_exact(&mut five).await.ok()?;
            told.notify_one();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .await
                .ok()?;
            Some(stream)
        }
    })
    .await;
    let (world, installation) = at(&upstream).await;
    let mut client = dial(&world).await;
    let request = wire(&world, &installation, "PUT /2.0/file HTTP/1.1");
    let request = format!("{request}content-length: 10\r\n\r\n12345");
    client.write_all(request.as_bytes()).await.unwrap();
    half.notified().await;
    client.write_all(b"67890").await.unwrap();
    told.notified().await;
    assert!(head_of(&mut client).await.starts_with("HTTP/1.1 200 "));
}

/// Who asks whether to send is told so once everything is in order, and not before:
/// whoever is refused keeps the body.
#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_only_when_it_may() {
    let upstream = Upstream::start(|head, mut stream| async move {
        assert!(!head.contains("expect"), "{head}");
        let mut body = [0; 4];
        stream.read_exact(&mut body).await.ok()?;
        assert_eq!(&body, b"body");
        stream
            .write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")
            .await
            .ok()?;
        Some(stream)
    })
    .await;
    let (world, installation) = at(&upstream).await;
    let asking = "expect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    let mut client = dial(&world).await;
    let request = wire(&world, &installation, "POST /2.0/file HTTP/1.1");
    client
        .write_all(format!("{request}{asking}").as_bytes())
        .await
        .unwrap();
    assert_eq!(head_of(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"body").await.unwrap();
    assert!(head_of(&mut client).await.starts_with("HTTP/1.1 201 "));
    let mut client = dial(&world).await;
    let request = request.replace("x-api-key: ", "x-api-key: not");
    client
        .write_all(format!("{request}{asking}").as_bytes())
        .await
        .unwrap();
    assert!(head_of(&mut client).await.starts_with("HTTP/1.1 401 "));
}

/// Whether the other end closes, as whoever reads sees it.
async fn closes(stream: &mut TcpStream) {
    while !matches!(stream.read(&mut [0; 1024]).await, Ok(0) | Err(_)) {}
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_request_at_the_provider() {
    let (asked, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen_asked, seen_gone) = (Arc::clone(&asked), Arc::clone(&gone));
    let upstream = Upstream::start(move |head, mut stream| {
        let (asked, gone) = (Arc::clone(&seen_asked), Arc::clone(&seen_gone));
        async move {
            if head.contains("/begun ") {
                let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun";
                stream.write_all(begun).await.ok()?;
            }
            asked.notify_one();
            closes(&mut stream).await;
            gone.notify_one();
            None
        }
    })
    .await;
    let (world, installation) = at(&upstream).await;
    // Before the head of the answer, within its body, and within the request's own.
    for (line, rest) in [
        ("GET /silent HTTP/1.1", "\r\n"),
        ("GET /begun HTTP/1.1", "\r\n"),
        ("POST /silent HTTP/1.1", "content-length: 9\r\n\r\nhalf"),
    ] {
        let mut client = dial(&world).await;
        let request = wire(&world, &installation, line);
        client
            .write_all(format!("{request}{rest}").as_bytes())
            .await
            .unwrap();
        asked.notified().await;
        if line.contains("/begun ") {
            until_ends(&mut client, "begun").await;
        }
        drop(client);
        tokio::time::timeout(Duration::from_secs(30), gone.notified())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_is_cut_for_the_client() {
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let upstream = Upstream::start(move |_, mut stream| async move {
            let said = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\npart.\r\n");
            stream.write_all(said.as_bytes()).await.ok();
            stream.shutdown().await.ok();
            None
        })
        .await;
        let (world, installation) = at(&upstream).await;
        // By HTTP/1.1: fewer bytes than were said, or no last chunk.
        let request = wire(&world, &installation, "GET /2.0/file HTTP/1.1");
        let answer = exchange(&world, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.contains("part."), "{answer}");
        assert!(body.len() < 100 && !body.ends_with("0\r\n\r\n"), "{answer}");
        // By HTTP/2: an error, and no end of the stream.
        let mut sender = h2(&world).await;
        let request = h2_request(&world, &installation, "/2.0/file");
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.version()),
            (200, Version::HTTP_2)
        );
        let mut body = answer.into_body();
        let mut failed = false;
        while let Some(frame) = next_frame(&mut body).await {
            failed = frame.is_err();
            if failed {
                break;
            }
        }
        assert!(failed, "the body came to an end");
    }
}

type Sender = hyper::client::conn::http2::SendRequest<axum::body::Body>;

/// A connection by HTTP/2, agreed on beforehand.
async fn h2(world: &World) -> Sender {
    let stream = hyper_util::rt::TokioIo::new(dial(world).await);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (sender, connection) = hyper::client::conn::http2::handshake(executor, stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn h2_request(world: &World, installation: &Value, path: &str) -> Request<axum::body::Body> {
    let mut request = Request::get(format!("{}{path}", world.api.origin));
    for (name, value) in super::for_installation(installation) {
        request = request.header(name, value);
    }
    let request = request.header("x-api-key", world.api.key.as_deref().unwrap());
    request.body(axum::body::Body::empty()).unwrap()
}

async fn next_frame(
    body: &mut hyper::body::Incoming,
) -> Option<Result<hyper::body::Frame<bytes::Bytes>, hyper::Error>> {
    std::future::poll_fn(|context| {
        hyper::body::Body::poll_frame(std::pin::Pin::new(&mut *body), context)
    })
    .await
}

#[tokio::test]
async fn http_2_goes_in_as_it_is_and_out_as_http_1() {
    let upstream =
        Upstream::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            .await;
    let (world, installation) = at(&upstream).await;
    let mut sender = h2(&world).await;
    let path = "/2.0/a%2Fb/{c}?q=%20+";
    let answer = sender
        .send_request(h2_request(&world, &installation, path))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let head = upstream.head();
    assert!(
        head.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
        "{head}"
    );
    let host = format!(
        "\r\nhost: {}\r\n",
        upstream.url().strip_prefix("http://").unwrap()
    );
    assert!(head.contains(&host), "{head}");
}

/// A body by HTTP/2, of a length that is told or of one that is not.
#[tokio::test]
async fn a_body_by_http_2_comes_through() {
    let upstream = Upstream::start(|head, mut stream| async move {
        let body = if head.contains("\r\ncontent-length: 10\r\n") {
            let mut body = vec![0; 10];
            stream.read_exact(&mut body).await.ok()?;
            body
        } else {
            assert!(
                head.contains("\r\ntransfer-encoding: chunked\r\n"),
                "{head}"
            );
            until_ends(&mut stream, "0\r\n\r\n").await.into_bytes()
        };
        let head = format!(
            "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(&body).await.ok()?;
        Some(stream)
    })
    .await;
    let (world, installation) = at(&upstream).await;
    let mut sender = h2(&world).await;
    let pieces = ["01234", "56789"].map(Ok::<_, std::io::Error>);
    let untold = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
    for (body, whole) in [
        (axum::body::Body::from("0123456789"), true),
        (untold, false),
    ] {
        let mut request = h2_request(&world, &installation, "/2.0/file");
        *request.method_mut() = http::Method::PUT;
        *request.body_mut() = body;
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.version()),
            (201, Version::HTTP_2)
        );
        let mut body = answer.into_body();
        let mut seen = Vec::new();
        while let Some(frame) = next_frame(&mut body).await {
            seen.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        let seen = String::from_utf8(seen).unwrap();
        if whole {
            assert_eq!(seen, "0123456789");
        } else {
            let pieces = seen.split("\r\n").skip(1).step_by(2);
            assert_eq!(pieces.collect::<String>(), "0123456789", "{seen}");
        }
    }
}

/// A provider that says nothing for as long as the connection is open.
async fn silent(change: impl FnOnce(&mut Plan)) -> (Upstream, World, Value) {
    let upstream = Upstream::start(|_, mut stream| async move {
        closes(&mut stream).await;
        None
    })
    .await;
    let mut plan = Plan {
        api_url: Some(upstream.url()),
        works: false,
        ..Plan::default()
    };
    change(&mut plan);
    let (world, installation) = planned(testing::sqlite().await, plan).await;
    (upstream, world, installation)
}

#[tokio::test]
async fn a_provider_that_stays_silent_is_not_waited_for() {
    let (upstream, world, installation) = silent(|plan| {
        plan.silence.head = Duration::from_millis(50);
    })
    .await;
    for (line, rest) in [
        ("GET /2.0/slow HTTP/1.1", ""),
        ("POST /2.0/slow HTTP/1.1", "content-length: 0\r\n"),
    ] {
        let request = wire(&world, &installation, line);
        let answer = exchange(&world, &format!("{request}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert!(answer.contains("x-request-id: "), "{answer}");
    }
    assert_eq!(upstream.heads().len(), 2, "neither is sent once more");
}

/// Whoever takes slowly is waited for: of an answer without end only so much is
/// made as fits on the way, and of a body only so much is taken.
#[tokio::test]
async fn who_is_slow_slows_down_the_other_end() {
    const PIECE: usize = 64 * 1024;
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let upstream = Upstream::start(move |head, mut stream| {
        let made = Arc::clone(&counted);
        async move {
            if head.starts_with("POST") {
                // Takes nothing.
                std::future::pending::<()>().await;
            }
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n";
            stream.write_all(head).await.ok()?;
            loop {
                stream.write_all(&[b'x'; PIECE]).await.ok()?;
                made.fetch_add(PIECE, Ordering::Relaxed);
            }
        }
    })
    .await;
    let (world, installation) = at(&upstream).await;
    let mut client = dial(&world).await;
    let request = wire(&world, &installation, "GET /2.0/endless HTTP/1.1");
    client
        .write_all(format!("{request}\r\n").as_bytes())
        .await
        .unwrap();
    head_of(&mut client).await;
    let now = || made.load(Ordering::Relaxed);
    let stalled = settled(&world, now).await;
    // Socket buffers on both sides, and a little between them.
    assert!(
        stalled < 64_000_000,
        "{stalled} bytes were made that nobody took"
    );
    let mut taken = vec![0; 32_000_000];
    client.read_exact(&mut taken).await.unwrap();
    world
        .until("more to be made", async || (now() > stalled).then_some(()))
        .await;

    let mut client = dial(&world).await;
    let request = wire(&world, &installation, "POST /2.0/file HTTP/1.1");
    let head = format!("{request}content-length: 1000000000000\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let sending = tokio::spawn(async move {
        while client.write_all(&[b'x'; PIECE]).await.is_ok() {
            counted.fetch_add(PIECE, Ordering::Relaxed);
        }
    });
    let taken = settled(&world, || sent.load(Ordering::Relaxed)).await;
    assert!(
        (1..64_000_000).contains(&taken),
        "{taken} bytes were taken that nobody wanted"
    );
    sending.abort();
}

/// A number that has stopped growing.
async fn settled(world: &World, now: impl Fn() -> usize) -> usize {
    let (mut last, mut same) = (0, 0);
    world
        .until("nothing to move any more", async || {
            let seen = now();
            same = if seen == last && seen > 0 {
                same + 1
            } else {
                0
            };
            last = seen;
            (same > 20).then_some(seen)
        })
        .await
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (_upstream, world, installation) = silent(|plan| {
        plan.protections.body = Duration::from_millis(50);
    })
    .await;
    let request = wire(&world, &installation, "POST /2.0/file HTTP/1.1");
    let answer = exchange(
        &world,
        &request.replace("\r\nhost", "\r\ncontent-length: 9\r\nhost"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

//! What keeps clients from wearing the server out, over real sockets.

use std::time::Duration;

use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{PROJECT, Plan, World, path};

testing::both!(
    a_key_asks_so_often_and_no_oftener,
    what_is_no_key_is_counted_by_address,
    every_answer_has_an_id,
    a_body_that_does_not_come_is_not_waited_for,
    an_answer_that_does_not_come_is_not_waited_for,
    a_handler_that_panics_answers_like_any_failure,
    a_large_body_is_refused_whoever_sends_it,
    pages_are_bounded,
);

/// A world that waits for nobody.
async fn impatient(store: TestStore, change: impl Fn(&mut server::Protections)) -> World {
    let mut plan = Plan {
        works: false,
        ..Plan::default()
    };
    change(&mut plan.protections);
    World::planned(store, plan).await
}

async fn dial(world: &World) -> TcpStream {
    let address = world.api.origin.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Everything that comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// The head of an answer.
async fn head(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"\r\n\r\n") {
        all.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(all).unwrap()
}

/// A request whose body does not end.
fn unfinished(world: &World) -> String {
    let (place, key) = (path("/destinations"), world.api.key.clone().unwrap());
    format!(
        "POST {place} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"na"
    )
}

async fn a_key_asks_so_often_and_no_oftener(store: TestStore) {
    let world = impatient(store, |protections| protections.api_rate = 5).await;
    world.clock.stop();
    for _ in 0..10 {
        world.api.get(&path("")).await.json(200);
    }
    let answer = world.api.get(&path("")).await;
    let problem = answer.problem(429);
    assert_eq!(answer.header("retry-after"), "1");
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("LIGATURE_API_RATE")
    );
    // Reads and refusals count alike, on whichever route; other keys are not held back.
    world
        .api
        .post("/v1/oauth-connect", &json!({}))
        .await
        .problem(429);
    let other = world.api.with_key(&world.add_key(PROJECT, &[]).await);
    other.get(&path("")).await.json(200);
    world.clock.advance(SignedDuration::from_millis(200));
    world.api.get(&path("")).await.json(200);
    world.api.get(&path("")).await.problem(429);
    // What needs no key is not counted.
    for _ in 0..20 {
        assert_eq!(world.api.get("/healthz").await.status, 200);
    }
    // A clock that is set back locks nobody out until it has caught up.
    world.clock.advance(SignedDuration::from_hours(-1));
    for _ in 0..10 {
        world.api.get(&path("")).await.json(200);
    }
    world.api.get(&path("")).await.problem(429);
}

async fn what_is_no_key_is_counted_by_address(store: TestStore) {
    let world = impatient(store, |protections| {
        protections.api_rate = 5;
        protections.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    world.clock.stop();
    world.api.get(&path("")).await.json(200);
    let revoked = world.add_key(PROJECT, &[]).await;
    world.api.with_key(&revoked).get(&path("")).await.json(200);
    let gone = path(&format!("/api-keys/{revoked}"));
    assert!(world.api.delete(&gone).await.status.is_success());
    let wrong = [
        world.api.with_key("lig_nobody"),
        world.api.without_key().with_bearer("no.such.token"),
        world.api.without_key().with_bearer("ligs_none"),
        world.api.with_key(&revoked),
    ];
    for client in wrong.iter().cycle().take(10) {
        client.get(&path("")).await.problem(401);
    }
    for client in &wrong {
        let answer = client.get(&path("")).await;
        let problem = answer.problem(429);
        assert_eq!(answer.header("retry-after"), "1");
        let remedy = problem["remedy"].as_str().unwrap();
        assert!(remedy.contains("LIGATURE_API_RATE"), "{problem}");
    }
    // What has been good here is looked up all the same; what is new is not, from there.
    world.api.get(&path("")).await.json(200);
    let new = world.api.with_key(&world.add_key(PROJECT, &[]).await);
    new.get(&path("")).await.problem(429);
    let elsewhere = [("x-forwarded-for", "203.0.113.7")];
    let place = path("");
    let asked = new.send(Method::GET, &place, Vec::new(), &elsewhere);
    asked.await.json(200);
    // Nothing at all is not looked up, and so not counted.
    let nobody = world.api.without_key();
    nobody.get(&path("")).await.problem(401);
    world.clock.advance(SignedDuration::from_millis(200));
    wrong[0].get(&path("")).await.problem(401);
    wrong[0].get(&path("")).await.problem(429);
}

async fn every_answer_has_an_id(store: TestStore) {
    let world = World::idle(store).await;
    let origin = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
    ];
    for answer in [
        world.api.get("/").await,
        world.api.get("/healthz").await,
        world.api.get("/metrics").await,
        world.api.get(&path("")).await,
        world.api.get("/nothing").await,
        world.api.get("/invite").await,
        world.api.post("/healthz", &json!({})).await,
        world.api.without_key().get(&path("")).await,
        world
            .api
            .send(Method::OPTIONS, "/v1/projects", Vec::new(), &origin)
            .await,
    ] {
        assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
    }
}

async fn a_body_that_does_not_come_is_not_waited_for(store: TestStore) {
    let world = impatient(store, |protections| {
        protections.body = Duration::from_millis(50);
    })
    .await;
    let request = unfinished(&world);
    let mut stream = dial(&world).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("x-request-id: "), "{answer}");
    // Whoever has no key is refused before a body is waited for.
    let nobody = request.replace("x-api-key", "x-none");
    let mut stream = dial(&world).await;
    stream.write_all(nobody.as_bytes()).await.unwrap();
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

async fn an_answer_that_does_not_come_is_not_waited_for(store: TestStore) {
    let world = impatient(store, |protections| {
        protections.answer = Duration::from_millis(50);
    })
    .await;
    // The handler waits for a body, for longer than anybody may.
    let mut stream = dial(&world).await;
    stream
        .write_all(unfinished(&world).as_bytes())
        .await
        .unwrap();
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("retry-after: 10"), "{answer}");
    assert!(answer.contains("x-request-id: "), "{answer}");
}

async fn a_handler_that_panics_answers_like_any_failure(store: TestStore) {
    let world = World::idle(store).await;
    world.clock.break_down();
    for place in ["/readyz", &path("")] {
        let answer = world.api.get(place).await;
        let problem = answer.problem(500);
        assert!(!problem.to_string().contains("clock"), "{problem}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(world.api.get("/healthz").await.status, 200);
}

async fn a_large_body_is_refused_whoever_sends_it(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let large = json!({ "email": "x".repeat(4 * 1024 * 1024) });
    let invites = format!("/v1/orgs/{org}/invites");
    ada.post(&invites, &large).await.problem(413);
    let nobody = world.api.without_key();
    nobody.post("/v1/sessions", &large).await.problem(413);
    // Whichever way a handler reads it.
    let pause = "/integrations/x/installations/x:pause";
    let pause = format!("/read{}", path(pause));
    for place in [path("/destinations"), path("/destinations/x:replay"), pause] {
        let problem = world.api.post(&place, &large).await.problem(413);
        assert!(
            problem["remedy"].as_str().unwrap().contains("4 MiB"),
            "{problem}"
        );
    }
}

async fn pages_are_bounded(store: TestStore) {
    let world = World::idle(store).await;
    for place in ["/audit-log", "/deliveries"] {
        for size in ["0", "1001", "-1", "many"] {
            let place = path(&format!("{place}?pageSize={size}"));
            world.api.get(&place).await.problem(400);
        }
        world
            .api
            .get(&path(&format!("{place}?pageSize=1000")))
            .await
            .json(200);
    }
}

/// What has to do with connections alone needs no second database.
mod connections {
    use super::*;

    /// Shorter than what a test would wait for at most.
    const BRIEFLY: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn whoever_sends_no_request_is_let_go() {
        let world = impatient(testing::sqlite().await, |protections| {
            protections.first_head = BRIEFLY;
        })
        .await;
        for begun in [
            "",
            "P",
            "GET / HTTP/1.1\r\nhost: x\r\n",
            "PRI * HTTP/2.0\r\n",
        ] {
            let mut stream = dial(&world).await;
            stream.write_all(begun.as_bytes()).await.unwrap();
            assert_eq!(rest(&mut stream).await, "", "{begun:?}");
        }
        world.api.get("/healthz").await;
    }

    #[tokio::test]
    async fn http2_is_spoken_and_let_go_too() {
        let world = impatient(testing::sqlite().await, |protections| {
            protections.first_head = BRIEFLY;
        })
        .await;
        let mut stream = dial(&world).await;
        // RFC 9113, 3.4: the preface, and settings that change nothing.
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        stream.write_all(preface).await.unwrap();
        stream.write_all(&settings).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.get(3), Some(&4), "settings come first: {answer:?}");
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_the_next_request_but_not_for_ever() {
        let world = impatient(testing::sqlite().await, |protections| {
            protections.next_head = BRIEFLY;
        })
        .await;
        let mut stream = dial(&world).await;
        let ask = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(ask).await.unwrap();
        stream.write_all(ask).await.unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nho")
            .await
            .unwrap();
        let answers = rest(&mut stream).await;
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    }

    #[tokio::test]
    async fn whoever_takes_no_answers_is_let_go() {
        let world = impatient(testing::sqlite().await, |protections| {
            protections.taking = BRIEFLY;
        })
        .await;
        let mut stream = dial(&world).await;
        let ask = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
        // No answer is read, so the server stops to read requests, until it goes.
        let asked = async { while stream.write_all(ask).await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(60), asked)
            .await
            .expect("the connection is closed");
    }

    #[tokio::test]
    async fn endless_headers_are_refused() {
        let world = impatient(testing::sqlite().await, |_| {}).await;
        let mut stream = dial(&world).await;
        let head = format!(
            "GET / HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n",
            "a".repeat(70_000)
        );
        // The server may close before it has read everything.
        stream.write_all(head.as_bytes()).await.ok();
        let mut start = [0; 13];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 431 ");
    }
}

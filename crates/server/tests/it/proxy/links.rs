//! Links of the provider that lead through this server.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use super::upstream::Upstream;
use super::{at, exchange, for_installation, get, installed, wire};
use crate::world::{Answer, World};

testing::both!(who_follows_next_stays_on_the_proxy);

async fn rewritten(world: &World, installation: &Value, path: &str) -> Answer {
    let mut headers = for_installation(installation);
    headers.push(("x-ligature-rewrite-links", "true"));
    world
        .api
        .send(Method::GET, path, Vec::new(), &headers)
        .await
}

async fn who_follows_next_stays_on_the_proxy(store: TestStore) {
    let (world, installation) = installed(store).await;
    let (origin, provider) = (world.api.origin.clone(), world.provider.url());
    let mut seen = Vec::new();
    let mut path = "/2.0/repositories/acme?pagelen=100&sort=updated_on".to_owned();
    loop {
        let page = rewritten(&world, &installation, &path).await;
        assert!(!page.text().contains(&provider), "{}", page.text());
        let page = page.passed(200);
        for repository in page["values"].as_array().unwrap() {
            seen.push(repository["uuid"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = next
            .strip_prefix(&origin)
            .expect("a link through this server")
            .to_owned();
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 230);
    // What was not asked for is not done.
    let page = get(&world, &installation, "/2.0/repositories/acme?pagelen=1")
        .await
        .passed(200);
    assert!(
        page["next"].as_str().unwrap().starts_with(&provider),
        "{page}"
    );
    // A place told in a header, where something was made.
    let mut headers = for_installation(&installation);
    headers.extend([
        ("x-ligature-rewrite-links", "true"),
        ("content-type", "application/json"),
    ]);
    let new = json!({ "name": "New", "key": "NEW" })
        .to_string()
        .into_bytes();
    let made = world
        .api
        .send(Method::POST, "/2.0/workspaces/acme/projects", new, &headers)
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let place = made.header("location").to_owned();
    let place = place
        .strip_prefix(&origin)
        .unwrap_or_else(|| panic!("{place}"));
    assert_eq!(
        rewritten(&world, &installation, place).await.passed(200)["key"],
        "NEW"
    );
}

#[tokio::test]
async fn only_plain_json_is_rewritten() {
    // (its headers, whether a link in it is rewritten)
    for (headers, is_rewritten) in [
        ("content-type: application/json", true),
        ("content-type: application/json; charset=utf-8", true),
        ("content-type: application/hal+json", true),
        ("content-type: application/json; charset=utf-16", false),
        ("content-type: text/plain", false),
        (
            "content-type: application/json\r\ncontent-encoding: gzip",
            false,
        ),
    ] {
        let upstream = Upstream::start(move |head, mut stream| async move {
            use tokio::io::AsyncWriteExt as _;
            assert!(head.contains("\r\naccept-encoding: identity\r\n"), "{head}");
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            let body = format!("[\"http://{host}/2.0/x\"]");
            let length = body.len();
            let said = format!("HTTP/1.1 200 OK\r\n{headers}\r\ncontent-length: {length}\r\ndigest: d\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(said.as_bytes()).await.ok();
            None
        })
        .await;
        let (world, installation) = at(&upstream).await;
        let request = wire(&world, &installation, "GET /2.0/x HTTP/1.1");
        let request =
            format!("{request}accept-encoding: gzip\r\nx-ligature-rewrite-links: true\r\n");
        let answer = exchange(&world, &request).await;
        let here = format!("[\"{}/2.0/x\"]", world.api.origin);
        let there = format!("[\"{}/2.0/x\"]", upstream.url());
        let (expected, other) = if is_rewritten {
            (&here, &there)
        } else {
            (&there, &here)
        };
        assert!(answer.contains(expected.as_str()), "{headers}: {answer}");
        assert!(!answer.contains(other.as_str()), "{headers}: {answer}");
        assert_eq!(answer.contains("digest"), !is_rewritten, "{answer}");
        assert_eq!(
            answer.contains("transfer-encoding: chunked"),
            is_rewritten,
            "{answer}"
        );
    }
}

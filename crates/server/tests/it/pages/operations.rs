//! Operations in the dashboard: found, followed, explained.

use serde_json::json;
use testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::browser::Browser;
use crate::world::steps::{GROUP, both, everything, install_body, installations};
use crate::world::{Plan, World};

testing::both!(
    operations_are_found_by_what_they_are_about,
    what_runs_is_followed_to_its_end,
    a_stream_ends_when_the_server_stops,
    a_failed_one_says_what_to_do,
    those_of_others_are_not_there,
);

/// The events of one stream as they come.
pub(super) struct Events {
    stream: TcpStream,
    pub(super) text: String,
}

impl Events {
    pub(super) async fn open(world: &World, browser: &Browser, path: &str) -> Self {
        let host = world.api.origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let cookie = &browser.cookies["ligature"];
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: ligature={cookie}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        Self {
            stream,
            text: String::new(),
        }
    }

    /// Reads on; `false` at the end.
    async fn more(&mut self) -> bool {
        // The last chunk has no bytes.
        let is_over = |text: &str| text.ends_with("\r\n0\r\n\r\n");
        if is_over(&self.text) {
            return false;
        }
        let mut piece = [0; 4096];
        let read = self.stream.read(&mut piece).await.unwrap();
        self.text.push_str(&String::from_utf8_lossy(&piece[..read]));
        read > 0 && !is_over(&self.text)
    }

    pub(super) async fn until(&mut self, needle: &str) {
        while !self.text.contains(needle) && self.more().await {}
        assert!(self.text.contains(needle), "{needle}: {}", self.text);
    }
}

async fn operations_are_found_by_what_they_are_about(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let first = world.install(both()).await;
    world.ended(&first).await;
    world.connect("customer-2").await;
    let objects = json!({ "projects": everything("projects") });
    let second = world
        .api
        .post(&installations(), &install_body("customer-2", objects))
        .await
        .json(201);
    world.ended(&second).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/operations", world.pages().await);
    let id = second["id"].as_str().unwrap();
    let ahead = "2100-01-01T00:00";
    for (query, rows) in [
        (String::new(), 3),
        ("?status=success".to_owned(), 3),
        ("?status=failure".to_owned(), 0),
        ("?type=backfill".to_owned(), 3),
        ("?type=scheduled".to_owned(), 0),
        ("?type=read&object=projects".to_owned(), 2),
        ("?type=write".to_owned(), 0),
        (format!("?group={GROUP}"), 2),
        (format!("?installation={id}"), 1),
        (format!("?from={ahead}"), 0),
        (format!("?to={ahead}&group=customer-2&object=projects"), 1),
    ] {
        let page = browser.get(&format!("{place}{query}")).await;
        assert_eq!(page.status, 200);
        let text = page.text();
        assert_eq!(
            text.matches("data-label=\"Status\"").count(),
            rows,
            "{query}: {text}"
        );
        assert!(!text.contains("sse-connect"), "nothing runs any more");
        assert!(query.is_empty() || rows > 0 || text.contains("No operation matches."));
    }
    // Instants are shown in UTC, and it is said; a script puts them into the viewer's zone.
    let instant = format!("{place}?from=2000-01-01T05:45:00%2B05:45&to=2100-01-01T00:00:30Z");
    let page = browser.get(&instant).await.text();
    assert_eq!(page.matches("data-label=\"Status\"").count(), 3);
    assert!(page.contains("name=\"from\" type=\"datetime-local\" value=\"2000-01-01T00:00\""));
    assert!(page.contains("name=\"to\" type=\"datetime-local\" value=\"2100-01-01T00:00:30\""));
    assert_eq!(page.matches("(<span data-zone>UTC</span>)").count(), 2);
    for wrong in ["status=odd", "from=yesterday"] {
        let refused = browser.get(&format!("{place}?{wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
    let operation = &world.operations(&first).await["projects"];
    let id = operation["id"].as_str().unwrap();
    let page = browser.get(&format!("{place}/{id}")).await.text();
    assert!(
        page.contains("projects: backfill read") && page.contains("Customer One"),
        "{page}"
    );
    assert!(page.contains("12 records"), "{page}");
}

async fn what_runs_is_followed_to_its_end(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/operations", world.pages().await);
    let list = browser.get(&place).await.text();
    let (_, rest) = list.split_once("sse-connect=\"").unwrap();
    let live = rest.split('"').next().unwrap();
    let mut events = Events::open(&world, &browser, live).await;
    for operation in world.operations(&installed).await.values() {
        let id = operation["id"].as_str().unwrap();
        events.until(&format!("event: {id}\n")).await;
        assert!(list.contains(&format!("sse-swap=\"{id}\"")));
    }
    assert!(events.text.contains("text/event-stream"));
    assert!(events.text.contains("<progress") && !events.text.contains("done"));
    world.work();
    events.until("event: over\n").await;
    assert_eq!(events.text.matches(">done<").count(), 2, "{}", events.text);
    while events.more().await {}
}

async fn a_stream_ends_when_the_server_stops(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/operations", world.pages().await);
    let list = browser.get(&place).await.text();
    let (_, rest) = list.split_once("sse-connect=\"").unwrap();
    let mut events = Events::open(&world, &browser, rest.split('"').next().unwrap()).await;
    events.until("event: ").await;
    drop(world);
    while events.more().await {}
    assert!(!events.text.contains("event: over"), "{}", events.text);
}

async fn a_failed_one_says_what_to_do(store: TestStore) {
    let mut plan = Plan::default();
    plan.sandbox.scopes = vec!["account".to_owned(), "repository".to_owned()];
    let world = World::planned(store, plan).await;
    world.prepare().await;
    let installed = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let operation = &world.ended(&installed).await["projects"];
    let mut browser = world.owners_browser().await;
    let place = format!("{}/operations", world.pages().await);
    let id = operation["id"].as_str().unwrap();
    let page = browser.get(&format!("{place}/{id}")).await.text();
    let result = operation["result"].as_str().unwrap();
    assert!(
        page.contains(&result.replace('\'', "&#39;")),
        "{result}: {page}"
    );
    assert!(
        page.contains("read it again from the installation"),
        "{page}"
    );
    assert!(page.contains("class=\"badge bad\">error<"), "{page}");
    let list = browser.get(&format!("{place}?status=failure")).await.text();
    assert!(list.contains(&result.replace('\'', "&#39;")), "{list}");
}

async fn those_of_others_are_not_there(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    let operation = &world.operations(&installed).await["projects"];
    let id = operation["id"].as_str().unwrap();
    world.add_project("other").await;
    let mut browser = world.owners_browser().await;
    let own = format!("{}/operations", world.pages().await);
    assert_eq!(browser.get(&format!("{own}/{id}")).await.status, 200);
    let other = "/projects/other/operations";
    assert_eq!(browser.get(&format!("{other}/{id}")).await.status, 404);
    // There is nothing to follow, so it is over at once.
    let events = browser.get(&format!("{other}/live?ids={id}")).await.text();
    assert_eq!(events, "event: over\ndata:\n\n");
    assert_eq!(browser.get(&format!("{own}/live?ids=")).await.status, 400);
    assert!(
        browser
            .get(other)
            .await
            .text()
            .contains("Nothing has run yet")
    );
}

//! Operations followed as they go, by very many pages at once.

use http::Method;
use testing::TestStore;

use super::operations::Events;
use crate::world::World;
use crate::world::steps::both;

testing::both!(a_builder_follows_on_so_many_pages,);

/// As many as a node lets one builder have.
const MOST: usize = 20;

async fn a_builder_follows_on_so_many_pages(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/operations", world.pages().await);
    let list = browser.get(&place).await.text();
    let (_, rest) = list.split_once("sse-connect=\"").unwrap();
    let live = rest.split('"').next().unwrap().to_owned();
    let mut streams = Vec::new();
    for _ in 0..MOST {
        let mut events = Events::open(&world, &browser, &live).await;
        events.until("event: ").await;
        streams.push(events);
    }
    let refused = browser.send(Method::GET, &live, &[], &[]).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), "30");
    assert!(refused.text().contains("on 20 pages already"));
    // The page is there all the same, and says how things stand.
    let list = browser.get(&place).await;
    assert_eq!(list.status, 200);
    assert!(list.text().contains("<progress"), "{}", list.text());
    // Whoever else looks has streams of their own.
    world
        .add_builder("bob@example.com", store::Role::Member)
        .await;
    let mut bob = world.browser();
    bob.sign_in("bob@example.com").await;
    let mut events = Events::open(&world, &bob, &live).await;
    events.until("event: ").await;
    // One that has gone makes room.
    streams.pop();
    let mut again = world
        .until("room for one more", async || {
            let mut events = Events::open(&world, &browser, &live).await;
            events.until("HTTP/1.1 ").await;
            events.text.starts_with("HTTP/1.1 200").then_some(events)
        })
        .await;
    again.until("event: ").await;
    for events in &streams {
        assert!(!events.text.contains("event: over"), "{}", events.text);
    }
}

//! The bound of the outbox: reading waits for deliveries, and goes on by itself.

use jiff::SignedDuration;
use serde_json::json;
use testing::TestStore;

use crate::world::steps::everything;
use crate::world::{Plan, World};

testing::both!(reading_waits_for_deliveries);

async fn reading_waits_for_deliveries(store: TestStore) {
    let plan = Plan {
        outbox_max_bytes: 1,
        ..Plan::default()
    };
    let world = World::planned(store, plan).await;
    world.prepare().await;
    world.receiver.answer_always(500);
    let installed = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    let waits = "The read waits for deliveries";
    let operation = world
        .until("a read that waits", async || {
            for operation in world.operations(&installed).await.into_values() {
                if world.log(&operation).await.contains(waits) {
                    return Some(operation);
                }
            }
            None
        })
        .await;
    assert_eq!(operation["status"], "in_progress");
    // What is under way is refused, so nothing more is read: time alone moves nothing.
    let read = world.provider.calls("/2.0/").await.len();
    let attempts = world.receiver.deliveries().len();
    world.clock.advance(SignedDuration::from_secs(11));
    world
        .until("another attempt", async || {
            (world.receiver.deliveries().len() > attempts).then_some(())
        })
        .await;
    assert_eq!(world.provider.calls("/2.0/").await.len(), read);

    world.receiver.answer_always(200);
    world
        .until("the end of the reads", async || {
            world.clock.advance(SignedDuration::from_secs(15));
            let operations = world.operations(&installed).await;
            let over = operations.values().all(|o| o["status"] == "success");
            over.then_some(())
        })
        .await;
    let options = &world.provider.options;
    let all = usize::try_from(options.repositories).unwrap();
    let entries = world
        .until("every record", async || {
            world.clock.advance(SignedDuration::from_secs(60));
            let entries = world.entries().await;
            (entries.values().map(Vec::len).sum::<usize>() >= all).then_some(entries)
        })
        .await;
    let keys: std::collections::BTreeSet<&str> = entries
        .values()
        .flatten()
        .map(|entry| entry["raw"]["uuid"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), all);
    // It waited after every page, and said so once.
    let log = world.log(&operation).await;
    assert_eq!(log.matches(waits).count(), 1, "{log}");
}

//! A provider whose clock is minutes ahead of ours, or behind: nothing is lost,
//! and nothing comes twice.

use jiff::SignedDuration;
use serde_json::json;
use testing::TestStore;

use super::asked::all;
use super::schedule::{installed, manifest, runs};
use crate::world::{Plan, World, provider};

testing::both!(
    ahead_from_the_install,
    behind_from_the_install,
    ahead_after_a_backfill,
    behind_after_a_backfill
);

async fn ahead_from_the_install(store: TestStore) {
    check(store, 9, "{days: 0}", 0).await;
}

async fn behind_from_the_install(store: TestStore) {
    check(store, -9, "{days: 0}", 0).await;
}

async fn ahead_after_a_backfill(store: TestStore) {
    check(store, 9, "{fullHistory: true}", 230).await;
}

async fn behind_after_a_backfill(store: TestStore) {
    check(store, -9, "{fullHistory: true}", 230).await;
}

/// Changes something, lets a tick come, and again; each change comes once.
async fn check(store: TestStore, ahead_mins: i64, backfill: &str, count: usize) {
    let clock = sandbox::Clock::system();
    clock.advance(SignedDuration::from_mins(ahead_mins));
    let sandbox = sandbox::Options {
        clock: clock.clone(),
        ..provider::small()
    };
    let plan = Plan {
        sandbox,
        ..Plan::default()
    };
    let world = World::planned(store, plan).await;
    let yaml = manifest("repositories", "0 * * * *", backfill);
    let installation = installed(&world, &yaml, "repositories", count).await;
    let runs_before = usize::from(count > 0);
    for round in 1..=3 {
        let touch = json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "index": 10 * round });
        let changed = world.provider.mutate(touch).await;
        // Both clocks go on alike.
        let tick = SignedDuration::from_mins(70);
        clock.advance(tick);
        world.clock.advance(tick);
        let ended = runs(&world, &installation, runs_before + round).await;
        let id = ended[0]["id"].as_str().unwrap();
        let brought = world.brought(id).await;
        assert_eq!(
            all(&brought, "full_name"),
            all(changed.as_array().unwrap(), "full_name"),
            "round {round}"
        );
    }
}

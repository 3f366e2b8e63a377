//! Chosen failures, where the seeds draw theirs; and how nodes share work.

use std::collections::BTreeMap;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::World;
use super::{Database, settle};

/// One seed for all: nothing is drawn here.
const SEED: u64 = 1;

async fn refreshes(world: &World) -> u64 {
    let stats = world
        .provider
        .control(Method::GET, "stats", &Value::Null)
        .await;
    stats.unwrap()["refreshes"].as_u64().unwrap()
}

/// Lets time pass in small steps until `enough`.
async fn until(world: &mut World, what: &str, mut enough: impl AsyncFnMut(&mut World) -> bool) {
    for _ in 0..5_000 {
        if enough(world).await {
            return;
        }
        world.step(SignedDuration::from_millis(50)).await.unwrap();
    }
    panic!("in vain: {what}; {}", world.state().await.unwrap());
}

/// Has the provider keep back the answer to the next refresh, which it has rotated
/// by then. Returns the barrier's path.
async fn hold_refresh(world: &World) -> String {
    let hold = json!({ "path": "/site/oauth2/access_token", "nth": 1, "hold": "response" });
    let barrier = world
        .provider
        .control(Method::POST, "barriers", &hold)
        .await;
    format!("barriers/{}", barrier.unwrap()["id"])
}

/// Lets time pass until that has happened.
async fn parked(world: &mut World, barrier: &str) {
    let parked = format!("{barrier}?wait_ms=10");
    until(world, "a refresh", async |world| {
        let parked = world.provider.control(Method::GET, &parked, &Value::Null);
        parked.await.is_ok()
    })
    .await;
}

async fn release(world: &World, barrier: &str) {
    let release = format!("{barrier}/release");
    let release = world.provider.control(Method::POST, &release, &Value::Null);
    release.await.unwrap();
}

#[tokio::test]
async fn a_pair_that_is_rotated_twice_goes_on_working() {
    let mut world = World::start(SEED, Database::Sqlite).await.unwrap().unwrap();
    settle(&mut world).await.unwrap();
    for rotation in 1..=2 {
        // Past the end of the access token, and of the old pair's ten minutes.
        world.step(SignedDuration::from_hours(2)).await.unwrap();
        world.provider.mutate("churn", 3).await.unwrap();
        settle(&mut world).await.unwrap();
        assert!(refreshes(&world).await >= rotation);
    }
    assert_eq!(world.refusals(), 0);
}

#[tokio::test]
async fn a_node_killed_between_rotation_and_storing_loses_no_pair() {
    let mut world = World::start(SEED, Database::Sqlite).await.unwrap().unwrap();
    settle(&mut world).await.unwrap();
    let barrier = hold_refresh(&world).await;
    world.expire_access().await.unwrap();
    world.step(SignedDuration::from_mins(11)).await.unwrap();
    parked(&mut world, &barrier).await;
    // The provider has rotated; nobody but it knows the new pair.
    assert_eq!(refreshes(&world).await, 1);
    world.nodes[0].injector.dead.cancel();
    world.step(SignedDuration::from_secs(1)).await.unwrap();
    release(&world, &barrier).await;
    world.provider.mutate("churn", 3).await.unwrap();
    settle(&mut world).await.unwrap();
    assert_eq!(refreshes(&world).await, 2);
    assert_eq!(world.refusals(), 0);
}

#[tokio::test]
async fn a_store_that_fails_while_a_pair_is_stored_loses_none() {
    let mut world = World::start(SEED, Database::Sqlite).await.unwrap().unwrap();
    settle(&mut world).await.unwrap();
    let barrier = hold_refresh(&world).await;
    world.expire_access().await.unwrap();
    world.step(SignedDuration::from_mins(11)).await.unwrap();
    parked(&mut world, &barrier).await;
    // Nothing can be stored while the new pair arrives, nor for a while after.
    world.rate(10_000, 0);
    release(&world, &barrier).await;
    for _ in 0..20 {
        world.step(SignedDuration::from_millis(250)).await.unwrap();
    }
    world.rate(0, 0);
    for _ in 0..200 {
        world.step(SignedDuration::from_millis(250)).await.unwrap();
    }
    assert_eq!(
        refreshes(&world).await,
        1,
        "the pair was kept until it could be stored"
    );
    // The pair before is of no use any more: only the new one goes on.
    world.step(SignedDuration::from_hours(2)).await.unwrap();
    world.provider.mutate("churn", 3).await.unwrap();
    settle(&mut world).await.unwrap();
    assert!(refreshes(&world).await >= 2);
    assert_eq!(world.refusals(), 0);
}

#[tokio::test]
async fn two_nodes_that_refresh_at_once_rotate_once() {
    let Some(mut world) = World::start(SEED, Database::Postgres).await.unwrap() else {
        return;
    };
    settle(&mut world).await.unwrap();
    let before = refreshes(&world).await;
    // Only the two that are looked at get on, and for them the token has ended.
    world
        .nodes
        .iter()
        .for_each(|node| node.injector.freeze(true));
    world.step(SignedDuration::from_hours(2)).await.unwrap();
    let barrier = hold_refresh(&world).await;
    let let_go = async {
        let parked = format!("{barrier}?wait_ms=5000");
        let parked = world.provider.control(Method::GET, &parked, &Value::Null);
        parked.await.unwrap();
        release(&world, &barrier).await;
    };
    let (one, other) = (world.refresh(), world.refresh());
    let (one, other, ()) = tokio::join!(one, other, let_go);
    one.unwrap();
    other.unwrap();
    assert_eq!(refreshes(&world).await, before + 1);
    world
        .nodes
        .iter()
        .for_each(|node| node.injector.freeze(false));
    world.provider.mutate("churn", 3).await.unwrap();
    settle(&mut world).await.unwrap();
    assert_eq!(refreshes(&world).await, before + 1);
    assert_eq!(world.refusals(), 0);
}

#[tokio::test]
async fn three_nodes_share_what_is_due() {
    let Some(mut world) = World::start(SEED, Database::Postgres).await.unwrap() else {
        return;
    };
    let third = world.new_node().await.unwrap();
    world.nodes.push(third);
    settle(&mut world).await.unwrap();
    // The provider answers nobody, and all becomes due at one moment.
    let hold = json!({ "path": "/2.0" });
    let barriers = world
        .provider
        .control(Method::POST, "barriers", &hold)
        .await;
    barriers.unwrap();
    world
        .nodes
        .iter()
        .for_each(|node| node.injector.freeze(true));
    world.step(SignedDuration::from_secs(2)).await.unwrap();
    world.install_others(12).await.unwrap();
    world
        .nodes
        .iter()
        .for_each(|node| node.injector.freeze(false));
    let mut shares: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..5_000 {
        let held = world.examine().await.unwrap().work;
        shares.clear();
        for owner in held.into_iter().filter_map(|work| work.owner) {
            *shares.entry(owner).or_default() += 1;
        }
        if shares.values().sum::<u32>() == 24 {
            break;
        }
        world.step(SignedDuration::from_millis(5)).await.unwrap();
    }
    // One node has room for sixteen; a batch is four.
    let shares: Vec<u32> = shares.into_values().collect();
    assert_eq!(shares.iter().sum::<u32>(), 24, "{shares:?}");
    assert_eq!(shares.len(), 3, "{shares:?}");
    assert!(shares.iter().all(|share| *share >= 4), "{shares:?}");
}

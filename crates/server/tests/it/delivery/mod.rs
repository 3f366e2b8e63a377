//! Delivery: retries, refusals, and what is never done.

pub(crate) mod line;
mod on_request;
mod ordered;
mod parallel;
mod replay;
mod rotation;
mod waits;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::json;
use testing::TestStore;

use crate::world::steps::{GROUP, everything, install_body};
use crate::world::{MANIFEST, Receiver, World, path};

testing::both!(
    an_id_is_stable_over_retries,
    after_eight_attempts_a_message_is_kept_as_a_dead_letter,
    gone_disables_the_destination,
    redirects_are_not_followed,
    a_slow_receiver_keeps_nobody_else_waiting,
);

/// A world whose projects are on their way: one message.
async fn one_message(store: TestStore, answers: &[u16]) -> World {
    let world = World::start(store).await;
    world.prepare().await;
    world.receiver.answer_next(answers);
    world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world
}

/// Waits for so many attempts, moving the clock when none comes.
async fn attempts(world: &World, count: usize) {
    world
        .until(&format!("attempt {count}"), async || {
            let made = world.receiver.deliveries().len();
            (made >= count).then_some(())
        })
        .await;
}

/// Waits until the attempts made so far are acknowledged: until a message that
/// was put in after them has reached a receiver of its own.
async fn acknowledged(world: &World) {
    let name = format!("pulse-{}", uuid::Uuid::now_v7().simple());
    let pulse = Receiver::start().await;
    let new =
        json!({ "name": name, "type": "webhook", "metadata": { "url": pulse.url("/pulse") } });
    world.api.post(&path("/destinations"), &new).await.json(201);
    world
        .deploy(&MANIFEST.replace("bitbucket-sync", &name))
        .await;
    let mut projects = everything("projects");
    projects["destination"] = json!(name);
    let body = install_body(GROUP, json!({ "projects": projects }));
    let place = path(&format!("/integrations/{name}/installations"));
    world.api.post(&place, &body).await.json(201);
    world
        .until("the pulse", async || {
            (!pulse.deliveries().is_empty()).then_some(())
        })
        .await;
}

/// Waits until nothing is under way any more; so many dead letters are left.
async fn counted(world: &World, dead: i64) {
    let overview = world
        .until("the last message to be counted", async || {
            let overview = world.engine.store.overview(99).await.unwrap();
            (overview.messages_pending == 0).then_some(overview)
        })
        .await;
    assert_eq!(overview.messages_dead, dead);
}

async fn an_id_is_stable_over_retries(store: TestStore) {
    let world = one_message(store, &[500, 503]).await;
    for (attempt, wait_s) in [(1, 6), (2, 331)] {
        attempts(&world, attempt).await;
        acknowledged(&world).await;
        assert_eq!(
            world.receiver.deliveries().len(),
            attempt,
            "sent again too early"
        );
        world.clock.advance(SignedDuration::from_secs(wait_s));
    }
    attempts(&world, 3).await;
    let deliveries = world.receiver.deliveries();
    let ids: BTreeSet<&str> = deliveries
        .iter()
        .map(|delivery| delivery.id.as_str())
        .collect();
    assert_eq!(ids.len(), 1);
    assert!(
        deliveries
            .iter()
            .all(|delivery| delivery.genuine && delivery.body == deliveries[0].body)
    );
    let times: Vec<i64> = deliveries
        .iter()
        .map(|delivery| {
            delivery.headers["svix-timestamp"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert!(
        times[1] - times[0] >= 5 && times[2] - times[1] >= 300,
        "{times:?}"
    );
    counted(&world, 0).await;
}

async fn after_eight_attempts_a_message_is_kept_as_a_dead_letter(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world.receiver.answer_always(500);
    world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let waits_s = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    for (number, wait_s) in waits_s.into_iter().enumerate() {
        attempts(&world, number + 1).await;
        acknowledged(&world).await;
        // The wait, and the tenth by which it may be longer.
        world
            .clock
            .advance(SignedDuration::from_secs(wait_s + wait_s / 10 + 1));
    }
    attempts(&world, 8).await;
    counted(&world, 1).await;
    world.clock.advance(SignedDuration::from_hours(48));
    acknowledged(&world).await;
    assert_eq!(world.receiver.deliveries().len(), 8);
    let deliveries = world.receiver.deliveries();
    assert!(deliveries.iter().all(|one| one.id == deliveries[0].id));
}

async fn gone_disables_the_destination(store: TestStore) {
    let world = one_message(store, &[410]).await;
    attempts(&world, 1).await;
    let id = world.api.get(&path("/destinations/inbox")).await.json(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .until("the destination to be disabled", async || {
            let inbox = world.api.get(&path(&format!("/destinations/{id}"))).await;
            (inbox.json(200)["disabled"] == true).then_some(())
        })
        .await;
    // Nothing goes there any more, not even later.
    world.clock.advance(SignedDuration::from_hours(12));
    let claimed = world
        .engine
        .store
        .claim_messages("test", 10, world.now())
        .await
        .unwrap();
    assert!(claimed.messages.is_empty());
    assert_eq!(world.receiver.deliveries().len(), 1);
    let shown = world.api.get(&path("/destinations/inbox")).await.json(200);
    assert_eq!(shown["disabled"], true);
    // Enabled again, it gets what has waited.
    let enabled = world
        .api
        .post(&path("/destinations/inbox:enable"), &json!({}))
        .await
        .json(200);
    assert_eq!(enabled["disabled"], false);
    attempts(&world, 2).await;
    assert_eq!(
        world.receiver.deliveries()[0].id,
        world.receiver.deliveries()[1].id
    );
}

async fn redirects_are_not_followed(store: TestStore) {
    let world = one_message(store, &[307, 302]).await;
    for (attempt, wait_s) in [(1, 6), (2, 331)] {
        attempts(&world, attempt).await;
        acknowledged(&world).await;
        world.clock.advance(SignedDuration::from_secs(wait_s));
    }
    attempts(&world, 3).await;
    let deliveries = world.receiver.deliveries();
    assert!(deliveries.iter().all(|delivery| delivery.path == "/inbox"));
    assert_eq!(
        deliveries
            .iter()
            .map(|delivery| delivery.answered)
            .collect::<Vec<_>>(),
        [307, 302, 200]
    );
}

async fn a_slow_receiver_keeps_nobody_else_waiting(store: TestStore) {
    let world = one_message(store, &[]).await;
    world.arrived(12).await;
    world.receiver.hold();
    let body = install_body(GROUP, json!({ "repositories": everything("repositories") }));
    world
        .deploy(&MANIFEST.replace("bitbucket-sync", "held"))
        .await;
    let place = path("/integrations/held/installations");
    world.api.post(&place, &body).await.json(201);
    world.receiver.somebody_waits().await;
    // The held attempt ends by itself after fifteen seconds.
    let began = Instant::now();
    acknowledged(&world).await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "kept waiting for {:?}",
        began.elapsed()
    );
    assert_eq!(world.receiver.deliveries().len(), 1);
    world.receiver.release();
    world.arrived(242).await;
}

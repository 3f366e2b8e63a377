//! New signing secrets: for a day both are good, then only the new one.

use jiff::SignedDuration;
use serde_json::json;
use standardwebhooks::Webhook;
use testing::TestStore;

use super::line::{Line, destination, received};
use crate::world::receiver::Delivery;
use crate::world::{Receiver, World, path};

testing::both!(
    both_secrets_verify_for_a_day,
    after_a_day_only_the_new_secret_verifies,
    a_get_with_rotate_rotates,
);

async fn secret(world: &World) -> String {
    let shown = world
        .api
        .get(&path("/destinations/app?includeSecrets=true"))
        .await
        .json(200);
    shown["secrets"]["webhookSigningKey"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Verifies as an app does it, the age of the message included.
fn verifies(secret: &str, delivery: &Delivery) -> bool {
    let webhook = Webhook::new(secret).unwrap();
    webhook.verify(&delivery.body, &delivery.headers).is_ok()
}

/// Rotates; the secret before and the one after.
async fn rotate(world: &World) -> [String; 2] {
    let old = secret(world).await;
    let call = path("/destinations/app:rotate-secret");
    let rotated = world.api.post(&call, &json!({})).await.json(200);
    let new = rotated["secrets"]["webhookSigningKey"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(old, new);
    assert_eq!(secret(world).await, new, "the new one is shown from now on");
    [old, new]
}

async fn both_secrets_verify_for_a_day(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    let id = destination(&world, "app", &receiver.url("/"), false).await;
    line.put(&world, &id, 1).await;
    let [old, new] = rotate(&world).await;
    line.work(&world).await;
    received(&world, &receiver, 1).await;
    let during = receiver.deliveries().remove(0);
    assert!(verifies(&old, &during) && verifies(&new, &during));
    let signatures = during.headers["webhook-signature"].to_str().unwrap();
    assert_eq!(
        signatures.split(' ').count(),
        2,
        "both in one header: {signatures}"
    );
    assert_eq!(
        during.headers["svix-signature"],
        during.headers["webhook-signature"]
    );
}

async fn after_a_day_only_the_new_secret_verifies(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    let id = destination(&world, "app", &receiver.url("/"), false).await;
    // The rotation was a day ago, so that the delivery is now, as verifying wants.
    let day = SignedDuration::from_hours(24);
    world.clock.advance(-day);
    let [old, new] = rotate(&world).await;
    world.clock.advance(day);
    line.put(&world, &id, 1).await;
    line.work(&world).await;
    received(&world, &receiver, 1).await;
    let after = receiver.deliveries().remove(0);
    assert!(verifies(&new, &after), "the new one is good");
    assert!(!verifies(&old, &after), "the old one no longer");
}

async fn a_get_with_rotate_rotates(store: TestStore) {
    let world = World::idle(store).await;
    let receiver = Receiver::start().await;
    destination(&world, "app", &receiver.url("/"), false).await;
    let old = secret(&world).await;
    let rotated = world
        .api
        .get(&path("/destinations/app?rotate=true"))
        .await
        .json(200);
    assert_ne!(rotated["secrets"]["webhookSigningKey"], old.as_str());
    assert_eq!(
        rotated["secrets"]["webhookSigningKey"],
        secret(&world).await.as_str()
    );
}

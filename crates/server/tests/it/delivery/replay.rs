//! Looking at deliveries and sending them again.

use jiff::Timestamp;
use serde_json::{Value, json};
use testing::TestStore;

use super::line::{Line, attempted, destination, received};
use crate::world::{Receiver, World, path};

testing::both!(
    a_delivery_is_shown_and_replayed,
    a_range_of_a_destination_is_replayed,
    what_cannot_be_is_refused,
);

async fn list(world: &World, query: &str) -> Vec<Value> {
    let page = world
        .api
        .get(&path(&format!("/deliveries{query}")))
        .await
        .json(200);
    page["results"].as_array().unwrap().clone()
}

async fn post(world: &World, rest: &str, body: &Value) -> crate::world::Answer {
    world.api.post(&path(rest), body).await
}

async fn a_delivery_is_shown_and_replayed(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    let id = destination(&world, "app", &receiver.url("/"), false).await;
    line.put(&world, &id, 1).await;
    receiver.refuse_with(None, "out to lunch");
    receiver.answer_next(&[502]);
    line.work(&world).await;
    let message = line.ids[0].clone();
    let failed = attempted(&world, &message, 1).await;
    assert_eq!(failed["status"], "pending");
    assert_eq!(failed["destinationName"], "app");
    assert_eq!(
        failed["lastResponse"],
        json!({ "status": 502, "body": "out to lunch" })
    );
    assert_eq!(failed["error"], "the destination answered 502");
    assert_eq!(failed["payload"], json!({ "result": [{ "number": 0 }] }));
    let at = |name: &str| failed[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(at("nextAttemptTime") > at("createTime"), "{failed}");
    post(&world, &format!("/deliveries/{message}:replay"), &json!({}))
        .await
        .problem(409);

    world.clock.advance(jiff::SignedDuration::from_secs(6));
    let taken = attempted(&world, &message, 2).await;
    assert_eq!(
        (&taken["status"], &taken["error"]),
        (&json!("delivered"), &Value::Null)
    );
    let replayed = post(&world, &format!("/deliveries/{message}:replay"), &json!({})).await;
    assert_eq!(replayed.json(200)["id"], message.as_str());
    received(&world, &receiver, 3).await;
    let deliveries = receiver.deliveries();
    assert!(
        deliveries
            .iter()
            .all(|one| one.id == message && one.body == deliveries[0].body)
    );
    let again = attempted(&world, &message, 1).await;
    assert_eq!(again["attempts"], 1, "counted anew: {again}");
}

async fn a_range_of_a_destination_is_replayed(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    let id = destination(&world, "app", &receiver.url("/"), false).await;
    let other = destination(&world, "other", &receiver.url("/other"), false).await;
    line.put(&world, &id, 2).await;
    let middle = world.now() + jiff::SignedDuration::from_mins(1);
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    line.put(&world, &id, 2).await;
    line.put(&world, &other, 1).await;
    line.work(&world).await;
    for id in &line.ids {
        attempted(&world, id, 1).await;
    }
    assert_eq!(list(&world, "").await.len(), 5);
    assert_eq!(
        list(&world, "?destination=app&status=delivered")
            .await
            .len(),
        4
    );
    assert_eq!(
        list(&world, &format!("?destination=app&to={middle}"))
            .await
            .len(),
        2
    );
    assert!(list(&world, "?status=dead").await.is_empty());
    let first = world
        .api
        .get(&path("/deliveries?pageSize=2"))
        .await
        .json(200);
    assert_eq!(
        first["results"][0]["id"],
        line.ids[4].as_str(),
        "newest first"
    );
    let token = first["pagination"]["nextPageToken"].as_str().unwrap();
    let second = list(&world, &format!("?pageSize=9&pageToken={token}")).await;
    assert_eq!(second.len(), 3);

    // Nothing is dead; of what was delivered, the later part.
    let none = post(&world, "/destinations/app:replay", &json!({}))
        .await
        .json(200);
    assert_eq!(none, json!({ "replayed": 0 }));
    let range = json!({ "status": "delivered", "from": middle });
    let some = post(&world, "/destinations/app:replay", &range)
        .await
        .json(200);
    assert_eq!(some, json!({ "replayed": 2 }));
    received(&world, &receiver, 7).await;
    let mut again: Vec<String> = receiver.deliveries()[5..]
        .iter()
        .map(|one| one.id.clone())
        .collect();
    again.sort();
    assert_eq!(again, line.ids[2..4]);
}

async fn what_cannot_be_is_refused(store: TestStore) {
    let world = World::idle(store).await;
    world.destination().await;
    world
        .api
        .get(&path("/deliveries/unknown"))
        .await
        .problem(404);
    world
        .api
        .get(&path("/deliveries?status=lost"))
        .await
        .problem(400);
    world
        .api
        .get(&path("/deliveries?destination=nowhere"))
        .await
        .problem(404);
    world
        .api
        .get(&path("/deliveries?pageSize=0"))
        .await
        .problem(400);
    world
        .api
        .get(&path("/deliveries?from=yesterday"))
        .await
        .problem(400);
    post(&world, "/deliveries/unknown:replay", &json!({}))
        .await
        .problem(404);
    post(&world, "/destinations/nowhere:replay", &json!({}))
        .await
        .problem(404);
    let replay = "/destinations/inbox:replay";
    post(&world, replay, &json!({ "status": "held" }))
        .await
        .problem(422);
    post(&world, replay, &json!({ "status": "lost" }))
        .await
        .problem(400);
    post(&world, replay, &json!({ "from": 7 }))
        .await
        .problem(400);
    let backwards = json!({ "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z" });
    post(&world, replay, &backwards).await.problem(422);
    post(&world, "/destinations/inbox:explode", &json!({}))
        .await
        .problem(404);
    let frontend = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let frontend = world.api.with_key(&frontend);
    for rest in [
        "/deliveries/x:replay",
        "/destinations/inbox:replay",
        "/destinations/inbox:enable",
        "/destinations/inbox:rotate-secret",
    ] {
        frontend.post(&path(rest), &json!({})).await.problem(403);
    }
    frontend.get(&path("/deliveries")).await.problem(403);
    // Another project sees nothing of it.
    world.add_project("other").await;
    let stranger = world.add_key("other", &[]).await;
    let stranger = world.api.with_key(&stranger);
    stranger.get(&path("/deliveries")).await.problem(404);
    stranger
        .post(&path("/destinations/inbox:enable"), &json!({}))
        .await
        .problem(404);
}

//! `/projects/{p}/notification-event-topic-routes` and
//! `/projects/{p}/topic-destination-routes`.

use serde_json::{Value, json};
use testing::TestStore;

use crate::contract::schema::Document;
use crate::world::{World, path};

testing::both!(
    events_are_routed_to_topics,
    topics_are_routed_to_destinations,
    routes_are_their_projects_own,
    routes_end_with_their_topic,
);

const EVENTS: &str = "/notification-event-topic-routes";
const DESTINATIONS: &str = "/topic-destination-routes";

async fn topic(world: &World, name: &str) -> Value {
    let new = json!({ "name": name });
    world.api.post(&path("/topics"), &new).await.json(201)["id"].clone()
}

async fn destination(world: &World, name: &str) -> Value {
    let url = world.receiver.url("/hook");
    let new = json!({ "name": name, "type": "webhook", "metadata": { "url": url } });
    world.api.post(&path("/destinations"), &new).await.json(201)["id"].clone()
}

fn event_route(event: &str, topic: &Value) -> Value {
    json!({ "eventType": event, "topicId": topic })
}

fn destination_route(topic: &Value, destination: &Value) -> Value {
    json!({ "topicId": topic, "destinationId": destination })
}

/// The routes that a query finds, each as the contract says.
async fn listed(world: &World, place: &str, query: &str) -> Vec<Value> {
    let routes = world
        .api
        .get(&path(&format!("{place}{query}")))
        .await
        .json(200);
    let routes = routes.as_array().unwrap().clone();
    let name = if place == EVENTS {
        "NotificationEventTopicRoute"
    } else {
        "TopicDestinationRoute"
    };
    if let Some(contract) = Document::open("api.json") {
        for route in &routes {
            let wrong = contract.problems(contract.component(name), route);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
    routes
}

async fn events_are_routed_to_topics(store: TestStore) {
    let world = World::idle(store).await;
    let (one, two) = (topic(&world, "one").await, topic(&world, "two").await);
    let mut created = Vec::new();
    for (event, topic) in [
        ("connection.error", &one),
        ("connection.error", &two),
        ("read.backfill.done", &one),
    ] {
        let route = world
            .api
            .post(&path(EVENTS), &event_route(event, topic))
            .await;
        let route = route.json(201);
        assert_eq!(
            (&route["eventType"], &route["topicId"]),
            (&json!(event), topic)
        );
        created.push(route);
    }
    assert_eq!(listed(&world, EVENTS, "").await, created);
    let query = "?eventType=connection.error";
    assert_eq!(listed(&world, EVENTS, query).await, created[..2]);
    let one_id = one.as_str().unwrap();
    let of_one = listed(&world, EVENTS, &format!("?topicId={one_id}")).await;
    assert_eq!(of_one, [created[0].clone(), created[2].clone()]);
    let both = format!("?topicId={one_id}&eventType=read.backfill.done");
    assert_eq!(listed(&world, EVENTS, &both).await, created[2..]);
    assert!(listed(&world, EVENTS, "?topicId=unknown").await.is_empty());
    let wrong = path(&format!("{EVENTS}?eventType=connection.lost"));
    world.api.get(&wrong).await.problem(400);

    let post = async |body: Value| world.api.post(&path(EVENTS), &body).await;
    post(event_route("connection.error", &one))
        .await
        .problem(409);
    let problem = post(event_route("connection.lost", &one))
        .await
        .problem(422);
    let remedy = problem["remedy"].as_str().unwrap();
    assert!(
        remedy.contains("connection.error, ") && remedy.contains("write.async.done"),
        "{remedy}"
    );
    let unknown = post(event_route("connection.error", &json!("unknown"))).await;
    assert!(
        unknown.problem(422)["detail"]
            .as_str()
            .unwrap()
            .contains("`unknown`")
    );
    post(json!({ "topicId": one })).await.problem(400);
    post(json!({ "eventType": "connection.error" }))
        .await
        .problem(400);

    let place = path(&format!("{EVENTS}/{}", created[0]["id"].as_str().unwrap()));
    assert_eq!(world.api.delete(&place).await.status, 204);
    world.api.delete(&place).await.problem(404);
    assert_eq!(listed(&world, EVENTS, "").await, created[1..]);
}

async fn topics_are_routed_to_destinations(store: TestStore) {
    let world = World::idle(store).await;
    let (one, two) = (topic(&world, "one").await, topic(&world, "two").await);
    let (a, b) = (
        destination(&world, "a").await,
        destination(&world, "b").await,
    );
    let mut created = Vec::new();
    for (topic, destination) in [(&one, &a), (&one, &b), (&two, &a)] {
        let new = destination_route(topic, destination);
        let route = world.api.post(&path(DESTINATIONS), &new).await.json(201);
        assert_eq!(route["topicId"], *topic);
        assert_eq!(route["destinationId"], *destination);
        created.push(route);
    }
    assert_eq!(listed(&world, DESTINATIONS, "").await, created);
    let of_one = format!("?topicId={}", one.as_str().unwrap());
    assert_eq!(listed(&world, DESTINATIONS, &of_one).await, created[..2]);
    let to_a = format!("?destinationId={}", a.as_str().unwrap());
    let to_a = listed(&world, DESTINATIONS, &to_a).await;
    assert_eq!(to_a, [created[0].clone(), created[2].clone()]);

    let post = async |body: Value| world.api.post(&path(DESTINATIONS), &body).await;
    post(destination_route(&one, &a)).await.problem(409);
    let unknown = json!("unknown");
    post(destination_route(&unknown, &a)).await.problem(404);
    post(destination_route(&one, &unknown)).await.problem(404);
    post(json!({ "topicId": one })).await.problem(400);

    let place = path(&format!(
        "{DESTINATIONS}/{}",
        created[0]["id"].as_str().unwrap()
    ));
    assert_eq!(world.api.delete(&place).await.status, 204);
    world.api.delete(&place).await.problem(404);
    assert_eq!(listed(&world, DESTINATIONS, "").await, created[1..]);
}

async fn routes_are_their_projects_own(store: TestStore) {
    let world = World::idle(store).await;
    let (topic, destination) = (topic(&world, "one").await, destination(&world, "a").await);
    let event = event_route("connection.error", &topic);
    let event = world.api.post(&path(EVENTS), &event).await.json(201);
    let target = destination_route(&topic, &destination);
    let target = world.api.post(&path(DESTINATIONS), &target).await.json(201);

    world.add_project("other").await;
    let stranger = world.api.with_key(&world.add_key("other", &[]).await);
    let theirs = |rest: &str| format!("/v1/projects/other{rest}");
    let own = json!({ "name": "own" });
    let own = stranger.post(&theirs("/topics"), &own).await.json(201)["id"].clone();
    let post = async |place: &str, body: Value| stranger.post(&theirs(place), &body).await;
    post(EVENTS, event_route("connection.error", &topic))
        .await
        .problem(422);
    post(DESTINATIONS, destination_route(&topic, &destination))
        .await
        .problem(404);
    post(DESTINATIONS, destination_route(&own, &destination))
        .await
        .problem(404);
    post(DESTINATIONS, destination_route(&own, &json!("a")))
        .await
        .problem(404);
    for (place, route) in [(EVENTS, &event), (DESTINATIONS, &target)] {
        let one = format!("{place}/{}", route["id"].as_str().unwrap());
        stranger.delete(&theirs(&one)).await.problem(404);
        stranger.delete(&path(&one)).await.problem(404);
        stranger.get(&path(place)).await.problem(404);
        let query = format!("{place}?topicId={}", topic.as_str().unwrap());
        assert_eq!(stranger.get(&theirs(&query)).await.json(200), json!([]));
        let left = listed(&world, place, "").await;
        assert_eq!(left, std::slice::from_ref(route));
    }
    let browser = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let browser = world.api.with_key(&browser);
    for place in [EVENTS, DESTINATIONS] {
        browser.get(&path(place)).await.problem(403);
        browser.post(&path(place), &json!({})).await.problem(403);
        browser
            .delete(&path(&format!("{place}/x")))
            .await
            .problem(403);
    }
}

async fn routes_end_with_their_topic(store: TestStore) {
    let world = World::idle(store).await;
    let (topic, destination) = (topic(&world, "one").await, destination(&world, "a").await);
    let event = event_route("connection.error", &topic);
    world.api.post(&path(EVENTS), &event).await.json(201);
    let target = destination_route(&topic, &destination);
    world.api.post(&path(DESTINATIONS), &target).await.json(201);
    let place = path(&format!("/topics/{}", topic.as_str().unwrap()));
    assert_eq!(world.api.delete(&place).await.status, 204);
    assert!(listed(&world, EVENTS, "").await.is_empty());
    assert!(listed(&world, DESTINATIONS, "").await.is_empty());
}

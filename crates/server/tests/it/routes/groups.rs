//! `/projects/{p}/groups/{groupRef}`: everything of a customer, out or gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testing::TestStore;

use super::jwt_keys::{self, PUBLIC};
use crate::world::steps::{GROUP, both, install_body, installations};
use crate::world::{World, path};

testing::both!(
    everything_of_a_group_is_taken_out,
    nothing_of_an_erased_group_is_left,
    a_read_under_way_leaves_nothing,
    a_consent_under_way_ends,
    only_whoever_has_a_full_key_may
);

/// The customer of these tests, in names that are nowhere else.
const LEAVING: &str = "leaving/customer";
const NAMES: [&str; 4] = [
    LEAVING,
    "Leaving Customer Inc",
    "leaving-person",
    "Leaving Person",
];

fn place(end: &str) -> String {
    path(&format!("/groups/leaving%2Fcustomer{end}"))
}

fn connect_body(world: &World) -> Value {
    let mut body = world.connect_body(LEAVING);
    body["groupName"] = json!(NAMES[1]);
    body["consumerRef"] = json!(NAMES[2]);
    body["consumerName"] = json!(NAMES[3]);
    body
}

/// Lets the inbox hear of what happens to customers.
async fn listen(world: &World) {
    let topic = world
        .api
        .post(&path("/topics"), &json!({ "name": "all" }))
        .await;
    let topic = topic.json(201)["id"].clone();
    for event in [
        "connection.created",
        "installation.created",
        "installation.deleted",
        "connection.deleted",
    ] {
        let route = json!({ "eventType": event, "topicId": topic });
        let routes = path("/notification-event-topic-routes");
        world.api.post(&routes, &route).await.json(201);
    }
    let inbox = world.api.get(&path("/destinations/inbox")).await.json(200);
    let route = json!({ "topicId": topic, "destinationId": inbox["id"] });
    let routes = path("/topic-destination-routes");
    world.api.post(&routes, &route).await.json(201);
}

/// Two customers who have connected and installed; what they read waits or has been
/// delivered. The leaving one's installation.
async fn populated(store: TestStore) -> (World, Value) {
    let world = World::start(store).await;
    world.prepare().await;
    listen(&world).await;
    let staying = world.install(both()).await;
    world.ended(&staying).await;
    world.connect_as(&connect_body(&world)).await;
    // A record too big for a message is fetched by a link.
    let big =
        json!({ "values": [{ "uuid": "{big}", "key": "B", "description": "x".repeat(310_000) }] });
    super::hydrate::respond(&world, "/2.0/workspaces/acme/projects", 200, &big).await;
    let body = install_body(LEAVING, both());
    let leaving = world.api.post(&installations(), &body).await.json(201);
    world.ended(&leaving).await;
    (world, leaving)
}

/// Waits until nothing is to be sent any more.
async fn delivered(world: &World) {
    world
        .until("the last delivery", async || {
            let waiting = world
                .api
                .get(&path("/deliveries?status=pending"))
                .await
                .json(200);
            waiting["results"]
                .as_array()
                .unwrap()
                .is_empty()
                .then_some(())
        })
        .await;
}

async fn everything_of_a_group_is_taken_out(store: TestStore) {
    let (world, installation) = populated(store).await;
    delivered(&world).await;
    let connection = installation["connection"]["id"].as_str().unwrap();
    let credentials = path(&format!(
        "/connections/{connection}?includeCreds=true&includeRefreshToken=true"
    ));
    let credentials = world.api.get(&credentials).await.json(200);
    let answer = world.api.get(&place(":export")).await;
    let text = answer.text();
    let whole = answer.json(200);
    assert_eq!(whole["group"]["groupRef"], LEAVING);
    assert_eq!(whole["group"]["groupName"], NAMES[1]);
    let shown = world
        .api
        .get(&path(&format!("/connections/{connection}")))
        .await;
    assert_eq!(whole["connections"], json!([shown.json(200)]));
    assert_eq!(
        whole["connections"][0]["consumer"]["consumerName"],
        NAMES[3]
    );
    let id = installation["id"].as_str().unwrap();
    let shown = world.api.get(&format!("{}/{id}", installations())).await;
    assert_eq!(whole["installations"], json!([shown.json(200)]));
    let operations = whole["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 2);
    for operation in operations {
        assert_eq!(operation["installationId"], id);
        let logs = path(&format!(
            "/operations/{}/logs",
            operation["id"].as_str().unwrap()
        ));
        assert_eq!(operation["logs"], world.api.get(&logs).await.json(200));
    }
    // Its messages and the notifications about it, once each, and nobody else's.
    let deliveries = whole["deliveries"].as_array().unwrap();
    let ids: BTreeSet<&str> = deliveries
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), deliveries.len());
    let mut told = Vec::new();
    for delivery in deliveries {
        let payload = &delivery["payload"];
        match payload["notificationType"].as_str() {
            Some(word) => {
                assert_eq!(payload["data"]["groupRef"], LEAVING);
                told.push(word);
            }
            None => assert_eq!(payload["groupRef"], LEAVING),
        }
    }
    told.sort_unstable();
    assert_eq!(told, ["connection.created", "installation.created"]);
    let linked: Vec<&Value> = deliveries
        .iter()
        .filter(|one| one["linked"].is_array())
        .collect();
    assert_eq!(linked.len(), 1);
    assert_eq!(linked[0]["linked"][0]["raw"]["uuid"], "{big}");
    assert!(!text.contains(GROUP), "another customer is in it");
    // No credential, and no link that is one.
    let oauth = &credentials["oauth2AuthorizationCode"];
    for secret in [
        &oauth["accessToken"]["token"],
        &oauth["refreshToken"]["token"],
    ] {
        let secret = secret.as_str().unwrap_or_else(|| panic!("{credentials}"));
        assert!(!text.contains(secret));
    }
    assert!(!text.contains("signature="), "a link is in it");
    world.api.get(&place("")).await.problem(405);
    world
        .api
        .get(&path("/groups/nobody:export"))
        .await
        .problem(404);
    let log = world.api.get(&path("/audit-log")).await.json(200);
    assert!(log.to_string().contains("group.export"), "{log}");
}

async fn nothing_of_an_erased_group_is_left(store: TestStore) {
    let (world, installation) = populated(store).await;
    delivered(&world).await;
    // Something that waits, and something that was given up.
    world.receiver.answer_always(500);
    let trigger = json!({ "groupRef": LEAVING, "mode": "async" });
    let objects = format!("/read{}", path("/integrations/bitbucket-sync/objects"));
    world
        .api
        .post(&format!("{objects}/projects"), &trigger)
        .await
        .json(201);
    let id = installation["id"].as_str().unwrap();
    let waits = path(&format!("/deliveries?status=pending&installation={id}"));
    world
        .until("a message that waits", async || {
            let waiting = world.api.get(&waits).await.json(200);
            (!waiting["results"].as_array().unwrap().is_empty()).then_some(())
        })
        .await;
    for name in NAMES {
        assert!(!world.tables_with(name).await.is_empty(), "{name}");
    }
    for table in ["outbox", "operation", "sync", "installation"] {
        assert!(
            world.tables_with(id).await.contains(&table.to_owned()),
            "{table}"
        );
    }
    let staying = async || {
        let whole = world
            .api
            .get(&path(&format!("/groups/{GROUP}:export")))
            .await;
        let mut whole = whole.json(200);
        whole["exportTime"].take();
        whole
    };
    let before = staying().await;
    let sent = world.receiver.deliveries().len();

    assert_eq!(world.api.delete(&place("")).await.status, 204);
    let connection = installation["connection"]["id"].as_str().unwrap();
    for name in NAMES {
        assert!(world.tables_with(name).await.is_empty(), "{name}");
    }
    // Calls that were made count for the provider's window, and the audit log stays;
    // both by identifiers that name nothing any more.
    for id in [id, connection] {
        let mut tables = world.tables_with(id).await;
        tables.retain(|table| !table.starts_with("budget_") && table != "audit_entry");
        assert_eq!(tables, Vec::<String>::new(), "{id}");
    }
    // Nobody is told of it, and the others are as they were.
    assert_eq!(staying().await, before);
    for delivery in &world.receiver.deliveries()[sent..] {
        let word = delivery.message()["notificationType"].clone();
        assert_eq!(word, Value::Null);
    }
    world.api.get(&place(":export")).await.problem(404);
    world.api.delete(&place("")).await.problem(404);
    let one = format!("{}/{id}", installations());
    world.api.get(&one).await.problem(404);
    let log = world.api.get(&path("/audit-log")).await.json(200);
    assert!(log.to_string().contains("group.erase"), "{log}");
    // The customer may come back, as one that was never there.
    world.receiver.answer_always(200);
    world.connect_as(&connect_body(&world)).await;
    let again = world
        .api
        .post(&installations(), &install_body(LEAVING, both()))
        .await;
    assert_ne!(again.json(201)["id"], id);
}

async fn a_read_under_way_leaves_nothing(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world.connect_as(&connect_body(&world)).await;
    let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
    let body = install_body(LEAVING, both());
    world.api.post(&installations(), &body).await.json(201);
    world.provider.parked(barrier).await;
    assert_eq!(world.api.delete(&place("")).await.status, 204);
    world.provider.release(barrier).await;
    // The same worker reads for another, whole.
    let staying = world.install(both()).await;
    world.ended(&staying).await;
    world.arrived(242).await;
    for name in NAMES {
        assert_eq!(
            world.tables_with(name).await,
            Vec::<String>::new(),
            "{name}"
        );
    }
}

async fn a_consent_under_way_ends(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.connect_as(&connect_body(&world)).await;
    let leaving = world.authorize_url(&connect_body(&world)).await;
    let staying = world.authorize_url(&world.connect_body("customer-2")).await;
    assert_eq!(world.api.delete(&place("")).await.status, 204);
    let page = world.consent(&leaving, "approve").await.text();
    assert!(page.contains("AUTHORIZATION_FAILED"), "{page}");
    let page = world.consent(&staying, "approve").await.text();
    assert!(page.contains("AUTHORIZATION_SUCCEEDED"), "{page}");
    let connections = world.api.get(&path("/connections")).await.json(200);
    assert_eq!(connections.as_array().unwrap().len(), 2);
    assert!(world.tables_with(LEAVING).await.is_empty());
}

async fn only_whoever_has_a_full_key_may(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.connect_as(&connect_body(&world)).await;
    let key = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let kid = jwt_keys::register(&world, PUBLIC).await;
    let token = jwt_keys::token(&world, &kid, LEAVING);
    let browser = world.api.with_key(&key);
    browser.get(&place(":export")).await.problem(403);
    browser.delete(&place("")).await.problem(403);
    jwt_keys::get(&world, &token, &place(":export"))
        .await
        .problem(403);
    let delete = http::Method::DELETE;
    jwt_keys::send(&world, &token, delete, &place(""), &Value::Null)
        .await
        .problem(403);
    // Nor may another project.
    world.add_project("other").await;
    let foreign = world.api.with_key(&world.add_key("other", &[]).await);
    foreign.get(&place(":export")).await.problem(404);
    foreign.delete(&place("")).await.problem(404);
    let own = place("").replace(crate::world::PROJECT, "other");
    foreign.delete(&own).await.problem(404);
    world.api.get(&place(":export")).await.json(200);
}

//! Notifications from what happens to what a receiver takes.

mod listener;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::{Credential, Happening, Kind, ReadType, WriteEnded};
use testing::TestStore;

use crate::world::steps::{GROUP, both, everything, install_body, installations};
use crate::world::{World, path};
use listener::Listener;

testing::both!(
    what_becomes_of_a_connection_is_told,
    the_end_of_a_triggered_read_is_told,
    the_failure_of_a_triggered_read_is_told,
    changes_of_an_installation_are_told,
    a_connection_that_is_changed_or_deleted_is_told,
    a_big_config_is_fetched_by_its_link,
    a_destination_that_is_disabled_is_told_to_others,
    without_routes_nothing_is_told,
);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The tokens of a connection as they are now.
async fn tokens(world: &World, connection_id: &str) -> Vec<String> {
    let stored = world.engine.store.credential(connection_id).await.unwrap();
    let Credential::OAuth2 {
        access_token,
        refresh_token,
        ..
    } = stored.credential
    else {
        panic!("an OAuth connection has OAuth tokens")
    };
    let tokens = [Some(access_token), refresh_token];
    let tokens = tokens.iter().flatten();
    tokens
        .map(|token| token.expose_secret().to_owned())
        .collect()
}

/// What a notification about an installation says besides its own.
fn about(installation: &Value, connection: &Value) -> Value {
    json!({
        "projectId": connection["projectId"],
        "provider": "bitbucket",
        "integrationId": installation["integrationId"],
        "integrationName": "bitbucket-sync",
        "installationId": installation["id"],
        "connectionId": connection["id"],
        "groupRef": GROUP, "groupName": "Customer One",
        "consumerRef": "ada", "consumerName": "Ada",
    })
}

async fn what_becomes_of_a_connection_is_told(store: TestStore) {
    let world = World::start(store).await;
    let listener = Listener::to_everything(&world, "alerts").await;
    let connection = world.prepare().await;
    let id = connection["id"].as_str().unwrap();
    let created = listener.told(&world, 1, "connection.created").await;
    let expected = json!({
        "projectId": connection["projectId"], "connectionId": id, "provider": "bitbucket",
        "groupRef": GROUP, "consumerRef": "ada", "consumerName": "Ada",
    });
    assert_eq!(created, expected);
    let mut secrets = tokens(&world, id).await;

    world.connect(GROUP).await;
    let updated = listener.told(&world, 2, "connection.updated").await;
    assert_eq!(updated, expected);
    secrets.extend(tokens(&world, id).await);

    let installation = world.install(both()).await;
    let told = listener.told(&world, 5, "installation.created").await;
    let mut installed = about(&installation, &connection);
    installed["config"] = installation["config"]["content"].clone();
    assert_eq!(told, installed);
    let done: Vec<Value> = listener
        .receiver
        .taken()
        .iter()
        .map(|delivery| delivery.message())
        .filter(|message| message["notificationType"] == "read.backfill.done")
        .map(|message| message["data"]["objectName"].clone())
        .collect();
    // By the names that the records' messages have.
    assert!(
        done.contains(&json!("repos")) && done.contains(&json!("projects")),
        "{done:?}"
    );

    // An hourly read finds that the token ends.
    world.clock.advance(HOUR * 2);
    let refreshed = listener.told(&world, 6, "connection.refreshed").await;
    assert_eq!(refreshed, expected);
    secrets.extend(tokens(&world, id).await);
    world
        .until("the scheduled read", async || {
            let runs = world.operations_count(&installation).await;
            (runs == 3).then_some(())
        })
        .await;
    world.ended(&installation).await;

    // The next one finds that the grant is dead, and the one after does not try.
    world.provider.end_tokens(true, true).await;
    world.clock.advance(HOUR);
    let paused = listener.told(&world, 8, "read.schedule.paused").await;
    let died = listener.told(&world, 8, "connection.error").await;
    let error = died["errors"][0].as_str().unwrap();
    assert!(error.contains("must connect again"), "{error}");
    assert_eq!(died["error"], died["errors"]);
    assert_eq!(paused["error"], died["errors"][0]);
    assert_eq!(paused["installationId"], installation["id"]);
    assert_eq!(paused["config"], installation["config"]["content"]);
    world.ended(&installation).await;
    world.clock.advance(HOUR * 3);

    world.connect(GROUP).await;
    let updated = listener.told(&world, 9, "connection.updated").await;
    assert_eq!(updated, expected);
    secrets.extend(tokens(&world, id).await);
    for delivery in listener.receiver.taken() {
        let text = String::from_utf8(delivery.body.to_vec()).unwrap();
        assert!(
            secrets.iter().all(|secret| !text.contains(secret)),
            "a token was told"
        );
    }
}

/// Installs `repositories` without a backfill, makes its first tick a triggered
/// read, and lets the worker work. Returns what is told of its end, and the
/// fields that this must have.
async fn triggered(store: TestStore, fault: Option<Value>, event: &str) -> (Value, Value) {
    let world = World::idle(store).await;
    let listener = Listener::to_everything(&world, "alerts").await;
    let connection = world.prepare().await;
    if let Some(fault) = fault {
        world
            .provider
            .fault("/2.0/repositories/acme", 1, 0, fault)
            .await;
    }
    let mut object = everything("repositories");
    object["backfill"] = json!({ "defaultPeriod": { "days": 0 } });
    let installation = world.install(json!({ "repositories": object })).await;
    world.clock.advance(HOUR * 2);
    let (store, now) = (&world.engine.store, world.now());
    let leases = store.claim(&[Kind::READ], "test", 9, now).await.unwrap();
    let since = Timestamp::from_second(now.as_second()).unwrap() - HOUR * 24;
    store
        .begin_run(&leases[0], ReadType::Triggered, Some(since), now)
        .await
        .unwrap();
    store.finish(&leases[0], Some(now), now).await.unwrap();
    world.work();
    // Connected, installed, refreshed, and read.
    let told = listener.told(&world, 4, event).await;
    let mut expected = about(&installation, &connection);
    expected["objectName"] = json!("repos");
    expected["fromTimestamp"] = json!(since.to_string());
    (told, expected)
}

async fn the_end_of_a_triggered_read_is_told(store: TestStore) {
    let (told, expected) = triggered(store, None, "read.triggered.done").await;
    assert_eq!(told, expected);
}

async fn the_failure_of_a_triggered_read_is_told(store: TestStore) {
    let body = json!({ "type": "error", "error": { "message": "Access denied" } });
    let refusal = json!({
        "kind": "respond", "status": 403, "content_type": "application/json",
        "body": body.to_string(),
    });
    let (told, mut expected) = triggered(store, Some(refusal), "read.triggered.error").await;
    let error = told["error"].as_str().unwrap();
    assert!(error.contains("Access denied"), "{error}");
    expected["error"] = told["error"].clone();
    assert_eq!(told, expected);
}

async fn changes_of_an_installation_are_told(store: TestStore) {
    let world = World::start(store).await;
    let listener = Listener::to_everything(&world, "alerts").await;
    let connection = world.prepare().await;
    let installation = world.install(json!({})).await;
    listener.told(&world, 2, "installation.created").await;
    let id = installation["id"].as_str().unwrap();
    let notify = async |happening: Happening<'_>| {
        let told = world.engine.store.notify(happening, world.now());
        told.await.unwrap();
    };
    let mut expected = about(&installation, &connection);
    expected["config"] = installation["config"]["content"].clone();

    notify(Happening::SchedulePaused { id, error: None }).await;
    let paused = listener.told(&world, 3, "read.schedule.paused").await;
    assert_eq!(paused, expected);

    notify(Happening::InstallationDeleted(id)).await;
    let deleted = listener.told(&world, 4, "installation.deleted").await;
    assert_eq!(deleted, expected);

    let last_config = json!({ "provider": "bitbucket", "proxy": { "enabled": true } });
    let last_config = &last_config;
    notify(Happening::InstallationUpdated { id, last_config }).await;
    let updated = listener.told(&world, 5, "installation.updated").await;
    expected["lastConfig"] = last_config.clone();
    assert_eq!(updated, expected);

    let (written, wrong) = (["{1}".to_owned()], ["record 2: taken".to_owned()]);
    let written = WriteEnded {
        installation_id: id,
        object_name: "projects",
        success: false,
        record_ids: &written,
        errors: &wrong,
    };
    notify(Happening::WriteEnded(written)).await;
    let written = listener.told(&world, 6, "write.async.done").await;
    assert_eq!(written["objectName"], "projects");
    assert_eq!(written["success"], false);
    assert_eq!(written["successfulRecordIds"], json!(["{1}"]));
    assert_eq!(written["errors"], json!(["record 2: taken"]));
}

async fn a_connection_that_is_changed_or_deleted_is_told(store: TestStore) {
    let world = World::start(store).await;
    let listener = Listener::to_everything(&world, "alerts").await;
    let connection = world.prepare().await;
    let created = listener.told(&world, 1, "connection.created").await;
    let id = connection["id"].as_str().unwrap();
    let place = path(&format!("/connections/{id}"));
    let change = json!({
        "updateMask": ["providerWorkspaceRef"],
        "connection": { "providerWorkspaceRef": "other" },
    });
    world.api.patch(&place, &change).await.json(200);
    assert_eq!(
        listener.told(&world, 2, "connection.updated").await,
        created
    );
    assert_eq!(world.api.delete(&place).await.status, 204);
    assert_eq!(
        listener.told(&world, 3, "connection.deleted").await,
        created
    );

    // One that is refused, as something is installed over it, is none.
    let connection = world.connect(GROUP).await;
    world.install(json!({})).await;
    let place = path(&format!(
        "/connections/{}",
        connection["id"].as_str().unwrap()
    ));
    world.api.delete(&place).await.problem(409);
    listener.told(&world, 5, "installation.created").await;
}

async fn a_big_config_is_fetched_by_its_link(store: TestStore) {
    let world = World::start(store).await;
    let listener = Listener::to_everything(&world, "alerts").await;
    world.prepare().await;
    listener.told(&world, 1, "connection.created").await;
    // Refused once, so that the link is made twice.
    listener.receiver.answer_next(&[500]);
    let mut body = install_body(GROUP, json!({}));
    body["config"]["content"]["write"] =
        json!({ "objects": { "projects": { "note": "x".repeat(300_000) } } });
    let installation = world.api.post(&installations(), &body).await.json(201);
    let content = &installation["config"]["content"];
    world
        .until("the first attempt", async || {
            (listener.receiver.deliveries().len() == 2).then_some(())
        })
        .await;
    world.clock.advance(SignedDuration::from_mins(16));
    let told = listener.told(&world, 2, "installation.created").await;
    assert!(told.get("config").is_none());
    let link = told["configURL"].as_str().unwrap();
    assert_eq!(&world.follow(link).await.json(200), content);

    let first = listener.receiver.deliveries()[1].message();
    let first = first["data"]["configURL"].as_str().unwrap().to_owned();
    assert_ne!(link, first);
    world.follow(&first).await.problem(410);
    // The link is to the config, and to nothing else of the message.
    let other = link.replacen(".config", ".lastConfig", 1);
    world.follow(&other).await.problem(403);

    let last_config = content.clone();
    let id = installation["id"].as_str().unwrap();
    let updated = Happening::InstallationUpdated {
        id,
        last_config: &last_config,
    };
    let told = world.engine.store.notify(updated, world.now());
    told.await.unwrap();
    let told = listener.told(&world, 3, "installation.updated").await;
    for key in ["configURL", "lastConfigURL"] {
        let link = told[key].as_str().unwrap();
        assert_eq!(&world.follow(link).await.json(200), content);
    }
}

async fn a_destination_that_is_disabled_is_told_to_others(store: TestStore) {
    let world = World::start(store).await;
    let gone = Listener::to_everything(&world, "gone").await;
    let listener = Listener::to_everything(&world, "alerts").await;
    gone.receiver.answer_always(410);
    let connection = world.prepare().await;
    // The connection was told to both.
    let told = listener
        .told(&world, 2, "destination.webhook.disabled")
        .await;
    let expected = json!({
        "projectId": connection["projectId"],
        "destinationId": gone.destination["id"],
        "destinationName": "gone",
        "url": gone.receiver.url("/alerts"),
    });
    assert_eq!(told, expected);
    listener.told(&world, 2, "connection.created").await;
    assert_eq!(gone.receiver.deliveries().len(), 1);
    // What waits for it is that one message, and no news of itself.
    world
        .until("all but one message to be settled", async || {
            let overview = world.engine.store.overview(99).await.unwrap();
            (overview.messages_pending == 1).then_some(())
        })
        .await;
}

async fn without_routes_nothing_is_told(store: TestStore) {
    let world = World::idle(store).await;
    let listener = Listener::to_everything(&world, "alerts").await;
    let routes = path("/notification-event-topic-routes");
    for route in world.api.get(&routes).await.json(200).as_array().unwrap() {
        let place = format!("{routes}/{}", route["id"].as_str().unwrap());
        let answer = world.api.delete(&place).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    world.prepare().await;
    world.install(json!({})).await;
    let overview = world.engine.store.overview(99).await.unwrap();
    assert_eq!(overview.messages_pending, 0);
    assert!(listener.receiver.deliveries().is_empty());
}

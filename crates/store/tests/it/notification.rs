//! Notifications in the outbox: who is told, once, and in whose transaction.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use store::{
    Afterwards, ConfigPart, Destination, Happening, Kind, LinkedResult, MessageBody, NewSync,
    NotificationEvent, OperationStatus, OutboxMessage, PageCommit, ReadType, RunEnd, Store,
    StoreError, WhyDisabled,
};
use testing::TestStore;

use crate::fixture::{
    NOW, World, after, behind, claim, message as message_of, new_connection, new_destination,
    new_installation, page, project, world,
};

testing::both!(
    several_topics_come_to_one_message_a_destination,
    routes_end_with_what_they_lead_to,
    nobody_else_is_told,
    a_death_is_told_once,
    only_a_commit_tells,
    a_disabled_destination_is_not_told_of_itself,
    big_configs_are_left_to_be_fetched,
);

/// Lets a destination listen to an event, by a topic of its own.
pub(crate) async fn listen(
    store: &Store,
    world: &World,
    event: NotificationEvent,
    destination: &str,
) -> String {
    let tenant = store.within(&world.scope);
    let topic = tenant.create_topic(&store::ids::new(), NOW).await.unwrap();
    let route = tenant.create_event_route(event, &topic.id, NOW);
    route.await.unwrap();
    let route = tenant.create_destination_route(&topic.id, destination, NOW);
    route.await.unwrap();
    topic.id
}

async fn second_destination(store: &Store, world: &World) -> Destination {
    let tenant = store.within(&world.scope);
    let new = new_destination("second");
    tenant.create_destination(new, NOW).await.unwrap()
}

/// Every message that is due.
async fn due(store: &Store) -> Vec<OutboxMessage> {
    let now = after(1_000_000);
    let claimed = store.claim_messages("test", 100, now).await.unwrap();
    claimed.messages
}

/// The events told so far; each is told once only.
pub(crate) async fn told(store: &Store) -> Vec<(String, Value)> {
    let mut told = Vec::new();
    for message in due(store).await {
        let MessageBody::Inline(body) = &message.body else {
            panic!("it is small")
        };
        let body: Value = serde_json::from_slice(body).unwrap();
        let word = body["notificationType"].as_str().unwrap().to_owned();
        told.push((word, body["data"].clone()));
    }
    told
}

async fn several_topics_come_to_one_message_a_destination(store: TestStore) {
    let world = world(&store, "mail").await;
    let second = second_destination(&store, &world).await;
    let event = NotificationEvent::ConnectionUpdated;
    for destination in [&world.destination.id, &world.destination.id, &second.id] {
        listen(&store, &world, event, destination).await;
    }
    let tenant = store.within(&world.scope);
    tenant
        .upsert_connection(new_connection("acme", None), after(1))
        .await
        .unwrap();
    let messages = due(&store).await;
    let mut destinations: Vec<_> = messages.iter().map(|one| &one.destination_id).collect();
    destinations.sort();
    assert_eq!(destinations, [&world.destination.id, &second.id]);
    assert_eq!(messages[0].body, messages[1].body);
    assert_ne!(messages[0].id, messages[1].id);
    let MessageBody::Inline(body) = &messages[0].body else {
        panic!("it is small")
    };
    let expected = json!({
        "notificationType": "connection.updated",
        "data": {
            "projectId": world.project.id, "connectionId": world.connection.id,
            "provider": "bitbucket", "groupRef": "acme", "consumerRef": "ada", "consumerName": "ada",
        },
    });
    assert_eq!(serde_json::from_slice::<Value>(body).unwrap(), expected);
}

async fn routes_end_with_what_they_lead_to(store: TestStore) {
    let world = world(&store, "mail").await;
    let second = second_destination(&store, &world).await;
    let tenant = store.within(&world.scope);
    let event = NotificationEvent::ConnectionUpdated;
    let topic = listen(&store, &world, event, &world.destination.id).await;
    let other = listen(&store, &world, event, &second.id).await;
    tenant.delete_topic(&topic, NOW).await.unwrap();
    let left = tenant.event_routes(None, None).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].topic_id, other);
    behind(&store)
        .await
        .execute_unprepared(&format!(
            "DELETE FROM destination WHERE id = '{}'",
            second.id
        ))
        .await
        .unwrap();
    assert!(
        tenant
            .destination_routes(None, None)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(tenant.event_routes(None, None).await.unwrap().len(), 1);
    let updated = Happening::ConnectionUpdated(&world.connection.id);
    store.notify(updated, after(1)).await.unwrap();
    assert!(due(&store).await.is_empty());
}

async fn nobody_else_is_told(store: TestStore) {
    let world = world(&store, "mail").await;
    let event = NotificationEvent::ConnectionUpdated;
    listen(&store, &world, event, &world.destination.id).await;
    let created = Happening::ConnectionCreated(&world.connection.id);
    store.notify(created, after(1)).await.unwrap();
    assert!(due(&store).await.is_empty(), "that is another event");
    let (_, scope) = project(&store, "other").await;
    let stranger = store.within(&scope);
    stranger.upsert_group("acme", None, NOW).await.unwrap();
    stranger.upsert_consumer("ada", None, NOW).await.unwrap();
    let theirs = stranger.upsert_connection(new_connection("acme", None), NOW);
    let theirs = theirs.await.unwrap();
    let updated = Happening::ConnectionUpdated(&theirs.id);
    store.notify(updated, after(1)).await.unwrap();
    store
        .notify(Happening::ConnectionUpdated("unknown"), after(1))
        .await
        .unwrap();
    assert!(due(&store).await.is_empty(), "that is another project");
}

async fn a_death_is_told_once(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    for event in NotificationEvent::every() {
        listen(&store, &world, event, &world.destination.id).await;
    }
    // Beside the one of the fixture, which has no schedule, one that has.
    let revision = crate::fixture::new_revision("scheduled", json!({}));
    let integration = tenant
        .deploy(vec![revision], false, NOW)
        .await
        .unwrap()
        .remove(0);
    let mut new = new_installation(&world, "acme", &world.connection.id);
    new.planned_by.clone_from(&integration.latest_revision.id);
    new.revision_id = integration.latest_revision.id;
    new.integration_id = integration.id;
    new.objects = ["repositories", "projects"]
        .map(|object| NewSync {
            object_name: object.to_owned(),
            run: None,
            since: None,
            watermark: None,
            due_at: Some(after(3_600)),
        })
        .into();
    let scheduled = tenant.install(new, NOW).await.unwrap();
    let (word, data) = told(&store).await.remove(0);
    assert_eq!(
        (word.as_str(), &data["installationId"]),
        ("installation.created", &json!(scheduled.id))
    );
    assert_eq!(data["config"], scheduled.config);
    // Their runs outlive a change of the schedule, which goes on nevertheless.
    let due = store.claim(&[Kind::READ], "reader", 10, after(3_600));
    let theirs = tenant.syncs(&scheduled.id).await.unwrap();
    for lease in due.await.unwrap() {
        if theirs.iter().any(|sync| sync.id == lease.subject_id) {
            let begun = store.begin_run(&lease, ReadType::Scheduled, None, after(3_600));
            begun.await.unwrap();
        }
    }
    let changed = crate::fixture::new_revision("scheduled", json!({ "changed": true }));
    tenant.deploy(vec![changed], false, after(1)).await.unwrap();

    let id = &world.connection.id;
    let version = store.credential(id).await.unwrap().version;
    let mark = async |at| store.mark_bad_credentials(id, version, "refused", at).await;
    assert!(mark(after(1)).await.unwrap());
    assert!(!mark(after(2)).await.unwrap(), "it is dead already");
    let told_of = told(&store).await;
    let words: Vec<_> = told_of.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["connection.error", "read.schedule.paused"]);
    assert_eq!(told_of[0].1["errors"], json!(["refused"]));
    assert_eq!(told_of[1].1["installationId"], json!(scheduled.id));
    assert_eq!(told_of[1].1["error"], "refused");

    let version_now = store.credential(id).await.unwrap().version;
    let saved = store.save_credential(id, version_now, crate::fixture::tokens("second"), after(3));
    assert!(saved.await.unwrap());
    let late = store.save_credential(id, version_now, crate::fixture::tokens("late"), after(4));
    assert!(!late.await.unwrap());
    let told_of = told(&store).await;
    assert_eq!(told_of.len(), 1);
    assert_eq!(told_of[0].0, "connection.refreshed");
    assert!(!told_of[0].1.to_string().contains("second"));
}

fn last_page() -> PageCommit {
    PageCommit {
        end: Some(RunEnd {
            object_name: "repos".to_owned(),
            status: OperationStatus::Success,
            result: None,
            watermark: None,
            forget_seen_before: None,
            due_at: None,
        }),
        afterwards: Afterwards::Release(None),
        ..page("{}")
    }
}

async fn only_a_commit_tells(store: TestStore) {
    let world = world(&store, "mail").await;
    let event = NotificationEvent::ReadBackfillDone;
    listen(&store, &world, event, &world.destination.id).await;
    let frozen = claim(&store, "a", after(0)).await;
    let taken_over = claim(&store, "b", after(60)).await;
    let late = store.commit_page(&frozen, last_page(), after(61)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));
    assert!(due(&store).await.is_empty());
    store
        .commit_page(&taken_over, last_page(), after(62))
        .await
        .unwrap();
    let told_of = told(&store).await;
    assert_eq!(told_of.len(), 1);
    assert_eq!(told_of[0].1["objectName"], "repos");
    assert!(told_of[0].1.get("fromTimestamp").is_none());
    assert!(
        store
            .claim(&[Kind::READ], "c", 9, after(99))
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_disabled_destination_is_not_told_of_itself(store: TestStore) {
    let world = world(&store, "mail").await;
    let second = second_destination(&store, &world).await;
    let event = NotificationEvent::DestinationWebhookDisabled;
    for destination in [&world.destination.id, &second.id] {
        listen(&store, &world, event, destination).await;
    }
    // Twice, as two attempts at once would have it.
    for at in [1, 2] {
        let disabled =
            store.disable_destination(&world.destination.id, WhyDisabled::Gone, after(at));
        disabled.await.unwrap();
    }
    let messages = due(&store).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].destination_id, second.id);
    // The other way round the message waits until the first is enabled again.
    store
        .disable_destination(&second.id, WhyDisabled::Gone, after(3))
        .await
        .unwrap();
    assert!(due(&store).await.is_empty());
    let overview = store.overview(99).await.unwrap();
    assert_eq!(overview.messages_pending, 2);
    behind(&store)
        .await
        .execute_unprepared("UPDATE destination SET disabled = FALSE WHERE name = 'hook'")
        .await
        .unwrap();
    let waited = told(&store).await;
    assert_eq!(waited.len(), 1);
    assert_eq!(waited[0].1["destinationName"], "second");
    assert_eq!(waited[0].1["url"], "https://example.com/hook");
}

async fn big_configs_are_left_to_be_fetched(store: TestStore) {
    let world = world(&store, "mail").await;
    let event = NotificationEvent::InstallationUpdated;
    listen(&store, &world, event, &world.destination.id).await;
    let last_config = json!({ "write": "x".repeat(300_000) });
    let updated = Happening::InstallationUpdated {
        id: &world.installation.id,
        last_config: &last_config,
    };
    store.notify(updated, after(1)).await.unwrap();
    let message = due(&store).await.remove(0);
    assert!(matches!(message.body, MessageBody::Url { .. }));
    let fetched = async |part| {
        let config = store.notification_config(&message.id, part).await.unwrap();
        serde_json::from_slice::<Value>(&config).unwrap()
    };
    assert_eq!(fetched(ConfigPart::Config).await, world.installation.config);
    assert_eq!(fetched(ConfigPart::LastConfig).await, last_config);
    // A message of records has none.
    let body = MessageBody::Url {
        envelope: b"{}".to_vec(),
        result: LinkedResult::InRow(b"[]".to_vec()),
    };
    let lease = claim(&store, "reader", after(2)).await;
    let commit = PageCommit {
        messages: vec![message_of(&world, "operation", body)],
        ..page("{}")
    };
    store.commit_page(&lease, commit, after(2)).await.unwrap();
    let records = due(&store).await.remove(0);
    let config = store.notification_config(&records.id, ConfigPart::Config);
    assert!(matches!(config.await, Err(StoreError::NotFound { .. })));
}

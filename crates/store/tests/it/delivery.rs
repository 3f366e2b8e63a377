//! Deliveries: who is claimed first, order, holding back, replays, rates, and what
//! attempts say of a destination.

use std::collections::{BTreeMap, HashMap};

use jiff::SignedDuration;
use sea_orm::{ConnectionTrait as _, Statement};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::{
    Acknowledged, DeliveryFilter, DeliveryOutcome, DeliveryStatus, Destination, DestinationChange,
    Lease, MessageBody, MetadataChange, NewDestination, NewMessage, OutboxMessage, PageCommit,
    Replay, ReplayOutcome, Room, Store, ids,
};
use testing::TestStore;

use crate::fixture::{World, after, behind, claim, message, page, world};

testing::both!(
    a_backlog_of_one_keeps_no_other_waiting,
    a_failing_destination_gets_one_slot,
    messages_of_a_sequence_go_one_by_one,
    order_can_be_asked_for_later_and_given_up,
    an_unreadable_message_holds_nothing_up,
    what_is_held_goes_when_it_is_asked_for,
    a_replay_keeps_id_and_body,
    a_replay_of_a_range,
    an_old_acknowledgement_settles_no_replay,
    a_rate_counts_over_all_senders,
    five_days_of_failure_disable,
    a_success_ends_the_failing,
    pages_of_deliveries,
    an_answer_is_kept_whatever_is_in_it,
    headers_are_sealed_and_come_back,
    headers_left_open_are_sealed,
    a_key_lives_on_for_a_day,
);

/// Another destination of the project.
pub(crate) async fn destination(
    store: &Store,
    world: &World,
    name: &str,
    ordered: bool,
) -> Destination {
    let new = NewDestination {
        name: name.to_owned(),
        kind: "webhook".to_owned(),
        metadata: json!({ "url": "https://example.com/other", "ordered": ordered }),
    };
    let tenant = store.within(&world.scope);
    tenant.create_destination(new, after(0)).await.unwrap()
}

/// A message to a destination.
pub(crate) fn to(world: &World, destination: &Destination) -> NewMessage {
    let body = MessageBody::Inline(br#"{"result":[1]}"#.to_vec());
    NewMessage {
        destination_id: destination.id.clone(),
        ..message(world, "operation", body)
    }
}

/// Puts messages in, one commit each.
pub(crate) async fn put(store: &Store, lease: &Lease, messages: Vec<NewMessage>) -> Vec<String> {
    let ids = messages.iter().map(|message| message.id.clone()).collect();
    for message in messages {
        let commit = PageCommit {
            messages: vec![message],
            ..page("{}")
        };
        store.commit_page(lease, commit, after(0)).await.unwrap();
    }
    ids
}

async fn take(store: &Store, room: impl Into<Room>, seconds: i64) -> Vec<OutboxMessage> {
    let claimed = store.claim_messages("sender", room, after(seconds)).await;
    claimed.unwrap().messages
}

pub(crate) fn result(
    message: &OutboxMessage,
    seconds: i64,
    outcome: DeliveryOutcome,
) -> Acknowledged {
    Acknowledged {
        id: message.id.clone(),
        attempt: message.attempt,
        attempt_time: after(seconds),
        outcome,
        answer: None,
    }
}

async fn acknowledge(
    store: &Store,
    message: &OutboxMessage,
    seconds: i64,
    outcome: DeliveryOutcome,
) {
    let result = result(message, seconds, outcome);
    store.acknowledge(&[result], after(seconds)).await.unwrap();
}

fn delivered() -> DeliveryOutcome {
    DeliveryOutcome::Delivered { status: 200 }
}

fn dead() -> DeliveryOutcome {
    DeliveryOutcome::Dead {
        status: Some(500),
        error: "no".to_owned(),
    }
}

fn retry(seconds: i64) -> DeliveryOutcome {
    DeliveryOutcome::Retry {
        at: after(seconds),
        status: Some(500),
        error: "no".to_owned(),
    }
}

fn by_destination(messages: &[OutboxMessage]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        *counts.entry(message.destination_id.as_str()).or_default() += 1;
    }
    counts
}

async fn a_backlog_of_one_keeps_no_other_waiting(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let others = [
        destination(&store, &world, "one", false).await,
        destination(&store, &world, "two", false).await,
    ];
    let backlog: Vec<_> = (0..40).map(|_| to(&world, &world.destination)).collect();
    put(&store, &lease, backlog).await;
    // They come long after the backlog.
    for other in &others {
        put(&store, &lease, vec![to(&world, other), to(&world, other)]).await;
    }
    let first = store.claim_messages("sender", 12, after(1)).await.unwrap();
    assert!(first.more);
    let counts = by_destination(&first.messages);
    for other in &others {
        assert_eq!(counts[other.id.as_str()], 2, "{counts:?}");
    }
    // Whoever hangs gets no more while others have fewer under way.
    put(&store, &lease, vec![to(&world, &others[0])]).await;
    let busy = Room {
        free: 2,
        in_flight: HashMap::from([(world.destination.id.clone(), 6)]),
        ..Room::default()
    };
    let next = take(&store, busy, 2).await;
    assert_eq!(next[0].destination_id, others[0].id, "{next:?}");
}

async fn a_failing_destination_gets_one_slot(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    put(
        &store,
        &lease,
        (0..9).map(|_| to(&world, &world.destination)).collect(),
    )
    .await;
    let first = take(&store, 1, 1).await;
    acknowledge(&store, &first[0], 2, retry(900)).await;
    let claimed = store.claim_messages("sender", 100, after(3)).await.unwrap();
    assert_eq!(
        claimed.messages.len(),
        1,
        "one to see whether it works again"
    );
    assert!(claimed.more && claimed.messages[0].failing);
    acknowledge(&store, &claimed.messages[0], 4, delivered()).await;
    assert_eq!(take(&store, 100, 5).await.len(), 7);
}

async fn messages_of_a_sequence_go_one_by_one(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let ordered = destination(&store, &world, "ordered", true).await;
    let ids = put(
        &store,
        &lease,
        (0..4).map(|_| to(&world, &ordered)).collect(),
    )
    .await;
    let first = take(&store, 9, 1).await;
    assert_eq!(first.len(), 1);
    assert!(first[0].id == ids[0] && first[0].in_sequence);
    assert!(take(&store, 9, 2).await.is_empty(), "one at a time");
    // It fails, and the rest waits with it.
    acknowledge(&store, &first[0], 3, retry(300)).await;
    assert!(take(&store, 9, 299).await.is_empty(), "held by the first");
    let again = take(&store, 9, 300).await;
    assert_eq!(again[0].id, ids[0]);
    // Its sender froze: after the lease another takes over, and it finds out.
    let minute = SignedDuration::from_secs(20);
    assert!(
        store
            .claim_holds(&again[0], minute, after(310))
            .await
            .unwrap()
    );
    assert!(
        !store
            .claim_holds(&again[0], minute, after(350))
            .await
            .unwrap(),
        "too late to begin"
    );
    let taken_over = take(&store, 9, 361).await;
    assert_eq!(taken_over[0].id, ids[0]);
    assert!(
        !store
            .claim_holds(&again[0], minute, after(361))
            .await
            .unwrap()
    );
    assert!(
        store
            .claim_holds(&taken_over[0], minute, after(361))
            .await
            .unwrap()
    );
    // Given up, and the others go on.
    acknowledge(&store, &taken_over[0], 362, dead()).await;
    let second = take(&store, 9, 363).await;
    assert_eq!(second[0].id, ids[1]);
    // A replay of the first comes out of order, beside what is under way.
    let tenant = store.within(&world.scope);
    tenant.replay_delivery(&ids[0], after(364)).await.unwrap();
    let replayed = take(&store, 9, 365).await;
    assert_eq!(replayed.len(), 1);
    assert!(replayed[0].id == ids[0] && !replayed[0].in_sequence);
    acknowledge(&store, &second[0], 366, delivered()).await;
    assert_eq!(take(&store, 9, 367).await[0].id, ids[2]);
}

async fn order_can_be_asked_for_later_and_given_up(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let ids = put(
        &store,
        &lease,
        (0..3).map(|_| to(&world, &world.destination)).collect(),
    )
    .await;
    let tenant = store.within(&world.scope);
    let change = |ordered: bool| DestinationChange {
        metadata: Some(MetadataChange::Keys(vec![(
            "ordered".to_owned(),
            Some(json!(ordered)),
        )])),
        name: None,
    };
    tenant
        .update_destination(&world.destination.id, change(true), after(1))
        .await
        .unwrap();
    let late = put(&store, &lease, vec![to(&world, &world.destination)]).await;
    for id in ids.iter().take(2) {
        let claimed = take(&store, 9, 2).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].id, *id, "what waited comes first, oldest first");
        acknowledge(&store, &claimed[0], 2, delivered()).await;
    }
    tenant
        .update_destination(&world.destination.id, change(false), after(3))
        .await
        .unwrap();
    let mut rest: Vec<_> = take(&store, 9, 4).await.into_iter().map(|m| m.id).collect();
    rest.sort();
    let mut expected = vec![ids[2].clone(), late[0].clone()];
    expected.sort();
    assert_eq!(rest, expected);
}

async fn an_unreadable_message_holds_nothing_up(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let ordered = destination(&store, &world, "ordered", true).await;
    let ids = put(
        &store,
        &lease,
        (0..2).map(|_| to(&world, &ordered)).collect(),
    )
    .await;
    let db = behind(&store).await;
    let spoil = Statement::from_sql_and_values(
        db.get_database_backend(),
        "UPDATE outbox SET body = $1 WHERE id = $2",
        [b"spoiled".to_vec().into(), ids[0].as_str().into()],
    );
    db.execute_raw(spoil).await.unwrap();
    assert!(take(&store, 9, 1).await.is_empty());
    assert_eq!(take(&store, 9, 2).await[0].id, ids[1]);
    let first = store.within(&world.scope).delivery(&ids[0]).await.unwrap();
    assert_eq!(first.status, DeliveryStatus::Dead);
    assert!(first.last_error.unwrap().contains("cannot be read"));
}

async fn what_is_held_goes_when_it_is_asked_for(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let ordered = destination(&store, &world, "ordered", true).await;
    let held = |object: &str, destination| NewMessage {
        hold_for: Some(object.to_owned()),
        ..to(&world, destination)
    };
    let mine = vec![
        held("repositories", &ordered),
        held("repositories", &ordered),
        held("repositories", &ordered),
    ];
    let ids = put(&store, &lease, mine).await;
    put(&store, &lease, vec![held("projects", &ordered)]).await;
    assert!(take(&store, 9, 1).await.is_empty());
    let tenant = store.within(&world.scope);
    assert_eq!(tenant.deliveries_overview(99).await.unwrap().held, 4);
    let installation = &world.installation.id;
    let release = async |n| {
        tenant
            .release_held(installation, "repositories", n, after(2))
            .await
            .unwrap()
    };
    assert_eq!(release(0).await, 0);
    assert_eq!(release(2).await, 2);
    for id in &ids[..2] {
        let claimed = take(&store, 9, 3).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].id, *id, "oldest first, and in order");
        acknowledge(&store, &claimed[0], 3, delivered()).await;
    }
    assert!(take(&store, 9, 4).await.is_empty());
    assert_eq!(release(9).await, 1);
    // More than are let go in one step.
    let many = (0..450)
        .map(|_| held("repositories", &world.destination))
        .collect();
    put(&store, &lease, many).await;
    assert_eq!(release(401).await, 401);
    assert_eq!(release(u32::MAX).await, 49);
    assert_eq!(
        tenant
            .release_held("another", "projects", 9, after(5))
            .await
            .unwrap(),
        0
    );
}

async fn a_replay_keeps_id_and_body(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let ids = put(&store, &lease, vec![to(&world, &world.destination)]).await;
    let tenant = store.within(&world.scope);
    let not_over = tenant.replay_delivery(&ids[0], after(1)).await.unwrap();
    assert_eq!(not_over, ReplayOutcome::NotOver(DeliveryStatus::Pending));
    let first = take(&store, 9, 1).await.remove(0);
    acknowledge(&store, &first, 2, dead()).await;
    let kept = tenant.delivery(&ids[0]).await.unwrap();
    assert_eq!((kept.status, kept.attempts), (DeliveryStatus::Dead, 1));
    assert_eq!(
        (kept.last_status, kept.attempt_times),
        (Some(500), vec![after(2)])
    );
    assert_eq!(
        tenant.replay_delivery(&ids[0], after(3)).await.unwrap(),
        ReplayOutcome::Replayed
    );
    let again = take(&store, 9, 4).await.remove(0);
    assert_eq!(
        (&again.id, &again.body, again.create_time),
        (&first.id, &first.body, first.create_time)
    );
    assert_eq!(
        (again.attempt, again.round_attempt),
        (2, 1),
        "fresh attempts"
    );
    acknowledge(&store, &again, 5, delivered()).await;
    // What was delivered can be replayed too.
    assert_eq!(
        tenant.replay_delivery(&ids[0], after(6)).await.unwrap(),
        ReplayOutcome::Replayed
    );
    assert!(tenant.replay_delivery("unknown", after(6)).await.is_err());
}

async fn a_replay_of_a_range(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let other = destination(&store, &world, "other", false).await;
    for seconds in [0, 10, 20] {
        for destination in [&world.destination, &other] {
            let commit = PageCommit {
                messages: vec![to(&world, destination)],
                ..page("{}")
            };
            store
                .commit_page(&lease, commit, after(seconds))
                .await
                .unwrap();
        }
    }
    for message in take(&store, 20, 30).await {
        acknowledge(&store, &message, 31, dead()).await;
    }
    let tenant = store.within(&world.scope);
    let mut range = Replay {
        destination_id: other.id.clone(),
        status: DeliveryStatus::Delivered,
        from: Some(after(10)),
        to: Some(after(20)),
    };
    assert_eq!(
        tenant.replay_deliveries(&range, after(40)).await.unwrap(),
        0
    );
    range.status = DeliveryStatus::Dead;
    assert_eq!(
        tenant.replay_deliveries(&range, after(40)).await.unwrap(),
        1
    );
    let claimed = take(&store, 20, 41).await;
    assert_eq!((claimed.len(), &claimed[0].create_time), (1, &after(10)));
    assert_eq!(claimed[0].destination_id, other.id);
    range.status = DeliveryStatus::Pending;
    assert!(tenant.replay_deliveries(&range, after(42)).await.is_err());
}

async fn an_old_acknowledgement_settles_no_replay(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let ids = put(&store, &lease, vec![to(&world, &world.destination)]).await;
    let first = take(&store, 9, 1).await.remove(0);
    acknowledge(&store, &first, 2, dead()).await;
    let tenant = store.within(&world.scope);
    tenant.replay_delivery(&ids[0], after(3)).await.unwrap();
    let again = take(&store, 9, 4).await.remove(0);
    // A copy of the first sender comes back from the cold.
    acknowledge(&store, &first, 5, delivered()).await;
    assert_eq!(
        tenant.delivery(&ids[0]).await.unwrap().status,
        DeliveryStatus::Pending
    );
    acknowledge(&store, &again, 6, delivered()).await;
    assert_eq!(
        tenant.delivery(&ids[0]).await.unwrap().status,
        DeliveryStatus::Delivered
    );
}

async fn a_rate_counts_over_all_senders(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let other = destination(&store, &world, "other", false).await;
    for destination in [&world.destination, &other] {
        put(
            &store,
            &lease,
            (0..5).map(|_| to(&world, destination)).collect(),
        )
        .await;
    }
    let room = || Room {
        free: 100,
        rate: 4,
        ..Room::default()
    };
    let first = store.claim_messages("one", room(), after(1)).await.unwrap();
    assert_eq!(
        by_destination(&first.messages)
            .values()
            .copied()
            .collect::<Vec<_>>(),
        [2, 2],
        "and fairly"
    );
    assert_eq!(
        first.rated_until,
        Some(after(2)),
        "and says when to look again"
    );
    let second = store.claim_messages("two", room(), after(1)).await.unwrap();
    assert!(second.messages.is_empty() && second.rated_until.is_some());
    let later = store.claim_messages("two", room(), after(2)).await.unwrap();
    assert_eq!(later.messages.len(), 4);
    let unlimited = store.claim_messages("two", 100, after(2)).await.unwrap();
    assert_eq!((unlimited.messages.len(), unlimited.rated_until), (2, None));
}

async fn five_days_of_failure_disable(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    put(
        &store,
        &lease,
        (0..3).map(|_| to(&world, &world.destination)).collect(),
    )
    .await;
    let tenant = store.within(&world.scope);
    let days = 24 * 3_600;
    let id = &world.destination.id;
    for (seconds, disabled) in [(1, false), (5 * days, false), (5 * days + 1, true)] {
        let message = take(&store, 1, seconds).await.remove(0);
        acknowledge(&store, &message, seconds, retry(seconds)).await;
        let now = tenant.destination(id).await.unwrap();
        assert_eq!(
            (now.disabled, now.failing_since),
            (disabled, Some(after(1))),
            "{seconds}"
        );
    }
    assert!(take(&store, 9, 6 * days).await.is_empty());
    tenant
        .enable_destination(id, after(6 * days))
        .await
        .unwrap();
    let now = tenant.destination(id).await.unwrap();
    assert_eq!((now.disabled, now.failing_since), (false, None));
    assert_eq!(
        take(&store, 9, 6 * days).await.len(),
        3,
        "all that waited goes at once"
    );
}

async fn a_success_ends_the_failing(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    put(
        &store,
        &lease,
        (0..3).map(|_| to(&world, &world.destination)).collect(),
    )
    .await;
    let tenant = store.within(&world.scope);
    let days = 24 * 3_600;
    let messages = take(&store, 9, 1).await;
    acknowledge(&store, &messages[0], 1, retry(9 * days)).await;
    acknowledge(&store, &messages[1], 5 * days, delivered()).await;
    acknowledge(&store, &messages[2], 6 * days, dead()).await;
    let now = tenant.destination(&world.destination.id).await.unwrap();
    assert_eq!(
        (now.disabled, now.failing_since),
        (false, Some(after(6 * days)))
    );
}

async fn pages_of_deliveries(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let other = destination(&store, &world, "other", false).await;
    let mut ids = Vec::new();
    for seconds in 0..7 {
        let destination = if seconds % 2 == 0 {
            &world.destination
        } else {
            &other
        };
        let new = to(&world, destination);
        ids.insert(0, new.id.clone());
        let commit = PageCommit {
            messages: vec![new],
            ..page("{}")
        };
        store
            .commit_page(&lease, commit, after(seconds))
            .await
            .unwrap();
    }
    for message in take(&store, 2, 20).await {
        acknowledge(&store, &message, 21, dead()).await;
    }
    let tenant = store.within(&world.scope);
    let all = async |filter: DeliveryFilter| {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = tenant
                .deliveries(&filter, 2, token.as_deref())
                .await
                .unwrap();
            assert!(page.len() <= 2);
            found.extend(page.into_iter().map(|delivery| delivery.id));
            token = next;
            if token.is_none() {
                return found;
            }
        }
    };
    assert_eq!(
        all(DeliveryFilter::default()).await,
        ids,
        "every status, newest first"
    );
    let status = |status| DeliveryFilter {
        status: Some(status),
        ..DeliveryFilter::default()
    };
    assert_eq!(all(status(DeliveryStatus::Dead)).await.len(), 2);
    assert_eq!(all(status(DeliveryStatus::Pending)).await.len(), 5);
    let to_other = DeliveryFilter {
        destination_id: Some(other.id.clone()),
        ..DeliveryFilter::default()
    };
    assert_eq!(all(to_other).await, [&*ids[1], &*ids[3], &*ids[5]]);
    let between = DeliveryFilter {
        from: Some(after(2)),
        to: Some(after(4)),
        ..DeliveryFilter::default()
    };
    assert_eq!(all(between).await, ids[3..5]);
    let nobodys = DeliveryFilter {
        installation_id: Some(ids::new()),
        ..DeliveryFilter::default()
    };
    assert!(all(nobodys).await.is_empty());
    assert!(
        tenant
            .deliveries(&DeliveryFilter::default(), 2, Some("x"))
            .await
            .is_err()
    );
    let payload = tenant.delivery_payload(&ids[0]).await.unwrap();
    assert_eq!(
        (payload.json.as_slice(), payload.linked),
        (&br#"{"result":[1]}"#[..], false)
    );
}

async fn an_answer_is_kept_whatever_is_in_it(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let ids = put(&store, &lease, vec![to(&world, &world.destination)]).await;
    let message = take(&store, 9, 1).await.remove(0);
    // PostgreSQL takes no NUL in a text, and the cut falls into a character.
    let hostile = format!("\0<html>{}", "é".repeat(2_000));
    let answered = Acknowledged {
        answer: Some(hostile),
        ..result(&message, 2, dead())
    };
    store.acknowledge(&[answered], after(2)).await.unwrap();
    let kept = store.within(&world.scope).delivery(&ids[0]).await.unwrap();
    let answer = kept.last_answer.unwrap();
    assert!(
        answer.starts_with("<html>éé") && answer.len() <= 1024,
        "{answer}"
    );
}

async fn raw_metadata(store: &TestStore) -> String {
    let db = behind(store).await;
    let select = Statement::from_string(
        db.get_database_backend(),
        "SELECT metadata FROM destination",
    );
    let rows = db.query_all_raw(select).await.unwrap();
    rows.iter()
        .map(|row| row.try_get::<String>("", "metadata").unwrap())
        .collect()
}

fn headers(metadata: &Value) -> &Value {
    &metadata["headers"]
}

async fn headers_are_sealed_and_come_back(store: TestStore) {
    let world = world(&store, "mail").await;
    assert_eq!(
        headers(&world.destination.metadata),
        &json!({ "x-team": "blue" })
    );
    assert!(!raw_metadata(&store).await.contains("blue"));
    assert!(!format!("{:?}", world.destination).contains("blue"));
    let tenant = store.within(&world.scope);
    let change = DestinationChange {
        name: Some("renamed".to_owned()),
        metadata: Some(MetadataChange::Keys(vec![(
            "url".to_owned(),
            Some(json!("https://example.com/new")),
        )])),
    };
    let changed = tenant
        .update_destination("hook", change, after(1))
        .await
        .unwrap();
    assert_eq!(headers(&changed.metadata), &json!({ "x-team": "blue" }));
    assert_eq!(tenant.destination("renamed").await.unwrap(), changed);
    let target = store.delivery_target(&changed.id, after(1)).await.unwrap();
    assert_eq!(target.url, "https://example.com/new");
    assert_eq!(target.headers, [("x-team".to_owned(), "blue".to_owned())]);
    let whole = DestinationChange {
        name: None,
        metadata: Some(MetadataChange::Whole(
            json!({ "url": "https://example.com/third" }),
        )),
    };
    let changed = tenant
        .update_destination("renamed", whole, after(2))
        .await
        .unwrap();
    assert!(headers(&changed.metadata).is_null());
}

async fn headers_left_open_are_sealed(store: TestStore) {
    let world = world(&store, "mail").await;
    let db = behind(&store).await;
    let older = Statement::from_string(
        db.get_database_backend(),
        r#"UPDATE destination SET headers = NULL, metadata = '{"url":"https://example.com/hook","headers":{"x-key":"left open"}}'"#,
    );
    db.execute_raw(older).await.unwrap();
    drop(db);
    let store = store.reopen().await;
    assert!(!raw_metadata(&store).await.contains("left open"));
    let found = store
        .within(&world.scope)
        .destination("hook")
        .await
        .unwrap();
    assert_eq!(headers(&found.metadata), &json!({ "x-key": "left open" }));
}

async fn a_key_lives_on_for_a_day(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let id = &world.destination.id;
    let keys = async |seconds| {
        let target = store.delivery_target(id, after(seconds)).await.unwrap();
        let keys = target
            .signing_keys
            .iter()
            .map(|key| key.expose_secret().to_owned());
        keys.collect::<Vec<_>>()
    };
    let first = keys(0).await;
    assert_eq!(first.len(), 1);
    tenant.rotate_signing_key("hook", after(10)).await.unwrap();
    let day = 24 * 3_600;
    let second = keys(9 + day).await;
    assert_eq!(second.len(), 2);
    assert_ne!(second[0], first[0]);
    assert_eq!(second[1], first[0], "the present one comes first");
    assert_eq!(
        keys(10 + day).await,
        [second[0].clone()],
        "a day, and no longer"
    );
    assert_eq!(
        tenant
            .destination_signing_key(id)
            .await
            .unwrap()
            .expose_secret(),
        second[0]
    );
    tenant.rotate_signing_key("hook", after(20)).await.unwrap();
    assert_eq!(keys(21).await[1], second[0], "one before, not two");
}

//! The outbox: claims, acknowledgements, and what a late sender can do.

use store::{
    Acknowledged, DeliveriesOverview, DeliveryOutcome, LinkedResult, MessageBody, OutboxMessage,
    PageCommit, StoreError, WhyDisabled,
};
use testing::TestStore;

use crate::fixture::{World, after, claim, message, page, world};

testing::both!(
    a_message_is_sent_as_it_was_put_in,
    a_late_acknowledgement_changes_nothing,
    retries_and_gives_up,
    a_disabled_destination_waits,
    the_same_message_twice_is_one,
);

async fn put(store: &TestStore, world: &World, bodies: Vec<MessageBody>) -> Vec<String> {
    let lease = claim(store, "reader", after(0)).await;
    let messages: Vec<_> = bodies
        .into_iter()
        .map(|body| message(world, "operation", body))
        .collect();
    let ids = messages.iter().map(|message| message.id.clone()).collect();
    let commit = PageCommit {
        messages,
        ..page("{}")
    };
    store.commit_page(&lease, commit, after(0)).await.unwrap();
    ids
}

async fn one(store: &TestStore, seconds: i64) -> OutboxMessage {
    let mut claimed = store
        .claim_messages("sender", 9, after(seconds))
        .await
        .unwrap()
        .messages;
    assert_eq!(claimed.len(), 1, "one message is due");
    claimed.remove(0)
}

async fn none_due(store: &TestStore, seconds: i64) {
    let claimed = store
        .claim_messages("sender", 9, after(seconds))
        .await
        .unwrap()
        .messages;
    assert!(claimed.is_empty(), "{claimed:?}");
}

async fn acknowledge(store: &TestStore, message: &OutboxMessage, outcome: DeliveryOutcome) {
    let result = Acknowledged {
        id: message.id.clone(),
        attempt: message.attempt,
        attempt_time: after(100),
        outcome,
        answer: None,
    };
    store.acknowledge(&[result], after(100)).await.unwrap();
}

fn inline() -> MessageBody {
    MessageBody::Inline(br#"{"result":[1]}"#.to_vec())
}

async fn a_message_is_sent_as_it_was_put_in(store: TestStore) {
    let world = world(&store, "mail").await;
    let url = MessageBody::Url {
        envelope: b"{}".to_vec(),
        result: LinkedResult::InRow(vec![b'7'; 400_000]),
    };
    let ids = put(&store, &world, vec![inline(), url.clone()]).await;
    let claimed = store.claim_messages("sender", 9, after(1)).await.unwrap();
    let claimed = claimed.messages;
    let found: Vec<_> = claimed.iter().map(|message| &message.id).collect();
    assert_eq!(found, ids.iter().collect::<Vec<_>>());
    assert_eq!((&claimed[0].body, &claimed[1].body), (&inline(), &url));
    assert_eq!(claimed[0].project_id, world.project.id);
    assert_eq!(claimed[0].create_time, after(0));
    let result = store.message_result(&ids[1]).await.unwrap();
    assert_eq!(result, LinkedResult::InRow(vec![b'7'; 400_000]));
    // What goes inline has no URL.
    let inline = store.message_result(&ids[0]).await;
    assert!(matches!(inline, Err(StoreError::NotFound { .. })));
    assert!(!format!("{claimed:?}").contains("result\":"));
    let target = store
        .delivery_target(&world.destination.id, after(1))
        .await
        .unwrap();
    assert_eq!(target.url, "https://example.com/hook");
    assert_eq!(target.headers, [("x-team".to_owned(), "blue".to_owned())]);
    assert_eq!(target.signing_keys.len(), 1);
}

async fn a_late_acknowledgement_changes_nothing(store: TestStore) {
    let world = world(&store, "mail").await;
    put(&store, &world, vec![inline()]).await;
    let first = one(&store, 1).await;
    none_due(&store, 60).await;
    let second = one(&store, 61).await;
    assert_eq!((first.attempt, second.attempt), (1, 2));
    let dead = DeliveryOutcome::Dead {
        status: None,
        error: "too late".to_owned(),
    };
    acknowledge(&store, &first, dead.clone()).await;
    acknowledge(&store, &second, DeliveryOutcome::Delivered { status: 204 }).await;
    // And not once it has been delivered.
    acknowledge(&store, &second, dead).await;
    none_due(&store, 999).await;
    let overview = store
        .within(&world.scope)
        .deliveries_overview(99)
        .await
        .unwrap();
    let expected = DeliveriesOverview {
        delivered: 1,
        ..DeliveriesOverview::default()
    };
    assert_eq!(overview, expected);
}

async fn retries_and_gives_up(store: TestStore) {
    let world = world(&store, "mail").await;
    put(&store, &world, vec![inline()]).await;
    let message = one(&store, 1).await;
    let retry = DeliveryOutcome::Retry {
        at: after(300),
        status: Some(503),
        error: "unavailable".to_owned(),
    };
    acknowledge(&store, &message, retry).await;
    none_due(&store, 299).await;
    let message = one(&store, 300).await;
    assert_eq!(message.attempt, 2);
    let dead = DeliveryOutcome::Dead {
        status: Some(410),
        error: "gone".to_owned(),
    };
    acknowledge(&store, &message, dead).await;
    none_due(&store, 99_999).await;
    let overview = store.overview(99).await.unwrap();
    assert_eq!((overview.messages_dead, overview.messages_pending), (1, 0));
}

async fn a_disabled_destination_waits(store: TestStore) {
    let world = world(&store, "mail").await;
    put(&store, &world, vec![inline()]).await;
    for disabled in [true, false] {
        let was_enabled = store
            .disable_destination(&world.destination.id, WhyDisabled::Gone, after(1))
            .await
            .unwrap();
        assert_eq!(was_enabled, disabled, "it can be disabled once");
    }
    none_due(&store, 2).await;
    let tenant = store.within(&world.scope);
    let destination = tenant.destination(&world.destination.id).await.unwrap();
    assert!(destination.disabled);
}

async fn the_same_message_twice_is_one(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let commit = PageCommit {
        messages: vec![message(&world, "operation", inline())],
        ..page("{}")
    };
    store
        .commit_page(&lease, commit.clone(), after(0))
        .await
        .unwrap();
    store.commit_page(&lease, commit, after(0)).await.unwrap();
    one(&store, 1).await;
}

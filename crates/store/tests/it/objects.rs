//! Objects: none is forgotten, and no name is without one.

use sea_orm::ConnectionTrait as _;
use store::{Kind, Lease, LinkedResult, MessageBody, PageCommit, Store, StoreError};
use testing::TestStore;

use crate::fixture::{World, after, behind, claim, message, page, world};

testing::both!(
    a_named_object_stays,
    an_object_without_a_name_goes_after_a_day,
    a_message_that_goes_leaves_its_object_behind,
    what_is_doomed_cannot_be_named,
);

const DAY_S: i64 = 24 * 60 * 60;

async fn pruning(store: &Store, seconds: i64) -> Lease {
    let now = after(seconds);
    let mut leases = store.claim(&[Kind::PRUNE], "pruner", 9, now).await.unwrap();
    assert_eq!(leases.len(), 1, "there is one row of this work");
    leases.remove(0)
}

async fn doomed(store: &Store, seconds: i64) -> Vec<String> {
    let lease = pruning(store, seconds).await;
    let now = after(seconds);
    let keys = store.doomed_objects(&lease, 9, now).await.unwrap();
    store.finish(&lease, Some(now), now).await.unwrap();
    keys
}

async fn name(store: &TestStore, world: &World, key: &str) -> Result<String, StoreError> {
    let lease = claim(store, "reader", after(0)).await;
    let body = MessageBody::Url {
        envelope: b"{}".to_vec(),
        result: LinkedResult::InObject {
            key: key.to_owned(),
            bytes: 9_000,
        },
    };
    let new = message(world, "operation", body);
    let id = new.id.clone();
    let commit = PageCommit {
        messages: vec![new],
        ..page("{}")
    };
    store
        .commit_page(&lease, commit, after(0))
        .await
        .map(|()| id)
}

async fn a_named_object_stays(store: TestStore) {
    let world = world(&store, "mail").await;
    let key = ["results/1".to_owned()];
    store.announce_objects(&key, after(0)).await.unwrap();
    let id = name(&store, &world, "results/1").await.unwrap();
    assert!(doomed(&store, 90 * DAY_S).await.is_empty());
    let expected = LinkedResult::InObject {
        key: "results/1".to_owned(),
        bytes: store.waiting_bytes().await.unwrap(),
    };
    assert_eq!(store.message_result(&id).await.unwrap(), expected);
    // The object counts, and the row's envelope.
    assert!((9_001..9_100).contains(&store.waiting_bytes().await.unwrap()));
    let sent = store.claim_messages("sender", 9, after(1)).await.unwrap();
    let body = &sent.messages[0].body;
    assert!(
        matches!(body, MessageBody::Url { result, .. } if result == &expected),
        "{body:?}"
    );
}

async fn an_object_without_a_name_goes_after_a_day(store: TestStore) {
    let keys = ["results/1".to_owned(), "results/2".to_owned()];
    store.announce_objects(&keys, after(0)).await.unwrap();
    assert!(doomed(&store, DAY_S - 1).await.is_empty());
    let found = doomed(&store, DAY_S).await;
    assert_eq!(found.len(), 2);
    // Until they are deleted they are found again.
    assert_eq!(doomed(&store, DAY_S).await.len(), 2);
    let lease = pruning(&store, DAY_S).await;
    store.forget_objects(&lease, &found[..1]).await.unwrap();
    store
        .finish(&lease, Some(after(DAY_S)), after(DAY_S))
        .await
        .unwrap();
    assert_eq!(doomed(&store, DAY_S).await, found[1..]);
    let late = store.forget_objects(&lease, &found).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));
}

async fn a_message_that_goes_leaves_its_object_behind(store: TestStore) {
    let world = world(&store, "mail").await;
    let key = ["results/1".to_owned()];
    store.announce_objects(&key, after(0)).await.unwrap();
    name(&store, &world, "results/1").await.unwrap();
    // Whoever deletes whatever the message belongs to.
    let db = behind(&store).await;
    db.execute_unprepared("DELETE FROM project").await.unwrap();
    assert_eq!(doomed(&store, 1).await, key);
}

async fn what_is_doomed_cannot_be_named(store: TestStore) {
    let world = world(&store, "mail").await;
    let key = ["results/1".to_owned()];
    store.announce_objects(&key, after(-DAY_S)).await.unwrap();
    assert_eq!(doomed(&store, 0).await, key);
    let refused = name(&store, &world, "results/1").await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { .. })),
        "{refused:?}"
    );
    let unknown = store.waiting_bytes().await.unwrap();
    assert_eq!(unknown, 0, "nothing was committed");
}

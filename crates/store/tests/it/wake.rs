//! Wake-ups: kept while nobody waits, and only for what has become due.

use std::time::Duration;

use store::{Kind, MessageBody, PageCommit, WakeKind};
use testing::TestStore;

use crate::fixture::{after, claim, message, page, world};

testing::both!(wakes_for_what_is_due);

async fn wakes_for_what_is_due(store: TestStore) {
    let world = world(&store, "mail").await;
    woken(&store, WakeKind::Work).await;

    let lease = claim(&store, "a", after(0)).await;
    let body = MessageBody::Inline(b"{}".to_vec());
    let commit = PageCommit {
        messages: vec![message(&world, "operation", body)],
        ..page("{}")
    };
    store.commit_page(&lease, commit, after(1)).await.unwrap();
    woken(&store, WakeKind::Outbox).await;

    store
        .finish(&lease, Some(after(600)), after(2))
        .await
        .unwrap();
    store
        .poke(Kind::READ, &lease.subject_id, after(3))
        .await
        .unwrap();
    woken(&store, WakeKind::Work).await;
}

async fn woken(store: &TestStore, kind: WakeKind) {
    tokio::time::timeout(Duration::from_secs(30), store.woken(kind))
        .await
        .expect("somebody wakes us");
}

//! Reads that somebody asked for: their queue, their turn, and what is left of
//! them.

use serde_json::{Value, json};
use store::{
    Afterwards, Kind, NewTriggeredRead, NotificationEvent, OperationStatus, PageCommit, ReadRange,
    ReadType, RunEnd, Scope, SeenKey, Store, StoreError, Triggered,
};
use testing::TestStore;

use crate::fixture::{World, after, claim, new_revision, page, project, world};
use crate::notification::{listen, told};

testing::both!(
    first_come_is_first_begun_and_one_at_a_time,
    an_end_and_a_request_at_once_lose_neither,
    what_a_triggered_run_leaves,
    only_who_may_see_it_may_ask,
    a_queue_has_an_end,
    a_queue_survives_a_crash,
    reads_asked_for_end_with_their_object,
);

fn range(since: Option<&str>, until: Option<&str>) -> ReadRange {
    let time = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    ReadRange {
        since: time(since),
        until: time(until),
    }
}

async fn ask(store: &Store, world: &World, scope: &Scope, range: ReadRange) -> Triggered {
    let new = NewTriggeredRead {
        installation_id: world.installation.id.clone(),
        object_name: "repositories".to_owned(),
        range,
    };
    store
        .within(scope)
        .trigger_read(new, after(1))
        .await
        .unwrap()
}

async fn queued(store: &Store, world: &World, range: ReadRange) -> String {
    match ask(store, world, &world.scope, range).await {
        Triggered::Queued { operation_id } => operation_id,
        Triggered::Full => panic!("full"),
    }
}

fn last(due: i64) -> PageCommit {
    PageCommit {
        position: None,
        end: Some(RunEnd {
            object_name: "repositories".to_owned(),
            status: OperationStatus::Success,
            result: None,
            watermark: None,
            forget_seen_before: None,
            due_at: Some(after(due)),
        }),
        afterwards: Afterwards::Release(Some(after(due))),
        ..page("")
    }
}

async fn first_come_is_first_begun_and_one_at_a_time(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let exact = range(
        Some("2026-01-02T03:04:05.678901234Z"),
        Some("2026-02-01T00:00:00.000001Z"),
    );
    let first = queued(&store, &world, exact).await;
    let second = queued(&store, &world, ReadRange::default()).await;
    for id in [&first, &second] {
        let operation = tenant.operation(id).await.unwrap();
        assert_eq!(operation.status, OperationStatus::InProgress);
        assert_eq!(operation.read_type, Some(ReadType::Triggered));
    }
    // The backfill goes on as it was.
    let lease = claim(&store, "a", after(2)).await;
    assert_eq!(lease.lane, store::BACKFILL);
    let backfill = store.read_subject(&lease).await.unwrap().sync;
    assert_eq!(backfill.read_type, Some(ReadType::Backfill));
    store
        .commit_page(&lease, last(600), after(3))
        .await
        .unwrap();
    // And then it is their turn, though the schedule is far off.
    for (id, expected) in [(&first, exact), (&second, ReadRange::default())] {
        let lease = claim(&store, "a", after(9)).await;
        assert_eq!(lease.lane, store::INTERACTIVE);
        assert!(store.begin_triggered(&lease).await.unwrap());
        let sync = store.read_subject(&lease).await.unwrap().sync;
        assert_eq!(
            (sync.operation_id.as_ref(), sync.range),
            (Some(id), Some(expected))
        );
        assert_eq!(
            (sync.read_type, sync.since),
            (Some(ReadType::Triggered), None)
        );
        store
            .commit_page(&lease, last(600), after(5))
            .await
            .unwrap();
        let operation = tenant.operation(id).await.unwrap();
        assert_eq!(operation.status, OperationStatus::Success);
    }
    assert!(
        store
            .claim(&[Kind::READ], "a", 1, after(599))
            .await
            .unwrap()
            .is_empty()
    );
    let lease = claim(&store, "a", after(600)).await;
    assert_eq!(lease.lane, store::SCHEDULED);
    assert!(!store.begin_triggered(&lease).await.unwrap());
    assert_eq!(store.read_subject(&lease).await.unwrap().sync.range, None);
}

/// Whichever of the two is first, the read is due afterwards.
async fn an_end_and_a_request_at_once_lose_neither(store: TestStore) {
    let world = world(&store, "mail").await;
    for round in 0..20 {
        let lease = claim(&store, "a", after(10)).await;
        if round > 0 {
            assert!(store.begin_triggered(&lease).await.unwrap());
        }
        let asked = queued(&store, &world, ReadRange::default());
        let ended = store.commit_page(&lease, last(600), after(3));
        let (_, ended) = tokio::join!(asked, ended);
        ended.unwrap();
    }
}

async fn what_a_triggered_run_leaves(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    let mut end = last(600);
    end.end.as_mut().unwrap().watermark = None;
    end.seen = vec![mark("kept", "2026-01-01T00:00:00.000000Z")];
    // A backfill from a time on that told no watermark: it begins where that did.
    store.commit_page(&lease, end, after(1)).await.unwrap();
    let run = queued(&store, &world, range(Some("2026-01-01T00:00:00Z"), None)).await;
    let lease = claim(&store, "a", after(2)).await;
    assert!(store.begin_triggered(&lease).await.unwrap());
    let own = PageCommit {
        seen: vec![
            mark(&format!("{run} v kept"), &run),
            mark("new", "2026-01-02T00:00:00.000000Z"),
        ],
        ..page("{}")
    };
    store
        .commit_page(&lease, own.clone(), after(3))
        .await
        .unwrap();
    let sync_id = &lease.subject_id;
    assert_eq!(
        store.unseen(sync_id, &own.seen).await.unwrap(),
        [false, false]
    );
    store
        .commit_page(&lease, last(600), after(4))
        .await
        .unwrap();
    assert_eq!(
        store.unseen(sync_id, &own.seen).await.unwrap(),
        [true, false]
    );
    let kept = [mark("kept", "2026-01-01T00:00:00.000000Z")];
    assert_eq!(store.unseen(sync_id, &kept).await.unwrap(), [false]);
    let lease = claim(&store, "a", after(600)).await;
    let sync = store.read_subject(&lease).await.unwrap().sync;
    assert_eq!((sync.watermark, sync.since, sync.range), (None, None, None));
}

fn mark(key: &str, version: &str) -> SeenKey {
    SeenKey {
        key: key.to_owned(),
        version: version.to_owned(),
    }
}

async fn only_who_may_see_it_may_ask(store: TestStore) {
    let world = world(&store, "mail").await;
    let (_, stranger) = project(&store, "other").await;
    let new = |object: &str| NewTriggeredRead {
        installation_id: world.installation.id.clone(),
        object_name: object.to_owned(),
        range: ReadRange::default(),
    };
    let hidden = store
        .within(&stranger)
        .trigger_read(new("repositories"), after(1))
        .await;
    assert!(matches!(
        hidden,
        Err(StoreError::NotFound {
            what: "installation",
            ..
        })
    ));
    let unread = store
        .within(&world.scope)
        .trigger_read(new("projects"), after(1))
        .await;
    assert!(matches!(
        unread,
        Err(StoreError::NotFound { what: "object", .. })
    ));
    let lease = claim(&store, "a", after(1)).await;
    assert!(!store.begin_triggered(&lease).await.unwrap());
}

async fn a_queue_has_an_end(store: TestStore) {
    let world = world(&store, "mail").await;
    for _ in 0..100 {
        queued(&store, &world, ReadRange::default()).await;
    }
    let more = ask(&store, &world, &world.scope, ReadRange::default()).await;
    assert_eq!(more, Triggered::Full);
}

async fn a_queue_survives_a_crash(store: TestStore) {
    let world = world(&store, "mail").await;
    let run = queued(&store, &world, range(None, Some("2026-01-01T00:00:00Z"))).await;
    let lease = claim(&store, "a", after(1)).await;
    let mut end = last(600);
    end.end.as_mut().unwrap().watermark = Some(after(-60));
    store.commit_page(&lease, end, after(2)).await.unwrap();
    let zombie = lease;
    let store = store.reopen().await;
    let lease = claim(&store, "b", after(3)).await;
    let lost = store.begin_triggered(&zombie).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    assert!(store.begin_triggered(&lease).await.unwrap());
    let sync = store.read_subject(&lease).await.unwrap().sync;
    assert_eq!(sync.operation_id, Some(run));
    assert_eq!(
        sync.watermark,
        Some(after(-60)),
        "where reads go on is kept"
    );
    // Begun again after a crash, it is the same run.
    let lease = claim(&store, "c", after(40)).await;
    assert!(!store.begin_triggered(&lease).await.unwrap());
    assert_eq!(store.read_subject(&lease).await.unwrap().sync, sync);
}

/// The one under way and the one that waits alike: nobody is left to wait for an
/// operation that will never end, and whoever listens is told.
async fn reads_asked_for_end_with_their_object(store: TestStore) {
    let world = world(&store, "mail").await;
    let event = NotificationEvent::ReadTriggeredError;
    listen(&store, &world, event, &world.destination.id).await;
    let under_way = queued(&store, &world, ReadRange::default()).await;
    let lease = claim(&store, "a", after(2)).await;
    store
        .commit_page(&lease, last(600), after(3))
        .await
        .unwrap();
    let lease = claim(&store, "a", after(9)).await;
    assert!(store.begin_triggered(&lease).await.unwrap());
    let waits = queued(&store, &world, range(None, Some("2026-01-01T00:00:00Z"))).await;
    let tenant = store.within(&world.scope);
    let destructive = true;
    let content = json!({ "read": { "objects": [] } });
    let new = vec![new_revision("sync", content)];
    tenant.deploy(new, destructive, after(10)).await.unwrap();
    for id in [&under_way, &waits] {
        let operation = tenant.operation(id).await.unwrap();
        assert_eq!(operation.status, OperationStatus::Failure);
        assert!(operation.result.unwrap().contains("removed"));
    }
    let mut until: Vec<Value> = Vec::new();
    for (word, data) in told(&store).await {
        assert_eq!(word, "read.triggered.error");
        assert!(data["error"].as_str().unwrap().contains("removed"));
        until.push(data["untilTimestamp"].clone());
    }
    assert_eq!(until.len(), 2, "{until:?}");
    assert!(until.contains(&json!("2026-01-01T00:00:00Z")), "{until:?}");
}

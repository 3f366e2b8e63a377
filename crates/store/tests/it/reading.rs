//! Reading: what a run is told, and that a page is committed whole or not.

use sea_orm::ConnectionTrait;
use serde_json::json;
use store::{
    Afterwards, Kind, MessageBody, NewLog, OperationStatus, PageCommit, ReadType, RunEnd, SeenKey,
    StoreError,
};
use testing::TestStore;

use crate::fixture::{World, after, behind, claim, message, page, world};

testing::both!(
    a_run_is_told_everything,
    a_page_is_committed_whole,
    a_page_that_fails_midway_leaves_nothing,
    a_commit_that_is_dropped_is_whole_or_nothing,
    a_zombie_commits_nothing,
    a_run_ends_and_the_next_begins,
    a_retry_keeps_the_attempts,
    large_pages_of_keys,
);

fn seen(keys: &[&str], version: &str) -> Vec<SeenKey> {
    let key = |key: &&str| SeenKey {
        key: (*key).to_owned(),
        version: version.to_owned(),
    };
    keys.iter().map(key).collect()
}

fn log(msg: &str) -> NewLog {
    NewLog {
        severity: "INFO".to_owned(),
        msg: msg.to_owned(),
        error: None,
        details: json!({"page": "1"}),
    }
}

fn full_page(world: &World, operation_id: &str) -> PageCommit {
    let body = MessageBody::Inline(b"{}".to_vec());
    PageCommit {
        messages: vec![message(world, operation_id, body)],
        seen: seen(&["one", "two"], "v1"),
        records: 2,
        estimated_total: Some(5),
        logs: vec![log("a page")],
        ..page(r#"{"page":2}"#)
    }
}

async fn a_run_is_told_everything(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    let subject = store.read_subject(&lease).await.unwrap();
    assert_eq!(subject.scope, world.scope);
    assert_eq!(subject.project, world.project);
    assert_eq!(subject.connection, world.connection);
    assert_eq!(subject.integration, world.integration);
    assert_eq!(subject.installation, world.installation);
    assert_eq!(subject.revision, world.integration.latest_revision);
    assert_eq!(subject.group.name, "Acme");
    assert_eq!(subject.consumer.name, "ada");
    assert_eq!(subject.sync.read_type, Some(ReadType::Backfill));
    assert_eq!(lease.lane, store::BACKFILL);
}

async fn a_page_is_committed_whole(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let lease = claim(&store, "a", after(0)).await;
    let sync = store.read_subject(&lease).await.unwrap().sync;
    let operation = sync.operation_id.clone().unwrap();
    let commit = full_page(&world, &operation);
    store.commit_page(&lease, commit, after(1)).await.unwrap();

    let moved = store.read_subject(&lease).await.unwrap().sync;
    assert_eq!(moved.position.as_deref(), Some(r#"{"page":2}"#));
    assert_eq!(
        (moved.records_processed, moved.records_estimated_total),
        (2, Some(5))
    );
    let shown = tenant.operation(&operation).await.unwrap();
    assert_eq!(shown.status, OperationStatus::InProgress);
    assert_eq!(
        (shown.records_processed, shown.records_estimated_total),
        (2, Some(5))
    );
    assert_eq!(shown.update_time, Some(after(1)));
    let logs = tenant.logs(&operation).await.unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!(
        (logs[0].msg.as_str(), logs[0].timestamp),
        ("a page", after(1))
    );
    let keys = [
        seen(&["one"], "v1"),
        seen(&["two"], "v2"),
        seen(&["new"], "v1"),
    ]
    .concat();
    assert_eq!(
        store.unseen(&sync.id, &keys).await.unwrap(),
        [false, true, true]
    );
    assert_eq!(store.overview(99).await.unwrap().messages_pending, 1);
}

async fn a_page_that_fails_midway_leaves_nothing(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    let before = store.read_subject(&lease).await.unwrap().sync;
    let operation = before.operation_id.clone().unwrap();

    let mut missing = full_page(&world, &operation);
    missing.messages[0].destination_id = "missing".to_owned();
    let error = store.commit_page(&lease, missing, after(1)).await;
    assert!(matches!(error, Err(StoreError::NotFound { .. })));

    // The log comes after position, messages and keys.
    let db = behind(&store).await;
    db.execute_unprepared("ALTER TABLE operation_log RENAME TO elsewhere")
        .await
        .unwrap();
    let commit = full_page(&world, &operation);
    let error = store.commit_page(&lease, commit, after(1)).await;
    assert!(matches!(error, Err(StoreError::Database(_))), "{error:?}");
    db.execute_unprepared("ALTER TABLE elsewhere RENAME TO operation_log")
        .await
        .unwrap();

    assert_eq!(store.read_subject(&lease).await.unwrap().sync, before);
    let keys = seen(&["one"], "v1");
    assert_eq!(store.unseen(&before.id, &keys).await.unwrap(), [true]);
    assert_eq!(store.overview(99).await.unwrap().messages_pending, 0);
    let commit = full_page(&world, &operation);
    store.commit_page(&lease, commit, after(2)).await.unwrap();
}

async fn a_commit_that_is_dropped_is_whole_or_nothing(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    let run = store
        .read_subject(&lease)
        .await
        .unwrap()
        .sync
        .operation_id
        .unwrap();
    for polls in 0..200 {
        let commit = PageCommit {
            records: 1,
            ..full_page(&world, &run)
        };
        let patience = async {
            for _ in 0..polls * 4 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            committed = store.commit_page(&lease, commit, after(1)) => committed.unwrap(),
            () = patience => {}
        }
    }
    let commit = full_page(&world, &run);
    store.commit_page(&lease, commit, after(2)).await.unwrap();
    let records = store
        .read_subject(&lease)
        .await
        .unwrap()
        .sync
        .records_processed;
    let messages = store.overview(99).await.unwrap().messages_pending;
    // The last page had two records and one message, every other one of each.
    assert_eq!(records, messages + 1);
}

async fn a_zombie_commits_nothing(store: TestStore) {
    let world = world(&store, "mail").await;
    let zombie = claim(&store, "a", after(0)).await;
    let lease = claim(&store, "b", after(30)).await;
    let before = store.read_subject(&lease).await.unwrap().sync;
    let operation = before.operation_id.clone().unwrap();
    let lost = |result| assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
    lost(
        store
            .commit_page(&zombie, full_page(&world, &operation), after(31))
            .await,
    );
    lost(
        store
            .retry_run(&zombie, &[log("late")], after(99), after(31))
            .await,
    );
    lost(
        store
            .begin_run(&zombie, ReadType::Scheduled, None, after(31))
            .await
            .map(|_| ()),
    );
    assert_eq!(store.read_subject(&lease).await.unwrap().sync, before);
    assert!(
        store
            .within(&world.scope)
            .logs(&operation)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_run_ends_and_the_next_begins(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let lease = claim(&store, "a", after(0)).await;
    let first = store
        .read_subject(&lease)
        .await
        .unwrap()
        .sync
        .operation_id
        .unwrap();
    store
        .commit_page(&lease, full_page(&world, &first), after(1))
        .await
        .unwrap();
    let last = PageCommit {
        position: None,
        seen: seen(&["three"], "v2"),
        end: Some(RunEnd {
            object_name: "repositories".to_owned(),
            status: OperationStatus::Success,
            result: Some("[repositories] 3 records".to_owned()),
            watermark: Some(after(-60)),
            forget_seen_before: Some("v2".to_owned()),
            due_at: None,
        }),
        afterwards: Afterwards::Release(Some(after(600))),
        ..full_page(&world, &first)
    };
    store.commit_page(&lease, last, after(2)).await.unwrap();
    let operation = tenant.operation(&first).await.unwrap();
    assert_eq!(operation.status, OperationStatus::Success);
    assert_eq!(
        operation.result.as_deref(),
        Some("[repositories] 3 records")
    );
    assert_eq!(operation.records_processed, 4);
    let integration = &world.integration.name;
    let installation = tenant
        .installation(integration, &world.installation.id)
        .await
        .unwrap();
    assert_eq!(
        installation.last_operation_status,
        Some(OperationStatus::Success)
    );

    assert!(
        store
            .claim(&[Kind::READ], "a", 1, after(599))
            .await
            .unwrap()
            .is_empty()
    );
    let lease = claim(&store, "a", after(600)).await;
    let sync = store.read_subject(&lease).await.unwrap().sync;
    assert_eq!((sync.operation_id, sync.position), (None, None));
    assert_eq!(sync.watermark, Some(after(-60)));
    let keys = seen(&["one", "three"], "v2");
    assert_eq!(store.unseen(&sync.id, &keys).await.unwrap(), [true, false]);

    let since = sync.watermark;
    let second = store
        .begin_run(&lease, ReadType::Scheduled, since, after(601))
        .await
        .unwrap();
    let sync = store.read_subject(&lease).await.unwrap().sync;
    assert_eq!(sync.operation_id.as_ref(), Some(&second));
    assert_eq!((sync.since, sync.records_processed), (since, 0));
    let id = &world.installation.id;
    let (newest, next) = tenant.operations(id, 1, None).await.unwrap();
    assert_eq!(newest[0].id, second);
    let (oldest, next) = tenant.operations(id, 1, next).await.unwrap();
    assert_eq!((oldest[0].id.as_str(), next), (first.as_str(), None));
    let backfill = tenant.latest_backfill(id, "repositories").await.unwrap();
    assert_eq!(backfill.id, first);
}

async fn a_retry_keeps_the_attempts(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    let operation = store
        .read_subject(&lease)
        .await
        .unwrap()
        .sync
        .operation_id
        .unwrap();
    store
        .retry_run(&lease, &[log("slow"), log("again")], after(10), after(2))
        .await
        .unwrap();
    let logs = store.within(&world.scope).logs(&operation).await.unwrap();
    let words: Vec<_> = logs.iter().map(|log| log.msg.as_str()).collect();
    assert_eq!(words, ["slow", "again"]);
    assert_eq!(claim(&store, "a", after(10)).await.attempts, 2);
}

async fn large_pages_of_keys(store: TestStore) {
    world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    let keys: Vec<SeenKey> = (0..40_000)
        .map(|n| SeenKey {
            key: format!("key {}", n % 30_000),
            version: format!("v{n}"),
        })
        .collect();
    let commit = PageCommit {
        seen: keys.clone(),
        ..page("{}")
    };
    store.commit_page(&lease, commit, after(1)).await.unwrap();
    let unseen = store.unseen(&lease.subject_id, &keys).await.unwrap();
    // Of a key that comes twice, both versions were delivered.
    assert!(unseen.iter().all(|unseen| !unseen));
    let never = seen(&["key 0", "key 29999"], "v1");
    let unseen = store.unseen(&lease.subject_id, &never).await.unwrap();
    assert_eq!(unseen, [true, true]);
}

//! What is kept, what goes, and who may delete.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait as _, Statement};
use store::{
    Acknowledged, Afterwards, DeliveryOutcome, Kind, MessageBody, NewInstallLink, NewLog,
    NewManifestUpload, NewOAuthState, OperationStatus, PageCommit, Retention, RunEnd, Store,
    StoreError,
};
use testing::TestStore;

use crate::fixture::{World, after, behind, claim, message, page, world};

testing::both!(
    what_is_old_goes_and_the_rest_stays,
    an_operation_under_way_stays,
    who_lost_the_lease_deletes_nothing,
    links_and_uploads_go_when_they_have_run_out,
);

const DAY_S: i64 = 24 * 60 * 60;
const TABLES: [&str; 6] = [
    "outbox",
    "operation",
    "operation_log",
    "oauth_state",
    "manifest_upload",
    "work",
];

async fn count(store: &TestStore, table: &str) -> i64 {
    let db = behind(store).await;
    let backend = db.get_database_backend();
    let select = format!("SELECT COUNT(*) AS n FROM {table}");
    let row = db
        .query_one_raw(Statement::from_string(backend, select))
        .await;
    row.unwrap().unwrap().try_get("", "n").unwrap()
}

async fn counts(store: &TestStore) -> [i64; 6] {
    let mut counts = [0; 6];
    for (count_of, table) in counts.iter_mut().zip(TABLES) {
        *count_of = count(store, table).await;
    }
    counts
}

/// Prunes until nothing is left to, as of then.
async fn prune(store: &Store, now: Timestamp) {
    let lease = store
        .claim(&[Kind::PRUNE], "pruner", 1, now)
        .await
        .unwrap()
        .remove(0);
    while store
        .prune(&lease, Retention::of_days(30), now)
        .await
        .unwrap()
        > 0
    {}
    assert!(
        !store.give_back_pages().await.unwrap(),
        "it is a small file"
    );
    store.finish(&lease, Some(now), now).await.unwrap();
}

fn log(msg: &str) -> NewLog {
    NewLog {
        severity: "INFO".to_owned(),
        msg: msg.to_owned(),
        error: None,
        details: serde_json::json!({}),
    }
}

/// A run that has ended, with three messages: delivered, dead, pending.
async fn a_run(store: &TestStore, world: &World) {
    let lease = claim(store, "reader", after(0)).await;
    let body = || MessageBody::Inline(b"{}".to_vec());
    let messages: Vec<_> = (0..3)
        .map(|_| message(world, "operation", body()))
        .collect();
    let end = RunEnd {
        object_name: "repositories".to_owned(),
        status: OperationStatus::Success,
        result: None,
        watermark: None,
        forget_seen_before: None,
        due_at: None,
    };
    let commit = PageCommit {
        messages,
        logs: vec![log("one"), log("two")],
        end: Some(end),
        afterwards: Afterwards::Release(None),
        ..page("{}")
    };
    store.commit_page(&lease, commit, after(0)).await.unwrap();
    // Nobody gets all that there is room for.
    let claimed = store.claim_messages("sender", 9, after(0)).await.unwrap();
    let outcomes = [
        DeliveryOutcome::Delivered { status: 200 },
        DeliveryOutcome::Dead {
            status: Some(500),
            error: "no".to_owned(),
        },
    ];
    let results: Vec<Acknowledged> = claimed
        .messages
        .into_iter()
        .zip(outcomes)
        .map(|(message, outcome)| Acknowledged {
            id: message.id,
            attempt: message.attempt,
            attempt_time: after(0),
            outcome,
            answer: None,
        })
        .collect();
    store.acknowledge(&results, after(0)).await.unwrap();
}

async fn what_is_old_goes_and_the_rest_stays(store: TestStore) {
    let world = world(&store, "mail").await;
    a_run(&store, &world).await;
    assert_eq!(counts(&store).await, [3, 1, 2, 0, 0, 2]);
    prune(&store, after(30 * DAY_S - 1)).await;
    assert_eq!(counts(&store).await, [3, 1, 2, 0, 0, 2]);
    prune(&store, after(30 * DAY_S)).await;
    // The dead letter and what is still to be delivered.
    assert_eq!(counts(&store).await, [2, 0, 0, 0, 0, 2]);
    prune(&store, after(90 * DAY_S - 1)).await;
    assert_eq!(count(&store, "outbox").await, 2);
    prune(&store, after(90 * DAY_S)).await;
    assert_eq!(count(&store, "outbox").await, 1);
    prune(&store, after(9_000 * DAY_S)).await;
    assert_eq!(count(&store, "outbox").await, 1, "nobody has taken it yet");
}

async fn an_operation_under_way_stays(store: TestStore) {
    world(&store, "mail").await;
    prune(&store, after(400 * DAY_S)).await;
    assert_eq!(count(&store, "operation").await, 1);
}

async fn who_lost_the_lease_deletes_nothing(store: TestStore) {
    let world = world(&store, "mail").await;
    a_run(&store, &world).await;
    let late = after(40 * DAY_S);
    let frozen = store
        .claim(&[Kind::PRUNE], "a", 1, late)
        .await
        .unwrap()
        .remove(0);
    let two = store.claim(&[Kind::PRUNE], "b", 1, late).await.unwrap();
    assert!(two.is_empty(), "one at a time");
    let later = after(40 * DAY_S + 31);
    let taken = store.claim(&[Kind::PRUNE], "b", 1, later).await.unwrap();
    assert_eq!(taken.len(), 1);
    let refused = store.prune(&frozen, Retention::of_days(30), later).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)));
    assert_eq!(count(&store, "outbox").await, 3);
    let gone = store.prune(&taken[0], Retention::of_days(30), later).await;
    assert_eq!(gone.unwrap(), 1);
}

async fn links_and_uploads_go_when_they_have_run_out(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let state = NewOAuthState {
        state: "state",
        body: serde_json::json!({}),
        expires_at: after(600),
    };
    tenant.save_oauth_state(state, after(0)).await.unwrap();
    let upload = NewManifestUpload {
        id: "upload".to_owned(),
        md5: None,
        expires_at: after(600),
    };
    tenant
        .create_manifest_upload(upload, after(0))
        .await
        .unwrap();
    let link = NewInstallLink {
        integration_id: world.integration.id.clone(),
        group_ref: "customer".to_owned(),
        group_name: None,
        consumer_ref: "ada".to_owned(),
        consumer_name: None,
        theme: serde_json::json!({}),
        created_by: "operator".to_owned(),
        expires_at: after(600),
    };
    tenant.create_install_link(link, after(0)).await.unwrap();
    prune(&store, after(600 + DAY_S - 1)).await;
    assert_eq!(counts(&store).await[3..5], [1, 1]);
    assert_eq!(count(&store, "install_link").await, 1);
    prune(&store, after(600 + DAY_S)).await;
    assert_eq!(counts(&store).await[3..5], [0, 0]);
    assert_eq!(count(&store, "install_link").await, 0);
}

#[tokio::test]
async fn a_file_gives_unused_pages_back() {
    let store = testing::sqlite().await;
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let mut noise = vec![0_u8; 10_000_000];
    let mut state = 1_u64;
    for byte in &mut noise {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *byte = state.to_be_bytes()[0];
    }
    let commit = PageCommit {
        messages: vec![message(&world, "operation", MessageBody::Inline(noise))],
        ..page("{}")
    };
    store.commit_page(&lease, commit, after(0)).await.unwrap();
    let pages = async || {
        let db = behind(&store).await;
        let select = "SELECT page_count AS n FROM pragma_page_count";
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), select));
        row.await.unwrap().unwrap().try_get::<i64>("", "n").unwrap()
    };
    let before = pages().await;
    behind(&store)
        .await
        .execute_unprepared("DELETE FROM outbox")
        .await
        .unwrap();
    assert!(store.give_back_pages().await.unwrap());
    while store.give_back_pages().await.unwrap() {}
    let after_it = pages().await;
    assert!(after_it * 2 < before, "{before} pages, then {after_it}");
}

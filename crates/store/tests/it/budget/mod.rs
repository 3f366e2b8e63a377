//! Request budgets, case by case; `model.rs` has the interleavings, `rush.rs`
//! the crowd.

mod line;
mod model;
mod rush;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{
    Account, Ask, Lane, NewInstallation, NewSync, PerLane, ReadType, Refusal, Spend, Store, ids,
};
use testing::TestStore;

use crate::fixture::{NOW, after, new_connection, new_revision, project};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

testing::both!(
    spends_exactly_the_limit_at_once,
    rolls_with_the_window,
    each_lane_keeps_its_floor,
    a_gate_closes_the_bucket_and_opens_slowly,
    without_a_limit_only_the_gate_counts,
    near_the_limit_only_reads_slow_down,
    a_restart_forgets_nothing,
    a_call_that_leaves_late_counts_from_then,
);

/// A wish to call on a bucket, of the whole limit where nobody else is.
pub(crate) fn ask(bucket: &str, limit: u32, lane: Lane) -> Ask<'_> {
    Ask {
        account: Account {
            bucket,
            limit,
            window: MINUTE,
            provider: "bitbucket",
            group: "repositories",
            provider_app_id: None,
            connection_id: None,
        },
        lane,
        installation_id: None,
        with_pass: false,
    }
}

/// Spends until there is no room; returns how often.
async fn drain(store: &Store, ask: &Ask<'_>, now: Timestamp) -> u32 {
    let mut granted = 0;
    while store.spend(ask, now).await.unwrap() == Spend::Granted {
        granted += 1;
    }
    granted
}

async fn used(store: &Store, bucket: &str, now: Timestamp) -> PerLane {
    let budgets = store.budget_snapshot(now).await.unwrap();
    budgets.iter().find(|b| b.bucket == bucket).unwrap().used
}

/// Installations, each with as many objects to read now. Returns their ids.
pub(crate) async fn installations(
    store: &Store,
    count: usize,
    objects: usize,
    run: ReadType,
) -> Vec<String> {
    let (_, scope) = project(store, &ids::new()).await;
    let tenant = store.within(&scope);
    tenant.upsert_consumer("ada", None, NOW).await.unwrap();
    let revisions = vec![new_revision("sync", json!({}))];
    let integration = tenant
        .deploy(revisions, false, NOW)
        .await
        .unwrap()
        .remove(0);
    let mut all = Vec::new();
    for n in 0..count {
        let group = format!("group {n}");
        tenant.upsert_group(&group, None, NOW).await.unwrap();
        let connection = new_connection(&group, None);
        let connection = tenant.upsert_connection(connection, NOW).await.unwrap();
        let objects = (0..objects).map(|n| NewSync {
            object_name: format!("object {n}"),
            run: Some(run),
            since: None,
            watermark: None,
            due_at: None,
        });
        let new = NewInstallation {
            integration_id: integration.id.clone(),
            revision_id: integration.latest_revision.id.clone(),
            planned_by: integration.latest_revision.id.clone(),
            connection_id: connection.id,
            group_ref: group,
            created_by: "operator".to_owned(),
            config: json!({}),
            objects: objects.collect(),
        };
        let installation = tenant.install(new, NOW).await.unwrap();
        all.push(installation.id);
    }
    all
}

async fn spends_exactly_the_limit_at_once(store: TestStore) {
    let spenders = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let ask = ask("shared", 50, Lane::Interactive);
            let mut granted = 0;
            for _ in 0..10 {
                match store.spend(&ask, after(0)).await.unwrap() {
                    Spend::Granted => granted += 1,
                    Spend::Full { .. } => {}
                    Spend::Blocked { .. } => panic!("nobody has closed the bucket"),
                }
            }
            granted
        })
    });
    let mut granted = 0;
    for spender in spenders.collect::<Vec<_>>() {
        granted += spender.await.unwrap();
    }
    assert_eq!(granted, 50);
    assert_eq!(used(&store, "shared", after(0)).await.total(), 50);
    let other = ask("other", 1, Lane::Backfill);
    assert_eq!(store.spend(&other, after(0)).await.unwrap(), Spend::Granted);
}

async fn rolls_with_the_window(store: TestStore) {
    let three = ask("b", 3, Lane::Scheduled);
    for second in [0, 20, 40] {
        let spent = store.spend(&three, after(second)).await.unwrap();
        assert_eq!(spent, Spend::Granted);
    }
    // Each counts until the last moment of its slot has left the window, and for
    // the second longer that it may have taken to arrive.
    let full = store.spend(&three, after(61)).await.unwrap();
    assert_eq!(full, Spend::Full { until: after(62) });
    assert_eq!(
        store.spend(&three, after(62)).await.unwrap(),
        Spend::Granted
    );
    let full = store.spend(&three, after(63)).await.unwrap();
    assert_eq!(full, Spend::Full { until: after(82) });
    assert_eq!(used(&store, "b", after(82)).await.total(), 2);
    assert_eq!(used(&store, "b", after(999)).await.total(), 0);
    let none = ask("none", 0, Lane::Interactive);
    let none = store.spend(&none, after(0)).await.unwrap();
    assert!(matches!(none, Spend::Full { until } if until > after(0)));
}

async fn each_lane_keeps_its_floor(store: TestStore) {
    // Nobody waits: reads may use all but the tenth of those who cannot say
    // beforehand that they will call; and they may use everything.
    assert_eq!(
        drain(&store, &ask("a", 100, Lane::Scheduled), after(0)).await,
        90
    );
    assert_eq!(
        drain(&store, &ask("a", 100, Lane::Backfill), after(0)).await,
        0
    );
    assert_eq!(
        drain(&store, &ask("a", 100, Lane::Interactive), after(0)).await,
        10
    );
    assert_eq!(
        drain(&store, &ask("b", 100, Lane::Interactive), after(0)).await,
        100
    );

    // A backfill waits for its bucket: a fifth is now out of the others' reach.
    installations(&store, 1, 1, ReadType::Backfill).await;
    let lease = crate::fixture::claim(&store, "a", after(0)).await;
    let c = ask("c", 100, Lane::Backfill);
    drain(&store, &ask("c", 100, Lane::Interactive), after(0)).await;
    assert!(matches!(
        store.spend(&c, after(0)).await.unwrap(),
        Spend::Full { .. }
    ));
    store
        .wait_for_budget(&lease, "c", Lane::Backfill, after(0))
        .await
        .unwrap();
    // What leaves the window goes to the backfill first, up to its fifth.
    let interactive = ask("c", 100, Lane::Interactive);
    assert_eq!(drain(&store, &interactive, after(62)).await, 80);
    let leases = store
        .claim(&[store::Kind::READ], "a", 9, after(62))
        .await
        .unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].passes, 5, "a few calls at a time");
}

async fn a_gate_closes_the_bucket_and_opens_slowly(store: TestStore) {
    let b = ask("b", 100, Lane::Scheduled);
    assert_eq!(store.spend(&b, after(0)).await.unwrap(), Spend::Granted);
    let told = |seconds| Some(SignedDuration::from_secs(seconds));
    let refuse = async |sent, told, at| {
        let refusal = Refusal::new(after(sent), told, 0);
        store.refused(&b.account, refusal, after(at)).await.unwrap()
    };
    assert_eq!(refuse(0, told(30), 1).await, Some(after(31)));
    assert_eq!(
        refuse(0, told(10), 2).await,
        Some(after(31)),
        "a later time wins"
    );
    let blocked = Spend::Blocked { until: after(31) };
    for lane in Lane::ALL {
        let spent = store.spend(&ask("b", 100, lane), after(30)).await.unwrap();
        assert_eq!(spent, blocked);
    }
    // One call tries; the others wait for its answer.
    assert_eq!(store.spend(&b, after(31)).await.unwrap(), Spend::Granted);
    let blocked = Spend::Blocked { until: after(36) };
    assert_eq!(store.spend(&b, after(32)).await.unwrap(), blocked);
    // Refused again without a word: twice the first wait, a sixtieth of the window.
    assert_eq!(refuse(31, None, 33).await, Some(after(35)));
    assert_eq!(store.spend(&b, after(36)).await.unwrap(), Spend::Granted);
    store
        .answered(&b.account, after(0), None, after(37))
        .await
        .unwrap();
    assert!(matches!(
        store.spend(&b, after(37)).await.unwrap(),
        Spend::Blocked { .. }
    ));
    store
        .answered(&b.account, after(36), None, after(37))
        .await
        .unwrap();
    for _ in 0..5 {
        assert_eq!(store.spend(&b, after(37)).await.unwrap(), Spend::Granted);
    }
    let snapshot = store.budget_snapshot(after(37)).await.unwrap().remove(0);
    assert_eq!((snapshot.strikes, snapshot.blocked_until), (0, None));
}

async fn without_a_limit_only_the_gate_counts(store: TestStore) {
    let b = ask("b", u32::MAX, Lane::Backfill);
    for _ in 0..100 {
        assert_eq!(store.spend(&b, after(0)).await.unwrap(), Spend::Granted);
    }
    let refusal = Refusal::new(after(0), Some(SignedDuration::from_secs(9)), 0);
    store.refused(&b.account, refusal, after(1)).await.unwrap();
    let blocked = Spend::Blocked { until: after(10) };
    assert_eq!(store.spend(&b, after(2)).await.unwrap(), blocked);
    assert_eq!(store.spend(&b, after(10)).await.unwrap(), Spend::Granted);
    store
        .answered(&b.account, after(10), None, after(11))
        .await
        .unwrap();
    assert_eq!(store.spend(&b, after(11)).await.unwrap(), Spend::Granted);
    let snapshot = store.budget_snapshot(after(11)).await.unwrap().remove(0);
    assert_eq!((snapshot.limit, snapshot.used.total()), (None, 0));
}

async fn near_the_limit_only_reads_slow_down(store: TestStore) {
    let read = ask("b", 60, Lane::Scheduled);
    assert_eq!(store.spend(&read, after(0)).await.unwrap(), Spend::Granted);
    store
        .answered(&read.account, after(0), Some(true), after(0))
        .await
        .unwrap();
    assert_eq!(store.spend(&read, after(0)).await.unwrap(), Spend::Granted);
    // A quarter of the rate of one a second.
    let full = Spend::Full { until: after(4) };
    assert_eq!(store.spend(&read, after(1)).await.unwrap(), full);
    let person = ask("b", 60, Lane::Interactive);
    for _ in 0..10 {
        assert_eq!(
            store.spend(&person, after(1)).await.unwrap(),
            Spend::Granted
        );
    }
    assert_eq!(store.spend(&read, after(4)).await.unwrap(), Spend::Granted);
    store
        .answered(&read.account, after(4), Some(false), after(4))
        .await
        .unwrap();
    assert_eq!(store.spend(&read, after(4)).await.unwrap(), Spend::Granted);
}

async fn a_restart_forgets_nothing(store: TestStore) {
    let b = ask("b", 10, Lane::Interactive);
    assert_eq!(drain(&store, &b, after(0)).await, 10);
    let store = store.reopen().await;
    assert_eq!(drain(&store, &b, after(61)).await, 0);
    assert_eq!(drain(&store, &b, after(62)).await, 10);
}

async fn a_call_that_leaves_late_counts_from_then(store: TestStore) {
    let two = ask("b", 2, Lane::Backfill);
    assert_eq!(drain(&store, &two, after(0)).await, 2);
    let anew = async |from, at| {
        let anew = store.count_anew(&two.account, Lane::Backfill, after(from), after(at));
        anew.await.unwrap()
    };
    assert!(anew(0, 10).await);
    assert_eq!(
        used(&store, "b", after(10)).await.total(),
        2,
        "it is one call still"
    );
    assert_eq!(drain(&store, &two, after(62)).await, 1);
    assert_eq!(drain(&store, &two, after(71)).await, 0);
    assert_eq!(drain(&store, &two, after(72)).await, 1);
    assert!(!anew(0, 99).await, "that one has left the window");
}

//! Waiting in line: who is called up, how many, in which order; and that nobody
//! is forgotten there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{Kind, Lane, Lease, ReadType, Spend, Store, StoreError};
use testing::TestStore;

use super::{ask, drain, installations};
use crate::fixture::{after, claim};

testing::both!(
    about_as_many_wake_as_can_call,
    each_installation_has_its_turn,
    scheduled_reads_go_first,
    a_newcomer_goes_to_the_end,
    a_poke_does_not_jump_the_line,
    promises_lapse_and_are_given_back,
    who_is_gone_holds_nobody_up,
    a_zombie_cannot_stand_in_line,
);

const LIMIT: u32 = 60;

/// Puts everything that is due in line for a full bucket.
async fn all_wait(store: &Store, lane: Lane, now: Timestamp) -> usize {
    let mut all = 0;
    loop {
        let leases = store.claim(&[Kind::READ], "a", 500, now).await.unwrap();
        if leases.is_empty() {
            return all;
        }
        for lease in leases {
            let spent = store.spend(&ask("b", LIMIT, lane), now).await.unwrap();
            assert!(matches!(spent, Spend::Full { .. }), "{spent:?}");
            store.wait_for_budget(&lease, "b", lane, now).await.unwrap();
            all += 1;
        }
    }
}

/// Uses up the bucket, a call a second.
async fn fill(store: &Store) {
    for second in 0..i64::from(LIMIT) {
        let person = ask("b", LIMIT, Lane::Interactive);
        let spent = store.spend(&person, after(second)).await.unwrap();
        assert_eq!(spent, Spend::Granted);
    }
}

async fn called_up(store: &Store, now: Timestamp) -> Vec<Lease> {
    store.claim(&[Kind::READ], "a", 500, now).await.unwrap()
}

async fn about_as_many_wake_as_can_call(store: TestStore) {
    installations(&store, 40, 10, ReadType::Scheduled).await;
    fill(&store).await;
    assert_eq!(all_wait(&store, Lane::Scheduled, after(60)).await, 400);
    assert!(
        called_up(&store, after(60)).await.is_empty(),
        "nothing is free"
    );
    // Every second a call leaves the window.
    let mut woken = 0;
    for second in 62..92 {
        let leases = called_up(&store, after(second)).await;
        assert!(leases.len() <= 1, "{} woke at {second}", leases.len());
        woken += leases.len();
    }
    assert_eq!(woken, 30);
    let waiting = store.budget_snapshot(after(92)).await.unwrap()[0].waiting;
    assert_eq!(waiting.scheduled, 370);
}

async fn each_installation_has_its_turn(store: TestStore) {
    let greedy = installations(&store, 1, 12, ReadType::Backfill).await;
    let modest = installations(&store, 1, 1, ReadType::Backfill).await;
    fill(&store).await;
    all_wait(&store, Lane::Backfill, after(60)).await;
    let mut calls: BTreeMap<String, i64> = BTreeMap::new();
    for second in 62..152 {
        for lease in called_up(&store, after(second)).await {
            let subject = store.read_subject(&lease).await.unwrap();
            for _ in 0..lease.passes {
                let mut ask = ask("b", LIMIT, Lane::Backfill);
                ask.with_pass = true;
                let spent = store.spend(&ask, after(second)).await.unwrap();
                assert_eq!(spent, Spend::Granted, "what was promised is kept");
                *calls.entry(subject.installation.id.clone()).or_default() += 1;
            }
            let now = after(second);
            store
                .wait_for_budget(&lease, "b", Lane::Backfill, now)
                .await
                .unwrap();
        }
    }
    let (greedy, modest) = (calls[&greedy[0]], calls[&modest[0]]);
    assert!(greedy + modest > 50, "{calls:?}");
    assert!((greedy - modest).abs() <= 1, "{calls:?}");
}

async fn scheduled_reads_go_first(store: TestStore) {
    installations(&store, 1, 3, ReadType::Backfill).await;
    fill(&store).await;
    all_wait(&store, Lane::Backfill, after(60)).await;
    installations(&store, 1, 3, ReadType::Scheduled).await;
    all_wait(&store, Lane::Scheduled, after(61)).await;
    let mut lanes = Vec::new();
    for second in 62..122 {
        for lease in called_up(&store, after(second)).await {
            lanes.push(lease.lane);
            // Each reads for good, so each call uses one up.
            let lane = if lease.lane == store::SCHEDULED {
                Lane::Scheduled
            } else {
                Lane::Backfill
            };
            let mut ask = ask("b", LIMIT, lane);
            ask.with_pass = true;
            assert_eq!(
                store.spend(&ask, after(second)).await.unwrap(),
                Spend::Granted
            );
            store
                .wait_for_budget(&lease, "b", lane, after(second))
                .await
                .unwrap();
        }
    }
    let backfills = lanes
        .iter()
        .filter(|lane| **lane == store::BACKFILL)
        .count();
    // As people's calls leave the window their tenth becomes theirs again; a fifth
    // goes to backfills, the rest to what goes first.
    assert_eq!((lanes.len(), backfills), (54, 12), "{lanes:?}");
}

async fn a_newcomer_goes_to_the_end(store: TestStore) {
    installations(&store, 2, 1, ReadType::Scheduled).await;
    fill(&store).await;
    all_wait(&store, Lane::Scheduled, after(60)).await;
    // There is room, but not for one who has just come.
    let newcomer = ask("b", LIMIT, Lane::Scheduled);
    let spent = store.spend(&newcomer, after(80)).await.unwrap();
    assert!(matches!(spent, Spend::Full { .. }));
    let behind = store
        .spend(&ask("b", LIMIT, Lane::Backfill), after(80))
        .await;
    assert!(matches!(behind.unwrap(), Spend::Full { .. }));
    assert_eq!(called_up(&store, after(80)).await.len(), 2);
    // 19 are free, and what is promised of them is out of reach.
    let rest = drain(&store, &newcomer, after(80)).await;
    assert_eq!(rest, 19 - 10);
}

async fn a_poke_does_not_jump_the_line(store: TestStore) {
    installations(&store, 1, 1, ReadType::Scheduled).await;
    fill(&store).await;
    let lease = claim(&store, "a", after(60)).await;
    assert_eq!((lease.attempts, lease.passes), (1, 0));
    store
        .wait_for_budget(&lease, "b", Lane::Scheduled, after(60))
        .await
        .unwrap();
    store
        .poke(Kind::READ, &lease.subject_id, after(61))
        .await
        .unwrap();
    assert!(called_up(&store, after(61)).await.is_empty());
    let again = claim(&store, "a", after(70)).await;
    // Waiting was no attempt.
    assert_eq!((again.attempts, again.passes), (1, 5));
    store
        .finish(&again, Some(after(71)), after(70))
        .await
        .unwrap();
    assert_eq!(claim(&store, "a", after(71)).await.passes, 0);
}

async fn promises_lapse_and_are_given_back(store: TestStore) {
    installations(&store, 2, 1, ReadType::Scheduled).await;
    fill(&store).await;
    all_wait(&store, Lane::Scheduled, after(60)).await;
    // The first call has left the window.
    let first = claim(&store, "a", after(62)).await;
    assert_eq!(first.passes, 1);
    assert!(called_up(&store, after(62)).await.is_empty());
    let account = ask("b", LIMIT, Lane::Scheduled).account;
    store
        .give_back(&account, Lane::Scheduled, 1, after(62))
        .await
        .unwrap();
    let second = claim(&store, "a", after(62)).await;
    assert_ne!(second.subject_id, first.subject_id);
    // Whoever holds it is dead: the promise lapses, and the other may call.
    let free = drain(&store, &ask("b", LIMIT, Lane::Scheduled), after(91)).await;
    assert_eq!(free, 29, "30 have left the window, and one is promised");
    let free = drain(&store, &ask("b", LIMIT, Lane::Scheduled), after(92)).await;
    assert_eq!(free, 2);
}

async fn who_is_gone_holds_nobody_up(store: TestStore) {
    installations(&store, 3, 1, ReadType::Scheduled).await;
    fill(&store).await;
    all_wait(&store, Lane::Scheduled, after(60)).await;
    let behind = crate::fixture::behind(&store).await;
    use sea_orm::ConnectionTrait as _;
    behind.execute_unprepared("DELETE FROM work").await.unwrap();
    assert!(called_up(&store, after(90)).await.is_empty());
    let waiting = store.budget_snapshot(after(90)).await.unwrap()[0].waiting;
    assert_eq!(waiting.total(), 0);
    let spent = store
        .spend(&ask("b", LIMIT, Lane::Scheduled), after(90))
        .await;
    assert_eq!(spent.unwrap(), Spend::Granted);
}

async fn a_zombie_cannot_stand_in_line(store: TestStore) {
    installations(&store, 1, 1, ReadType::Scheduled).await;
    fill(&store).await;
    let lapsed = claim(&store, "a", after(60)).await;
    claim(&store, "b", after(90)).await;
    let late = store
        .wait_for_budget(&lapsed, "b", Lane::Scheduled, after(91))
        .await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));
    let waiting = store.budget_snapshot(after(91)).await.unwrap()[0].waiting;
    assert_eq!(waiting.total(), 0);
}

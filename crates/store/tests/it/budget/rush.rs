//! A crowd under a budget that lets one call in five through, on a clock of its
//! own: a long backfill, many scheduled reads, people who call now and then, and
//! a second backfill that comes later. Nobody starves, the provider never
//! refuses, and nobody wakes for nothing.
//!
//! The same with a real server, its workers and the provider's look-alike, and
//! larger, is `cargo run -p bench --bin budget`.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use store::{Kind, Lane, Lease, ReadType, Spend, Store};
use testing::TestStore;

use super::{MINUTE, ask, installations};
use crate::fixture::after;

const LIMIT: u32 = 100;
const BACKFILL_PAGES: u32 = 500;
const READS: usize = 100;
const READ_PAGES: u32 = 2;
/// Pages in one turn of the engine.
const TURN: u32 = 25;
const CLAIMS: u32 = 16;

#[derive(Default)]
struct Rush {
    left: BTreeMap<String, u32>,
    /// When each installation made its first call.
    begun: BTreeMap<String, Timestamp>,
    ended: BTreeMap<String, Timestamp>,
    arrived: VecDeque<Timestamp>,
    backfilled: Vec<Timestamp>,
    refused: u32,
    by_lane: BTreeMap<&'static str, u32>,
    /// Claims that could not make a single call.
    in_vain: u32,
    claims: u32,
}

impl Rush {
    /// The provider's own count.
    fn call(&mut self, lane: Lane, now: Timestamp) {
        while self.arrived.front().is_some_and(|at| *at <= now - MINUTE) {
            self.arrived.pop_front();
        }
        if self.arrived.len() >= LIMIT as usize {
            self.refused += 1;
        }
        self.arrived.push_back(now);
        if lane == Lane::Backfill {
            self.backfilled.push(now);
        }
        *self.by_lane.entry(lane.as_str()).or_default() += 1;
    }

    async fn turn(&mut self, store: &Store, lease: &Lease, now: Timestamp) {
        self.claims += 1;
        let is_backfill = lease.lane == store::BACKFILL;
        let lane = if is_backfill {
            Lane::Backfill
        } else {
            Lane::Scheduled
        };
        let pages = if is_backfill {
            BACKFILL_PAGES
        } else {
            READ_PAGES
        };
        let id = &lease.subject_id;
        let subject = store.read_subject(lease).await.unwrap();
        let mut left = *self.left.entry(id.clone()).or_insert(pages);
        let mut passes = lease.passes;
        let before = left;
        for _ in 0..TURN {
            let mut ask = ask("b", LIMIT, lane);
            ask.with_pass = passes > 0;
            passes = passes.saturating_sub(1);
            if store.spend(&ask, now).await.unwrap() != Spend::Granted {
                self.in_vain += u32::from(left == before);
                self.left.insert(id.clone(), left);
                store.wait_for_budget(lease, "b", lane, now).await.unwrap();
                return;
            }
            self.call(lane, now);
            self.begun
                .entry(subject.installation.id.clone())
                .or_insert(now);
            left -= 1;
            if left == 0 {
                break;
            }
        }
        self.left.insert(id.clone(), left);
        if passes > 0 {
            let account = ask("b", LIMIT, lane).account;
            store.give_back(&account, lane, passes, now).await.unwrap();
        }
        let next = (left > 0).then_some(now);
        if left == 0 {
            self.ended.insert(id.clone(), now);
        }
        store.finish(lease, next, now).await.unwrap();
    }
}

async fn nobody_starves(stores: &[Store]) {
    let store = &stores[0];
    installations(store, 1, 1, ReadType::Backfill).await;
    let mut rush = Rush::default();
    let mut late = None;
    let mut second: u32 = 0;
    while rush.ended.len() < READS * 3 + 2 {
        second += 1;
        assert!(
            second < 1_500,
            "it does not end: {:?} {:?}",
            rush.by_lane,
            rush.left
        );
        let now = after(i64::from(second));
        // Every two minutes all scheduled reads are due.
        if second % 120 == 10 && second < 360 {
            installations(store, READS, 1, ReadType::Scheduled).await;
        }
        if second == 100 {
            let backfill = installations(store, 1, 1, ReadType::Backfill).await;
            late = Some((backfill[0].clone(), now));
        }
        // Somebody looks at a page now and then.
        if second.is_multiple_of(8) {
            let person = ask("b", LIMIT, Lane::Interactive);
            let spent = store.spend(&person, now).await.unwrap();
            assert_eq!(spent, Spend::Granted, "a person waits at {second}");
            rush.call(Lane::Interactive, now);
        }
        let node = &stores[second as usize % stores.len()];
        let leases = node
            .claim(&[Kind::READ], "node", CLAIMS, now)
            .await
            .unwrap();
        for lease in &leases {
            rush.turn(node, lease, now).await;
        }
    }
    assert_eq!(rush.refused, 0, "the provider refused calls");
    // While scheduled reads wait, backfills have their fifth in each window.
    let (begin, end) = (after(62), after(186));
    let kept = rush
        .backfilled
        .iter()
        .filter(|at| (begin..end).contains(*at));
    let kept = kept.count();
    let seconds = rush
        .backfilled
        .iter()
        .map(|at| at.duration_since(after(0)).as_secs());
    assert!(
        kept >= 35,
        "{kept} of 40: {:?}",
        seconds.collect::<Vec<_>>()
    );
    // Each stands in line once when it comes, and once for each few calls.
    let calls: u32 = rush.by_lane.values().sum();
    assert!(
        rush.in_vain <= 320,
        "{} of {} woke in vain",
        rush.in_vain,
        rush.claims
    );
    assert!(
        rush.claims <= calls,
        "{} claims for {calls} calls",
        rush.claims
    );
    // The second backfill did not wait for the first to end.
    let (late, came) = late.unwrap();
    let waited = rush.begun[&late].duration_since(came);
    assert!(waited <= SignedDuration::from_secs(30), "{waited}");
}

#[tokio::test]
async fn nobody_starves_on_sqlite() {
    let store = testing::sqlite().await;
    nobody_starves(&[Store::clone(&store)]).await;
}

#[tokio::test]
async fn nobody_starves_on_three_nodes() {
    let Some(first): Option<TestStore> = testing::postgres().await else {
        return;
    };
    let mut stores = vec![Store::clone(&first)];
    for _ in 0..2 {
        let settings = first.settings.clone();
        stores.push(Store::open(settings, testing::START).await.unwrap());
    }
    nobody_starves(&stores).await;
}

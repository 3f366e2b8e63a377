//! Random interleavings of several nodes whose clocks differ, whose calls take
//! their time to arrive and who die with promises in hand: the provider, who
//! counts for itself, never sees more calls in a window than it allows. And what
//! is kept for a lane can be had there.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Kind, Lane, Lease, ReadType, Spend, Store};
use testing::TestStore;

use super::{MINUTE, ask, installations};
use crate::fixture::after;

const LIMIT: u32 = 40;
const NODES: usize = 3;
const ROWS: usize = 6;
/// How far the clocks of two nodes are apart at most, and how long a call takes
/// to arrive at most. Together less than the margin of a second.
const APART_MS: i64 = 400;
const TRAVEL_MS: i64 = 500;

#[derive(Debug, Clone)]
enum Step {
    /// Some calls of a person.
    Call {
        node: usize,
        calls: u32,
    },
    /// Some pages of each row that can be had.
    Turn {
        node: usize,
        n: u32,
        pages: u32,
        dies: bool,
    },
    Pass {
        ms: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = 0..NODES;
    let step = prop_oneof![
        2 => (node.clone(), 1..30_u32).prop_map(|(node, calls)| Step::Call { node, calls }),
        5 => (node, 1..4_u32, 1..12_u32, prop::bool::weighted(0.1))
            .prop_map(|(node, n, pages, dies)| Step::Turn { node, n, pages, dies }),
        5 => (0..9_000_i64).prop_map(|ms| Step::Pass { ms }),
    ];
    prop::collection::vec(step, 1..60)
}

/// The provider, as the published limit has it.
#[derive(Default)]
struct Provider {
    arrived: VecDeque<Timestamp>,
}

impl Provider {
    fn receive(&mut self, at: Timestamp) {
        self.arrived.push_back(at);
        self.arrived.make_contiguous().sort();
    }

    /// Most calls in any window.
    fn most(&self) -> usize {
        let arrived: Vec<Timestamp> = self.arrived.iter().copied().collect();
        let within = |end: &Timestamp| {
            let begin = *end - MINUTE;
            arrived
                .iter()
                .filter(|at| **at > begin && *at <= end)
                .count()
        };
        arrived.iter().map(within).max().unwrap_or(0)
    }
}

struct Nodes<'a> {
    stores: &'a [Store],
    bucket: String,
    now: Timestamp,
    provider: Provider,
    calls: i64,
}

impl Nodes<'_> {
    fn store(&self, node: usize) -> &Store {
        &self.stores[node % self.stores.len()]
    }

    /// The time as a node has it.
    fn clock(&self, node: usize) -> Timestamp {
        let apart = APART_MS * i64::try_from(node).unwrap() / 2;
        self.now + SignedDuration::from_millis(apart)
    }

    async fn spend(&mut self, node: usize, lane: Lane, with_pass: bool) -> bool {
        let mut ask = ask(&self.bucket, LIMIT, lane);
        ask.with_pass = with_pass;
        let spent = self
            .store(node)
            .spend(&ask, self.clock(node))
            .await
            .unwrap();
        let granted = spent == Spend::Granted;
        if granted {
            self.calls += 1;
            let travel = (self.calls * 137) % TRAVEL_MS;
            self.provider
                .receive(self.now + SignedDuration::from_millis(travel));
        }
        granted
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Pass { ms } => self.now += SignedDuration::from_millis(*ms),
            Step::Call { node, calls } => {
                for _ in 0..*calls {
                    self.spend(*node, Lane::Interactive, false).await;
                }
            }
            Step::Turn {
                node,
                n,
                pages,
                dies,
            } => {
                let (owner, now) = (format!("node {node}"), self.clock(*node));
                let claimed = self.store(*node).claim(&[Kind::READ], &owner, *n, now);
                for lease in claimed.await.unwrap() {
                    if !dies {
                        self.turn(*node, &lease, *pages).await;
                    }
                }
            }
        }
    }

    async fn turn(&mut self, node: usize, lease: &Lease, pages: u32) {
        let lane = if lease.lane == store::BACKFILL {
            Lane::Backfill
        } else {
            Lane::Scheduled
        };
        let mut passes = lease.passes;
        for _ in 0..pages {
            if !self.spend(node, lane, passes > 0).await {
                let now = self.clock(node);
                let waits = self
                    .store(node)
                    .wait_for_budget(lease, &self.bucket, lane, now);
                waits.await.unwrap();
                return;
            }
            passes = passes.saturating_sub(1);
        }
        let now = self.clock(node);
        let store = self.store(node);
        if passes > 0 {
            let account = ask(&self.bucket, LIMIT, lane).account;
            store.give_back(&account, lane, passes, now).await.unwrap();
        }
        store.finish(lease, Some(now), now).await.unwrap();
    }

    /// Whatever went before: after two windows of quiet everyone in line has
    /// been called up and calls again, on whichever node.
    async fn nobody_is_left(&mut self) {
        let mut called = std::collections::BTreeSet::new();
        for second in 0..150 {
            self.now += SignedDuration::from_secs(1);
            let node = second % NODES;
            let now = self.clock(node);
            let leases = self
                .store(node)
                .claim(&[Kind::READ], "last", 99, now)
                .await
                .unwrap();
            for lease in leases {
                let lane = if lease.lane == store::BACKFILL {
                    Lane::Backfill
                } else {
                    Lane::Scheduled
                };
                if self.spend(node, lane, lease.passes > 0).await {
                    called.insert(lease.subject_id.clone());
                    self.store(node).finish(&lease, None, now).await.unwrap();
                } else {
                    let waits = self
                        .store(node)
                        .wait_for_budget(&lease, &self.bucket, lane, now);
                    waits.await.unwrap();
                }
            }
        }
        assert_eq!(called.len(), ROWS, "somebody was forgotten in line");
    }
}

async fn holds(stores: &[Store], steps: &[Step]) {
    let store = &stores[0];
    // A case that failed may have left something behind.
    let behind = store
        .claim(&[Kind::READ], "sweep", 999, after(99_999))
        .await
        .unwrap();
    for lease in behind {
        store.finish(&lease, None, after(99_999)).await.unwrap();
    }
    installations(store, ROWS / 3, 1, ReadType::Backfill).await;
    installations(store, ROWS / 3, 2, ReadType::Scheduled).await;
    let mut nodes = Nodes {
        stores,
        bucket: store::ids::new(),
        now: after(0),
        provider: Provider::default(),
        calls: 0,
    };
    for step in steps {
        nodes.step(step).await;
    }
    nodes.nobody_is_left().await;
    let most = nodes.provider.most();
    assert!(most <= LIMIT as usize, "{most} calls in one window");
}

fn check(open: impl Future<Output = Option<(TestStore, Vec<Store>)>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let Some((_keep, stores)) = runtime.block_on(open) else {
        return;
    };
    let config = Config {
        cases: 16,
        max_shrink_iters: 8,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(holds(&stores, &steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn interleavings_on_sqlite() {
    check(async {
        let store = testing::sqlite().await;
        let only = Store::clone(&store);
        Some((store, vec![only]))
    });
}

#[test]
fn interleavings_on_postgres() {
    check(async {
        let first = testing::postgres().await?;
        let mut stores = vec![Store::clone(&first)];
        for _ in 1..NODES {
            let settings = first.settings.clone();
            stores.push(Store::open(settings, testing::START).await.unwrap());
        }
        Some((first, stores))
    });
}

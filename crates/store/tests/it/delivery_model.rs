//! Random interleavings of two senders on one destination that wants order, with
//! failures, freezes and crashes: what the receiver sees is in order, one at a
//! time, and everything is settled in the end.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{DeliveryOutcome, Lease, OutboxMessage};
use testing::TestStore;

use crate::delivery::{destination, put, result, to};
use crate::fixture::{World, after, claim, world};

const SENDERS: usize = 2;
const MESSAGES: usize = 4;
/// Attempts after which a message is given up.
const ATTEMPTS: i32 = 3;
/// How long an attempt may take, and for how long a claim must still hold.
const TIME_OUT_S: i64 = 15;
const MUST_HOLD: SignedDuration = SignedDuration::from_secs(20);

#[derive(Debug, Clone)]
enum Step {
    Claim {
        sender: usize,
    },
    /// Sends what it has claimed, unless the claim has passed on meanwhile.
    Send {
        sender: usize,
        taken: bool,
    },
    Acknowledge {
        sender: usize,
    },
    /// The sender forgets everything, like a process that was killed.
    Crash {
        sender: usize,
    },
    /// Time passes for all; whoever did nothing was frozen.
    Pass {
        seconds: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sender = 0..SENDERS;
    let step = prop_oneof![
        5 => sender.clone().prop_map(|sender| Step::Claim { sender }),
        5 => (sender.clone(), any::<bool>()).prop_map(|(sender, taken)| Step::Send { sender, taken }),
        4 => sender.clone().prop_map(|sender| Step::Acknowledge { sender }),
        1 => sender.prop_map(|sender| Step::Crash { sender }),
        4 => (1..70_i64).prop_map(|seconds| Step::Pass { seconds }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a sender is about.
#[derive(Debug, Clone)]
enum Doing {
    Nothing,
    Claimed(OutboxMessage),
    Sent(OutboxMessage, bool),
}

struct Model<'a> {
    store: &'a TestStore,
    now_s: i64,
    ids: Vec<String>,
    doing: Vec<Doing>,
    /// What the receiver has seen: places in the order, and when.
    seen: Vec<(usize, i64)>,
    /// The attempt that may still be under way: when it ends at the latest.
    under_way_until: Option<i64>,
}

impl Model<'_> {
    fn now(&self) -> Timestamp {
        after(self.now_s)
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Claim { sender } => self.claim(*sender).await,
            Step::Send { sender, taken } => self.send(*sender, *taken).await,
            Step::Acknowledge { sender } => self.acknowledge(*sender).await,
            Step::Crash { sender } => self.doing[*sender] = Doing::Nothing,
            Step::Pass { seconds } => self.now_s += seconds,
        }
    }

    async fn claim(&mut self, sender: usize) {
        if !matches!(self.doing[sender], Doing::Nothing) {
            return;
        }
        let owner = format!("sender {sender}");
        let claimed = self.store.claim_messages(&owner, 9, self.now()).await;
        let mut claimed = claimed.unwrap().messages;
        assert!(claimed.len() <= 1, "one at a time");
        if let Some(message) = claimed.pop() {
            self.doing[sender] = Doing::Claimed(message);
        }
    }

    async fn send(&mut self, sender: usize, taken: bool) {
        let Doing::Claimed(message) = self.doing[sender].clone() else {
            return;
        };
        let holds = self
            .store
            .claim_holds(&message, MUST_HOLD, self.now())
            .await;
        if !holds.unwrap() {
            self.doing[sender] = Doing::Nothing;
            return;
        }
        let place = self.ids.iter().position(|id| *id == message.id).unwrap();
        if let Some((last, _)) = self.seen.last() {
            assert!(place >= *last, "{place} after {last}: {:?}", self.seen);
        }
        let until = self.under_way_until;
        assert!(
            until.is_none_or(|until| until <= self.now_s),
            "two under way: {:?}",
            self.seen
        );
        self.seen.push((place, self.now_s));
        self.under_way_until = Some(self.now_s + TIME_OUT_S);
        self.doing[sender] = Doing::Sent(message, taken);
    }

    async fn acknowledge(&mut self, sender: usize) {
        let Doing::Sent(message, taken) = self.doing[sender].clone() else {
            return;
        };
        self.doing[sender] = Doing::Nothing;
        let error = "no".to_owned();
        let outcome = if taken {
            DeliveryOutcome::Delivered { status: 200 }
        } else if message.round_attempt >= ATTEMPTS {
            DeliveryOutcome::Dead {
                status: None,
                error,
            }
        } else {
            DeliveryOutcome::Retry {
                at: after(self.now_s + 10),
                status: None,
                error,
            }
        };
        let result = result(&message, self.now_s, outcome);
        self.store.acknowledge(&[result], self.now()).await.unwrap();
        // If this was the last attempt to begin, it is over.
        if self
            .seen
            .last()
            .is_some_and(|(place, _)| self.ids[*place] == message.id)
        {
            self.under_way_until = None;
        }
    }

    /// Goes on with one sender until nothing is due any more.
    async fn drain(mut self, world: &World) {
        for doing in &mut self.doing {
            *doing = Doing::Nothing;
        }
        for _ in 0..MESSAGES * 3 {
            self.now_s += 100;
            self.claim(0).await;
            self.send(0, true).await;
            self.acknowledge(0).await;
        }
        let tenant = self.store.within(&world.scope);
        for id in &self.ids {
            let delivery = tenant.delivery(id).await.unwrap();
            assert_ne!(delivery.status.as_str(), "pending", "something was lost");
        }
    }
}

/// A destination of its own for each case.
struct Bench {
    store: TestStore,
    world: World,
    lease: Lease,
    cases: AtomicUsize,
}

impl Bench {
    async fn new(store: TestStore) -> Self {
        let world = world(&store, "mail").await;
        let lease = claim(&store, "reader", after(0)).await;
        Self {
            store,
            world,
            lease,
            cases: AtomicUsize::new(0),
        }
    }

    async fn holds(&self, steps: &[Step]) {
        let (store, world) = (&self.store, &self.world);
        let name = format!("ordered-{}", self.cases.fetch_add(1, Ordering::Relaxed));
        let destination = destination(store, world, &name, true).await;
        let messages = (0..MESSAGES).map(|_| to(world, &destination)).collect();
        let ids = put(store, &self.lease, messages).await;
        let mut model = Model {
            store,
            now_s: 1,
            ids,
            doing: vec![Doing::Nothing; SENDERS],
            seen: Vec::new(),
            under_way_until: None,
        };
        for step in steps {
            model.step(step).await;
        }
        model.drain(world).await;
    }
}

fn check(open: impl Future<Output = Option<TestStore>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let Some(store) = runtime.block_on(open) else {
        return;
    };
    let bench = runtime.block_on(Bench::new(store));
    let config = Config {
        cases: 48,
        // A case that failed leaves messages behind, which the next would meet.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(bench.holds(&steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn order_under_failures_on_sqlite() {
    check(async { Some(testing::sqlite().await) });
}

#[test]
fn order_under_failures_on_postgres() {
    check(testing::postgres());
}

//! Random interleavings of everything that several owners can do to shared
//! work, held against a model of it.
//!
//! A lease is never live twice, whoever lost one can do nothing with it, what
//! is due can be claimed, and epochs and attempts only grow.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Kind, LEASE, Lease, StoreError};
use testing::TestStore;

use crate::fixture::{after, page, subjects};

const SUBJECTS: usize = 3;
const OWNERS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Claim {
        owner: usize,
        n: u32,
    },
    Renew {
        owner: usize,
    },
    Finish {
        owner: usize,
        pick: usize,
        next_s: Option<i64>,
    },
    Commit {
        owner: usize,
        pick: usize,
    },
    Poke {
        subject: usize,
    },
    Pass {
        seconds: i64,
    },
    /// The owner forgets everything, like a process that was killed.
    Crash {
        owner: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let owner = 0..OWNERS;
    let pick = 0..SUBJECTS;
    let step = prop_oneof![
        4 => (owner.clone(), 1..4_u32).prop_map(|(owner, n)| Step::Claim { owner, n }),
        2 => owner.clone().prop_map(|owner| Step::Renew { owner }),
        3 => (owner.clone(), pick.clone(), prop::option::of(0..40_i64))
            .prop_map(|(owner, pick, next_s)| Step::Finish { owner, pick, next_s }),
        2 => (owner.clone(), pick.clone()).prop_map(|(owner, pick)| Step::Commit { owner, pick }),
        2 => pick.prop_map(|subject| Step::Poke { subject }),
        4 => (1..25_i64).prop_map(|seconds| Step::Pass { seconds }),
        1 => owner.prop_map(|owner| Step::Crash { owner }),
    ];
    prop::collection::vec(step, 1..40)
}

/// What a row should be.
#[derive(Debug, Clone, Default)]
struct Row {
    due: Option<Timestamp>,
    held_by: Option<usize>,
    until: Timestamp,
    epoch: i64,
    attempts: i32,
    run_again: bool,
}

struct Model<'a> {
    store: &'a TestStore,
    now: Timestamp,
    rows: BTreeMap<String, Row>,
    /// What each owner believes to hold.
    held: Vec<Vec<Lease>>,
}

impl Model<'_> {
    fn owner(owner: usize) -> String {
        format!("owner {owner}")
    }

    fn free(&self, row: &Row) -> bool {
        row.due.is_some_and(|due| due <= self.now)
            && (row.held_by.is_none() || row.until <= self.now)
    }

    fn still(&self, lease: &Lease) -> bool {
        let row = &self.rows[&lease.subject_id];
        row.held_by.is_some() && row.epoch == lease.epoch
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Claim { owner, n } => self.claim(*owner, *n).await,
            Step::Renew { owner } => self.renew(*owner).await,
            Step::Finish {
                owner,
                pick,
                next_s,
            } => self.finish(*owner, *pick, *next_s).await,
            Step::Commit { owner, pick } => self.commit(*owner, *pick).await,
            Step::Poke { subject } => self.poke(*subject).await,
            Step::Pass { seconds } => self.now += jiff::SignedDuration::from_secs(*seconds),
            Step::Crash { owner } => self.held[*owner].clear(),
        }
    }

    async fn claim(&mut self, owner: usize, n: u32) {
        let free = self.rows.values().filter(|row| self.free(row)).count();
        let name = Self::owner(owner);
        let claimed = self
            .store
            .claim(&[Kind::READ], &name, n, self.now)
            .await
            .unwrap();
        assert_eq!(claimed.len(), free.min(n as usize), "nothing due is lost");
        for lease in claimed {
            let row = self.rows[&lease.subject_id].clone();
            assert!(self.free(&row), "never two live leases: {row:?}");
            assert_eq!(
                (lease.epoch, lease.attempts),
                (row.epoch + 1, row.attempts + 1)
            );
            let row = self.rows.get_mut(&lease.subject_id).unwrap();
            row.held_by = Some(owner);
            row.until = self.now + LEASE;
            row.epoch += 1;
            row.attempts += 1;
            row.run_again = false;
            self.held[owner].push(lease);
        }
    }

    async fn renew(&mut self, owner: usize) {
        let held = self.held[owner].clone();
        let kept = self
            .store
            .renew(&Self::owner(owner), &held, self.now)
            .await
            .unwrap();
        let expected: Vec<Lease> = held.into_iter().filter(|lease| self.still(lease)).collect();
        assert_eq!(kept, expected);
        for lease in &kept {
            self.rows.get_mut(&lease.subject_id).unwrap().until = self.now + LEASE;
        }
        self.held[owner] = kept;
    }

    async fn finish(&mut self, owner: usize, pick: usize, next_s: Option<i64>) {
        let Some(lease) = self.held[owner].get(pick).cloned() else {
            return;
        };
        let next = next_s.map(|seconds| self.now + jiff::SignedDuration::from_secs(seconds));
        let finished = self.store.finish(&lease, next, self.now).await;
        self.held[owner].remove(pick);
        if !self.still(&lease) {
            assert!(
                matches!(finished, Err(StoreError::LeaseLost)),
                "a zombie finished"
            );
            return;
        }
        finished.unwrap();
        let now = self.now;
        let row = self.rows.get_mut(&lease.subject_id).unwrap();
        row.due = if row.run_again { Some(now) } else { next };
        row.held_by = None;
        row.run_again = false;
    }

    async fn commit(&mut self, owner: usize, pick: usize) {
        let Some(lease) = self.held[owner].get(pick).cloned() else {
            return;
        };
        let position = format!("{} {}", lease.epoch, self.now);
        let committed = self
            .store
            .commit_page(&lease, page(&position), self.now)
            .await;
        if self.still(&lease) {
            committed.unwrap();
            self.rows.get_mut(&lease.subject_id).unwrap().attempts = 0;
        } else {
            assert!(
                matches!(committed, Err(StoreError::LeaseLost)),
                "a zombie committed"
            );
        }
    }

    async fn poke(&mut self, subject: usize) {
        let id = self.rows.keys().nth(subject).unwrap().clone();
        self.store.poke(Kind::READ, &id, self.now).await.unwrap();
        let now = self.now;
        let row = self.rows.get_mut(&id).unwrap();
        row.due = Some(row.due.map_or(now, |due| due.min(now)));
        row.run_again = row.held_by.is_some();
    }

    /// Lets every lease lapse and takes what is left: nothing that is due, or
    /// was held by somebody who crashed, is lost.
    async fn drain(mut self) {
        self.now += jiff::SignedDuration::from_hours(1);
        let due = self.rows.values().filter(|row| self.free(row)).count();
        let rest = self
            .store
            .claim(&[Kind::READ], "drain", 99, self.now)
            .await
            .unwrap();
        assert_eq!(rest.len(), due, "nothing due is lost");
        for lease in &rest {
            self.store.finish(lease, None, self.now).await.unwrap();
        }
    }
}

async fn holds(store: &TestStore, steps: &[Step]) {
    let now = after(0);
    // A case that failed may have left something behind.
    let tomorrow = now + jiff::SignedDuration::from_hours(24);
    for lease in store
        .claim(&[Kind::READ], "sweep", 999, tomorrow)
        .await
        .unwrap()
    {
        store.finish(&lease, None, tomorrow).await.unwrap();
    }
    let ids = subjects(store, SUBJECTS).await;
    // The fixture has claimed each once.
    let row = Row {
        due: Some(now),
        epoch: 1,
        attempts: 1,
        ..Row::default()
    };
    let mut model = Model {
        store,
        now,
        rows: ids.into_iter().map(|id| (id, row.clone())).collect(),
        held: vec![Vec::new(); OWNERS],
    };
    for step in steps {
        model.step(step).await;
    }
    model.drain().await;
}

fn check(open: impl Future<Output = Option<TestStore>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let Some(store) = runtime.block_on(open) else {
        return;
    };
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(holds(&store, &steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn interleavings_on_sqlite() {
    check(async { Some(testing::sqlite().await) });
}

#[test]
fn interleavings_on_postgres() {
    check(testing::postgres());
}

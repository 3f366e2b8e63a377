//! Writes: who takes one over, whose is what was found, and what is known again.

use jiff::SignedDuration;
use secrecy::zeroize::Zeroizing;
use serde_json::json;
use store::{
    Accepted, Kind, Lease, LostRecord, NewWrite, OperationStatus, Settled, Settlement, Store,
    StoreError, WriteJob, WriteKey, WriteMode, WriteRecord, WriteState,
};
use testing::TestStore;

use crate::fixture::{NOW, World, after, world};

testing::both!(
    a_write_whose_waiter_is_gone_is_taken_over,
    what_was_made_belongs_to_one_create,
    single_records_gather_until_they_are_begun,
    a_full_write_is_tried_from_then_on,
    only_what_comes_of_sending_is_progress,
    the_same_key_is_the_same_request,
);

type Claimed = (Lease, WriteJob, WriteRecord);

fn create(world: &World, mode: WriteMode) -> NewWrite {
    NewWrite {
        installation_id: world.installation.id.clone(),
        object_name: "hooks".to_owned(),
        named: "hooks".to_owned(),
        action: "create",
        records: vec![Zeroizing::new(b"{}".to_vec())],
        is_batch: false,
        inputs: json!({}),
        mode,
        key: None,
    }
}

/// A new write's operation and its only record.
async fn accepted(store: &Store, world: &World, new: &NewWrite) -> (String, String) {
    let tenant = store.within(&world.scope);
    match tenant.accept_write(new, NOW).await.unwrap() {
        Accepted::New {
            operation_id,
            mut records,
        } => (operation_id, records.remove(0)),
        Accepted::Known { .. } | Accepted::Reused => panic!("it is not new"),
    }
}

async fn claims(store: &Store, seconds: i64) -> Vec<Lease> {
    let now = after(seconds);
    store.claim(&[Kind::WRITE], "a", 10, now).await.unwrap()
}

fn settlement(record: &str, to: Settled) -> Settlement {
    Settlement {
        record: record.to_owned(),
        position: 0,
        to,
    }
}

async fn a_write_whose_waiter_is_gone_is_taken_over(store: TestStore) {
    let world = world(&store, "mail").await;
    let mode = WriteMode::Sync {
        hold_until: after(300),
    };
    let (operation, record) = accepted(&store, &world, &create(&world, mode)).await;
    assert!(claims(&store, 299).await.is_empty());
    let lease = claims(&store, 301).await.remove(0);
    // Whoever had it comes back too late: it is somebody else's to say.
    let made = Settled::Made {
        record_id: "{1}".to_owned(),
        data: None,
    };
    let late = [settlement(&record, made)];
    let late = store.settle_sync(&operation, &late, false, after(302));
    let error = late.await.unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost), "{error}");
    let subject = store.write_subject(&lease, NOW).await.unwrap();
    assert!(subject.job.is_sync);
    assert_eq!(subject.records.len(), 1);
    assert_eq!(subject.records[0].state, WriteState::Lost);
    let failed = Settled::Failed {
        error: "nobody knows".to_owned(),
        raw: None,
    };
    let settled = [settlement(&record, failed)];
    let ended = store.settle_write(&lease, &settled, None, after(303));
    assert!(ended.await.unwrap());
    let tenant = store.within(&world.scope);
    let answer = tenant.write_answer(&operation).await.unwrap();
    assert_eq!(answer.operation.status, OperationStatus::Failure);
    assert_eq!(answer.records[0].error.as_deref(), Some("nobody knows"));
    assert!(claims(&store, 9_000).await.is_empty());
}

/// Whether there is one of these for a lost create, and that was its write's last.
async fn find(store: &Store, (lease, job, record): &Claimed, candidates: &[&str]) -> Option<bool> {
    let candidates = candidates.iter().map(|id| ((*id).to_owned(), None));
    let lost = LostRecord {
        record,
        candidates: candidates.collect(),
    };
    let found = store.claim_lost(lease, job, &lost, after(3)).await;
    found.unwrap()
}

async fn what_was_made_belongs_to_one_create(store: TestStore) {
    let world = world(&store, "mail").await;
    let mode = WriteMode::Async {
        deadline_at: after(3600),
    };
    for _ in 0..2 {
        accepted(&store, &world, &create(&world, mode)).await;
    }
    let mut under_way: Vec<Claimed> = Vec::new();
    for lease in claims(&store, 1).await {
        let subject = store.write_subject(&lease, NOW).await.unwrap();
        let record = subject.records[0].clone();
        let ids = [record.id.as_str()];
        store.mark_sent(&lease, &ids, after(1)).await.unwrap();
        under_way.push((lease, subject.job, record));
    }
    let (first, second) = (&under_way[0], &under_way[1]);
    assert_eq!(store.creates_under_way(&first.1).await.unwrap(), 1);
    for (lease, _, record) in &under_way {
        let why = "cut off".to_owned();
        let lost = [settlement(&record.id, Settled::Lost { why })];
        let ended = store.settle_write(lease, &lost, None, after(2));
        assert!(!ended.await.unwrap());
    }
    assert_eq!(store.creates_under_way(&first.1).await.unwrap(), 0);
    assert_eq!(find(&store, first, &["{1}"]).await, Some(true));
    // That is the first one's, and somebody who waits takes the next.
    let mode = WriteMode::Sync {
        hold_until: after(300),
    };
    let (_, waited) = accepted(&store, &world, &create(&world, mode)).await;
    let taken = store.take_made(&first.1, &waited, &["{1}", "{2}"]);
    assert_eq!(taken.await.unwrap(), Some(1));
    // So there is nothing of the second, which stays as it is.
    assert_eq!(find(&store, second, &["{1}", "{2}"]).await, None);
    let subject = store.write_subject(&second.0, NOW).await.unwrap();
    assert_eq!(subject.records[0].state, WriteState::Lost);
    assert_eq!(find(&store, second, &["{1}", "{3}"]).await, Some(true));
    let tenant = store.within(&world.scope);
    let answer = tenant.write_answer(&second.1.id).await.unwrap();
    assert_eq!(answer.records[0].record_id.as_deref(), Some("{3}"));
}

fn collected(hours: i64) -> WriteMode {
    WriteMode::Collected {
        flush_at: after(60),
        tried_for: SignedDuration::from_hours(hours),
    }
}

async fn single_records_gather_until_they_are_begun(store: TestStore) {
    let world = world(&store, "mail").await;
    let mode = collected(1);
    let (first, _) = accepted(&store, &world, &create(&world, mode)).await;
    let (same, _) = accepted(&store, &world, &create(&world, mode)).await;
    assert_eq!(same, first);
    // Of those that are written together the longest time counts.
    accepted(&store, &world, &create(&world, collected(3))).await;
    accepted(&store, &world, &create(&world, collected(2))).await;
    assert!(claims(&store, 59).await.is_empty());
    // It begins late, and is tried from then on.
    let lease = claims(&store, 7_200).await.remove(0);
    let subject = store.write_subject(&lease, after(7_201)).await.unwrap();
    assert_eq!((subject.records.len(), subject.job.is_open), (4, false));
    let deadline = Some(after(7_201 + 3 * 3600));
    assert_eq!(subject.job.deadline_at, deadline);
    let again = store.write_subject(&lease, after(9_000)).await.unwrap();
    assert_eq!(again.job.deadline_at, deadline);
    // It is begun, and takes no more.
    let (other, _) = accepted(&store, &world, &create(&world, mode)).await;
    assert_ne!(other, first);
}

async fn a_full_write_is_tried_from_then_on(store: TestStore) {
    let world = world(&store, "mail").await;
    let (first, _) = accepted(&store, &world, &create(&world, collected(1))).await;
    for _ in 1..100 {
        let (same, _) = accepted(&store, &world, &create(&world, collected(1))).await;
        assert_eq!(same, first);
    }
    // Long before it would have been begun.
    let lease = claims(&store, 1).await.remove(0);
    let subject = store.write_subject(&lease, after(30)).await.unwrap();
    assert_eq!(subject.records.len(), 100);
    assert_eq!(subject.job.deadline_at, Some(after(3600)));
}

/// A write that ends its process whenever it is sent is claimed more and more often;
/// one of which something comes is not.
async fn only_what_comes_of_sending_is_progress(store: TestStore) {
    let world = world(&store, "mail").await;
    let mode = WriteMode::Async {
        deadline_at: after(100_000),
    };
    let (_, record) = accepted(&store, &world, &create(&world, mode)).await;
    let mut seconds = 0;
    let mut leases = Vec::new();
    for attempts in 1..=3 {
        seconds += 1_000;
        let lease = claims(&store, seconds).await.remove(0);
        assert_eq!(lease.attempts, attempts);
        let now = after(seconds);
        store.write_subject(&lease, now).await.unwrap();
        let why = "nothing was made of it".to_owned();
        let anew = [settlement(&record, Settled::Anew { why })];
        store.settle_write(&lease, &anew, None, now).await.unwrap();
        store.mark_sent(&lease, &[&record], now).await.unwrap();
        leases.push(lease);
    }
    let lease = leases.pop().unwrap();
    let why = "the provider is not there".to_owned();
    let waiting = [settlement(&record, Settled::Waiting { why })];
    let (until, now) = (after(seconds + 10), after(seconds));
    let settled = store.settle_write(&lease, &waiting, Some(until), now);
    assert!(!settled.await.unwrap());
    let lease = claims(&store, seconds + 11).await.remove(0);
    assert_eq!(lease.attempts, 1);
}

async fn the_same_key_is_the_same_request(store: TestStore) {
    let world = world(&store, "mail").await;
    let mode = WriteMode::Async {
        deadline_at: after(3600),
    };
    let keyed = |request: &str| NewWrite {
        key: Some(WriteKey {
            key: "k".to_owned(),
            request: request.to_owned(),
        }),
        ..create(&world, mode)
    };
    let (operation_id, _) = accepted(&store, &world, &keyed("one")).await;
    let tenant = store.within(&world.scope);
    let again = tenant.accept_write(&keyed("one"), NOW).await.unwrap();
    assert_eq!(again, Accepted::Known { operation_id });
    let other = tenant.accept_write(&keyed("other"), NOW).await.unwrap();
    assert_eq!(other, Accepted::Reused);
}

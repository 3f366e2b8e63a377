//! Leases, case by case; `work_model.rs` has the interleavings.

use store::{Kind, StoreError};
use testing::TestStore;

use crate::fixture::{after, claim, page, world};

testing::both!(
    a_lease_passes_on_when_it_lapses,
    progress_forgets_the_attempts,
    waiting_is_no_attempt,
    a_poke_while_running_runs_again,
    a_row_without_a_time_sleeps,
    the_loser_of_a_race_gets_nothing,
    a_renewal_tells_two_leases_of_one_owner_apart,
    what_is_given_back_is_due_at_once_and_was_no_attempt,
);

async fn a_lease_passes_on_when_it_lapses(store: TestStore) {
    world(&store, "mail").await;
    let first = claim(&store, "a", after(0)).await;
    assert_eq!((first.epoch, first.attempts), (1, 1));
    assert!(
        store
            .claim(&[Kind::READ], "b", 1, after(29))
            .await
            .unwrap()
            .is_empty()
    );
    let held = [first.clone()];
    assert_eq!(store.renew("a", &held, after(20)).await.unwrap(), held);
    assert!(store.renew("b", &held, after(20)).await.unwrap().is_empty());
    assert!(
        store
            .claim(&[Kind::READ], "b", 1, after(49))
            .await
            .unwrap()
            .is_empty()
    );

    let second = claim(&store, "b", after(50)).await;
    assert_eq!((second.epoch, second.attempts), (2, 2));
    assert!(store.renew("a", &held, after(51)).await.unwrap().is_empty());
    let late = store.finish(&first, None, after(51)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));
    let late = store.commit_page(&first, page("{}"), after(51)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));

    store
        .finish(&second, Some(after(60)), after(52))
        .await
        .unwrap();
    let twice = store.finish(&second, None, after(52)).await;
    assert!(matches!(twice, Err(StoreError::LeaseLost)));
    assert!(
        store
            .claim(&[Kind::READ], "a", 1, after(59))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(claim(&store, "a", after(60)).await.attempts, 3);
}

async fn waiting_is_no_attempt(store: TestStore) {
    world(&store, "mail").await;
    for minute in 0..5 {
        let lease = claim(&store, "a", after(60 * minute)).await;
        assert_eq!(lease.attempts, 1);
        let until = after(60 * (minute + 1));
        store
            .postpone(&lease, until, after(60 * minute))
            .await
            .unwrap();
        let late = store.postpone(&lease, until, after(60 * minute)).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)));
    }
}

async fn progress_forgets_the_attempts(store: TestStore) {
    world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    store
        .finish(&lease, Some(after(1)), after(1))
        .await
        .unwrap();
    let lease = claim(&store, "a", after(1)).await;
    assert_eq!(lease.attempts, 2);
    store
        .commit_page(&lease, page("{}"), after(2))
        .await
        .unwrap();
    store
        .finish(&lease, Some(after(2)), after(2))
        .await
        .unwrap();
    assert_eq!(claim(&store, "a", after(2)).await.attempts, 1);
}

async fn a_poke_while_running_runs_again(store: TestStore) {
    world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    store
        .poke(Kind::READ, &lease.subject_id, after(1))
        .await
        .unwrap();
    assert!(
        store
            .claim(&[Kind::READ], "b", 1, after(1))
            .await
            .unwrap()
            .is_empty()
    );
    store
        .finish(&lease, Some(after(9_999)), after(2))
        .await
        .unwrap();
    let lease = claim(&store, "b", after(2)).await;
    store
        .finish(&lease, Some(after(9_999)), after(3))
        .await
        .unwrap();
    assert!(
        store
            .claim(&[Kind::READ], "b", 1, after(3))
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_row_without_a_time_sleeps(store: TestStore) {
    world(&store, "mail").await;
    let lease = claim(&store, "a", after(0)).await;
    store.finish(&lease, None, after(0)).await.unwrap();
    assert!(
        store
            .claim(&[Kind::READ], "a", 1, after(1_000_000))
            .await
            .unwrap()
            .is_empty()
    );
    store
        .poke(Kind::READ, &lease.subject_id, after(5))
        .await
        .unwrap();
    claim(&store, "a", after(5)).await;
    // Nobody's work can be poked without harm.
    store.poke(Kind::READ, "nobody", after(5)).await.unwrap();
}

async fn the_loser_of_a_race_gets_nothing(store: TestStore) {
    for n in 0..8 {
        world(&store, &format!("mail {n}")).await;
    }
    let claims = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .claim(&[Kind::READ], &format!("node {n}"), 2, after(0))
                .await
                .unwrap()
        })
    });
    let mut subjects = Vec::new();
    for claimed in claims.collect::<Vec<_>>() {
        subjects.extend(
            claimed
                .await
                .unwrap()
                .into_iter()
                .map(|lease| lease.subject_id),
        );
    }
    // A locked row is passed over, so what is left comes at the next claim.
    let rest = store
        .claim(&[Kind::READ], "last", 100, after(0))
        .await
        .unwrap();
    subjects.extend(rest.into_iter().map(|lease| lease.subject_id));
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 8);
}

async fn a_renewal_tells_two_leases_of_one_owner_apart(store: TestStore) {
    world(&store, "mail").await;
    let lapsed = claim(&store, "a", after(0)).await;
    let current = claim(&store, "a", after(30)).await;
    let held = [lapsed, current.clone()];
    assert_eq!(store.renew("a", &held, after(31)).await.unwrap(), [current]);
}

async fn what_is_given_back_is_due_at_once_and_was_no_attempt(store: TestStore) {
    world(&store, "mail").await;
    let cut = claim(&store, "a", after(0)).await;
    // Not by somebody else, and not a lease that has passed on.
    store
        .release_leases("b", std::slice::from_ref(&cut))
        .await
        .unwrap();
    assert!(
        store
            .claim(&[Kind::READ], "b", 1, after(1))
            .await
            .unwrap()
            .is_empty()
    );
    store
        .release_leases("a", std::slice::from_ref(&cut))
        .await
        .unwrap();
    let next = claim(&store, "b", after(1)).await;
    assert_eq!((next.epoch, next.attempts), (cut.epoch + 1, 1));
    let late = store.commit_page(&cut, page("late"), after(1)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    store.release_leases("a", &[cut]).await.unwrap();
    let held = [next];
    assert_eq!(store.renew("b", &held, after(2)).await.unwrap(), held);
}

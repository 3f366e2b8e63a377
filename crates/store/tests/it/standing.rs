//! How destinations do, and how much there is: answered by one statement, however many
//! destinations and messages there are.

use jiff::SignedDuration;
use store::{DeliveryOutcome, Recent, Store, StoreError};
use testing::TestStore;

use crate::delivery::{destination, put, result, to};
use crate::fixture::{after, claim, project, world};

testing::both!(
    the_last_messages_of_each_destination,
    what_is_counted_is_counted_so_far,
);

/// Claims all that is due, and ends each by its place among them.
async fn settle(store: &Store, outcomes: &[(i64, DeliveryOutcome)]) {
    let mut claimed = Vec::new();
    // Of what is free nobody gets more than half.
    while claimed.len() < outcomes.len() {
        let more = store.claim_messages("sender", 40, after(1)).await.unwrap();
        assert!(!more.messages.is_empty(), "{} of all", claimed.len());
        claimed.extend(more.messages);
    }
    claimed.sort_by(|a, b| a.id.cmp(&b.id));
    for (message, (seconds, outcome)) in claimed.iter().zip(outcomes) {
        let result = result(message, *seconds, outcome.clone());
        store.acknowledge(&[result], after(*seconds)).await.unwrap();
    }
}

async fn the_last_messages_of_each_destination(store: TestStore) {
    let world = world(&store, "mail").await;
    let other = destination(&store, &world, "other", false).await;
    let quiet = destination(&store, &world, "quiet", false).await;
    let lease = claim(&store, "reader", after(0)).await;
    let hook = &world.destination;
    let all = [hook, hook, hook, &other, hook];
    let messages = all.into_iter().map(|one| to(&world, one)).collect();
    put(&store, &lease, messages).await;
    let delivered = DeliveryOutcome::Delivered { status: 200 };
    let dead = DeliveryOutcome::Dead {
        status: Some(500),
        error: "no".to_owned(),
    };
    let again = DeliveryOutcome::Retry {
        at: after(90_000),
        status: None,
        error: "later".to_owned(),
    };
    let outcomes = [
        (10, delivered.clone()),
        (20, delivered.clone()),
        (30, dead),
        (40, delivered),
        (50, again),
    ];
    settle(&store, &outcomes).await;

    let tenant = store.within(&world.scope);
    let of = |delivered, dead, seconds: Option<i64>| Recent {
        delivered,
        dead,
        median: seconds.map(SignedDuration::from_secs),
        slowest: seconds.map(SignedDuration::from_secs),
    };
    // What ended before does not count, nor does what has not ended.
    let recent = tenant.recent_by_destination(after(15)).await.unwrap();
    assert_eq!(recent.len(), 3);
    assert_eq!(recent[&hook.id], of(1, 1, Some(20)));
    assert_eq!(recent[&other.id], of(1, 0, Some(40)));
    assert_eq!(recent[&quiet.id], Recent::default());
    let all = tenant.recent_deliveries(&hook.id, after(0)).await.unwrap();
    assert_eq!((all.delivered, all.dead), (2, 1));
    assert_eq!(all.median, Some(SignedDuration::from_secs(10)));
    assert_eq!(all.slowest, Some(SignedDuration::from_secs(20)));
    let late = tenant.recent_deliveries(&hook.id, after(31)).await.unwrap();
    assert_eq!(late, Recent::default());

    let (_, scope) = project(&store, "elsewhere").await;
    let stranger = store.within(&scope);
    let none = stranger.recent_by_destination(after(0)).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
    let none = stranger.recent_deliveries(&hook.id, after(0)).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })), "{none:?}");
}

async fn what_is_counted_is_counted_so_far(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", after(0)).await;
    let hook = &world.destination;
    let messages = (0..5).map(|_| to(&world, hook)).collect();
    put(&store, &lease, messages).await;
    let dead = DeliveryOutcome::Dead {
        status: None,
        error: "no".to_owned(),
    };
    settle(&store, &[(10, dead)]).await;
    // What was claimed and not settled is pending still.
    let tenant = store.within(&world.scope);
    for (most, pending) in [(9, 4), (4, 4), (3, 3)] {
        let counts = tenant.deliveries_overview(most).await.unwrap();
        assert_eq!((counts.pending, counts.dead), (pending, 1), "{most}");
        assert_eq!((counts.held, counts.delivered), (0, 0));
        let all = store.overview(most).await.unwrap();
        assert_eq!((all.messages_pending, all.messages_dead), (pending, 1));
        assert_eq!(
            (all.projects, all.connections, all.installations),
            (1, 1, 1)
        );
    }
    let (_, scope) = project(&store, "elsewhere").await;
    let none = store.within(&scope).deliveries_overview(9).await.unwrap();
    assert_eq!((none.pending, none.dead), (0, 0));
}

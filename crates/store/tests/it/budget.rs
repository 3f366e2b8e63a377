//! Request budgets: exact under concurrency, and rolling.

use jiff::SignedDuration;
use store::Spend;
use testing::TestStore;

use crate::fixture::after;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

testing::both!(
    spends_exactly_the_limit_at_once,
    rolls_with_the_window,
    a_gate_closes_the_bucket,
);

async fn spends_exactly_the_limit_at_once(store: TestStore) {
    let spenders = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut granted = 0;
            for _ in 0..10 {
                match store.spend("shared", 50, HOUR, after(0)).await.unwrap() {
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
    assert_eq!(
        store.budget_used("shared", HOUR, after(0)).await.unwrap(),
        50
    );
    let other = store.spend("other", 1, HOUR, after(0)).await.unwrap();
    assert_eq!(other, Spend::Granted);
}

async fn rolls_with_the_window(store: TestStore) {
    let minute = SignedDuration::from_secs(60);
    for second in [0, 20, 40] {
        let spent = store.spend("b", 3, minute, after(second)).await.unwrap();
        assert_eq!(spent, Spend::Granted);
    }
    // Each counts until the last moment of its slot has left the window.
    let full = store.spend("b", 3, minute, after(60)).await.unwrap();
    assert_eq!(full, Spend::Full { until: after(61) });
    assert_eq!(
        store.spend("b", 3, minute, after(61)).await.unwrap(),
        Spend::Granted
    );
    let full = store.spend("b", 3, minute, after(62)).await.unwrap();
    assert_eq!(full, Spend::Full { until: after(81) });
    assert_eq!(store.budget_used("b", minute, after(81)).await.unwrap(), 2);
    assert_eq!(store.budget_used("b", minute, after(999)).await.unwrap(), 0);
    let none = store.spend("none", 0, minute, after(0)).await.unwrap();
    assert!(matches!(none, Spend::Full { until } if until > after(0)));
}

async fn a_gate_closes_the_bucket(store: TestStore) {
    store.gate("b", after(30), after(0)).await.unwrap();
    store.gate("b", after(10), after(0)).await.unwrap();
    assert_eq!(
        store.spend("b", 3, HOUR, after(29)).await.unwrap(),
        Spend::Blocked { until: after(30) }
    );
    assert_eq!(
        store.spend("b", 3, HOUR, after(30)).await.unwrap(),
        Spend::Granted
    );
}

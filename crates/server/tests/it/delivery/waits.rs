//! Receivers that say how long to wait.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use testing::TestStore;

use super::line::{Line, attempted, destination};
use crate::world::{Receiver, World};

testing::both!(retry_after_is_honoured);

/// Seconds from the first attempt to the planned next one.
fn wait_s(delivery: &Value) -> i64 {
    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let next = time(&delivery["nextAttemptTime"]);
    next.duration_since(time(&delivery["attemptTimes"][0]))
        .as_secs()
}

async fn retry_after_is_honoured(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let date = world.now() + SignedDuration::from_hours(2);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&date)
        .unwrap();
    // What is asked for, and the least and the most that becomes of it; a tenth
    // more is jitter.
    let cases = [
        (503, Some("600"), 599, 661),
        (429, Some(date.as_str()), 7_100, 7_921),
        (503, Some("999999999"), 86_399, 95_041),
        (503, Some("1"), 4, 6),
        (500, Some("600"), 4, 6),
        (429, Some("soon"), 4, 6),
    ];
    let mut receivers = Vec::new();
    for (n, (status, retry_after, ..)) in cases.iter().enumerate() {
        let receiver = Receiver::start().await;
        receiver.answer_always(*status);
        receiver.refuse_with(*retry_after, "");
        let id = destination(&world, &format!("app-{n}"), &receiver.url("/"), false).await;
        line.put(&world, &id, 1).await;
        receivers.push(receiver);
    }
    line.work(&world).await;
    for ((_, retry_after, least, most), id) in cases.iter().zip(&line.ids) {
        let waits = wait_s(&attempted(&world, id, 1).await);
        assert!(
            (*least..=*most).contains(&waits),
            "{retry_after:?}: {waits} s"
        );
    }
}

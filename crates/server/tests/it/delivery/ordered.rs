//! Order, for destinations that ask for it.

use jiff::SignedDuration;
use testing::TestStore;

use super::line::{Line, attempted, destination, received, shown};
use crate::world::{Receiver, World};

testing::both!(
    a_failure_holds_the_rest,
    a_dead_letter_lets_the_rest_go,
    more_lines_than_connections_keep_moving,
);

fn order(receiver: &Receiver) -> Vec<String> {
    let deliveries = receiver.deliveries().into_iter();
    deliveries.map(|delivery| delivery.id).collect()
}

async fn a_failure_holds_the_rest(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    let id = destination(&world, "in-order", &receiver.url("/"), true).await;
    line.put(&world, &id, 8).await;
    receiver.answer_next(&[200, 500]);
    // Two nodes on one store.
    line.work(&world).await;
    world.work();
    let failed = attempted(&world, &line.ids[1], 1).await;
    assert_eq!(failed["lastResponse"]["status"], 500);
    assert_eq!(order(&receiver), line.ids[..2], "the rest waits");
    assert_eq!(shown(&world, &line.ids[2]).await["attempts"], 0);
    world.clock.advance(SignedDuration::from_secs(6));
    received(&world, &receiver, 9).await;
    let mut expected = line.ids.clone();
    expected.insert(1, line.ids[1].clone());
    assert_eq!(order(&receiver), expected);
}

async fn a_dead_letter_lets_the_rest_go(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    let id = destination(&world, "in-order", &receiver.url("/"), true).await;
    line.put(&world, &id, 3).await;
    receiver.answer_next(&[500; 8]);
    line.work(&world).await;
    for attempt in 1..8 {
        attempted(&world, &line.ids[0], attempt).await;
        assert_eq!(
            order(&receiver),
            vec![line.ids[0].clone(); attempt],
            "only the first is tried"
        );
        world.clock.advance(SignedDuration::from_hours(11));
    }
    // The eighth attempt is the last, and the others follow at once.
    received(&world, &receiver, 10).await;
    let mut expected = vec![line.ids[0].clone(); 8];
    expected.extend_from_slice(&line.ids[1..]);
    assert_eq!(order(&receiver), expected);
    assert_eq!(shown(&world, &line.ids[0]).await["status"], "dead");
}

/// Each attempt of a sequence asks the database first. Were those that wait for a
/// connection to stand still meanwhile, no acknowledgement would get one either.
async fn more_lines_than_connections_keep_moving(store: TestStore) {
    const LINES: usize = 40;
    const EACH: usize = 10;
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    for number in 0..LINES {
        let (name, url) = (format!("line-{number}"), receiver.url("/"));
        let id = destination(&world, &name, &url, true).await;
        line.put(&world, &id, EACH).await;
    }
    line.work(&world).await;
    received(&world, &receiver, LINES * EACH).await;
    let order = order(&receiver);
    for ids in line.ids.chunks(EACH) {
        let theirs: Vec<_> = order.iter().filter(|id| ids.contains(id)).collect();
        assert!(theirs.into_iter().eq(ids), "in order, and once");
    }
}

//! Many destinations at once: those that hang or are down cost the others nothing.

use std::net::TcpListener;

use testing::TestStore;

use super::line::{Line, destination, received};
use crate::world::{Plan, Receiver, World};

testing::both!(
    hanging_and_missing_destinations_cost_nobody_else,
    a_rate_lets_everything_go_in_the_end,
);

async fn hanging_and_missing_destinations_cost_nobody_else(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let mut hanging = Vec::new();
    for n in 0..20 {
        let receiver = Receiver::start().await;
        receiver.hold();
        let id = destination(&world, &format!("hangs-{n}"), &receiver.url("/"), false).await;
        line.put(&world, &id, 20).await;
        hanging.push(receiver);
    }
    for n in 0..10 {
        // Nobody listens there any more.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let url = format!("http://127.0.0.1:{port}/");
        let id = destination(&world, &format!("down-{n}"), &url, false).await;
        line.put(&world, &id, 5).await;
    }
    let healthy = Receiver::start().await;
    let id = destination(&world, "healthy", &healthy.url("/"), false).await;
    line.put(&world, &id, 20).await;
    line.work(&world).await;
    received(&world, &healthy, 20).await;
    hanging[0].somebody_waits().await;
    // Nobody had to wait until an attempt that hangs was given up.
    let pending = world
        .api
        .get("/v1/projects/acme-app/deliveries?status=pending&destination=hangs-0")
        .await
        .json(200);
    let pending = pending["results"].as_array().unwrap();
    assert_eq!(pending.len(), 20);
    assert!(pending.iter().all(|one| one["error"].is_null()));
}

async fn a_rate_lets_everything_go_in_the_end(store: TestStore) {
    let plan = Plan {
        works: false,
        delivery_rate: 3,
        ..Plan::default()
    };
    let world = World::planned(store, plan).await;
    let mut line = Line::new(&world).await;
    let receiver = Receiver::start().await;
    let id = destination(&world, "limited", &receiver.url("/"), false).await;
    line.put(&world, &id, 7).await;
    line.work(&world).await;
    received(&world, &receiver, 7).await;
}

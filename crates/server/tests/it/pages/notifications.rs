//! Notifications in the dashboard: from an event to somebody who is told.

use testing::TestStore;

use crate::world::{World, path};

testing::both!(a_topic_is_made_routed_and_deleted);

async fn a_topic_is_made_routed_and_deleted(store: TestStore) {
    let world = World::idle(store).await;
    let inbox = world.destination().await["id"].as_str().unwrap().to_owned();
    let mut browser = world.owners_browser().await;
    let place = format!("{}/notifications", world.pages().await);
    let page = browser.get(&place).await;
    assert!(page.text().contains("Nobody is told of anything yet"));
    let odd = browser
        .submit(&page, &place, &[("name", "no spaces")])
        .await;
    assert_eq!(odd.status, 422);
    let made = browser.submit(&page, &place, &[("name", "alerts")]).await;
    assert!(
        made.text().contains("Topic alerts is there."),
        "{}",
        made.text()
    );
    assert!(made.text().contains("no event comes here"));
    let topic = world.api.get(&path("/topics")).await.json(200)[0]["id"].clone();
    let one = format!("{place}/topics/{}", topic.as_str().unwrap());

    let events = [
        ("event", "read.backfill.done"),
        ("event", "connection.error"),
    ];
    let routed = browser
        .submit(&made, &format!("{one}/events"), &events)
        .await;
    assert!(routed.text().contains("2 more events go to the topic."));
    let listens = [("destination", inbox.as_str())];
    let listens = browser
        .submit(&routed, &format!("{one}/destinations"), &listens)
        .await;
    assert!(
        listens
            .text()
            .contains("The destination listens to the topic.")
    );
    let routes = path("/notification-event-topic-routes");
    let events = world.api.get(&routes).await.json(200);
    assert_eq!(events.as_array().unwrap().len(), 2);

    let first = events[0]["id"].as_str().unwrap();
    let removed = browser
        .submit(&listens, &format!("{place}/events/{first}/delete"), &[])
        .await;
    assert!(removed.text().contains("does not go there any more"));
    let targets = world
        .api
        .get(&path("/topic-destination-routes"))
        .await
        .json(200);
    let target = targets[0]["id"].as_str().unwrap();
    let quiet = format!("{place}/destinations/{target}/delete");
    let quiet = browser.submit(&removed, &quiet, &[]).await;
    assert!(quiet.text().contains("nobody listens"), "{}", quiet.text());
    let named = browser
        .submit(&quiet, &format!("{one}/rename"), &[("name", "alarms")])
        .await;
    assert!(named.text().contains("The topic is called alarms now."));
    let deleted = browser.submit(&named, &format!("{one}/delete"), &[]).await;
    assert!(deleted.text().contains("Nobody is told of anything yet"));
    assert_eq!(
        world
            .api
            .get(&routes)
            .await
            .json(200)
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

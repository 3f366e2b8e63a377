//! The overview: what is left to do, what needs attention, what went through.

use serde_json::json;
use testing::TestStore;

use crate::delivery::line::{Line, destination};
use crate::world::World;
use crate::world::steps::everything;

testing::both!(
    the_list_ticks_itself_off,
    what_needs_attention_is_said,
    what_went_through_is_counted_over_time,
);

async fn the_list_ticks_itself_off(store: TestStore) {
    let world = World::start(store).await;
    let mut browser = world.owners_browser().await;
    let place = world.pages().await;
    let mut done = async |n: usize| {
        let text = browser.get(&place).await.text();
        assert!(text.contains(&format!("{n} of 6")), "{n}: {text}");
        assert_eq!(text.matches("class=\"done\"").count(), n);
        assert_eq!(text.matches("Do this next").count(), 1);
    };
    done(0).await;
    world.provider_app().await;
    done(1).await;
    world.destination().await;
    done(2).await;
    world.deploy(crate::world::MANIFEST).await;
    done(3).await;
    world.connect("customer-1").await;
    done(4).await;
    world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world.arrived(12).await;
    world
        .until("the list to be done", async || {
            let text = browser.get(&place).await.text();
            (!text.contains("Getting started")).then_some(())
        })
        .await;
}

async fn what_needs_attention_is_said(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let id = destination(&world, "app", &world.receiver.url("/app"), false).await;
    line.put(&world, &id, 1).await;
    let mut browser = world.owners_browser().await;
    let place = world.pages().await;
    let quiet = browser.get(&place).await.text();
    assert!(!quiet.contains("Needs attention"), "{quiet}");
    world.receiver.answer_always(410);
    line.work(&world).await;
    let told = world
        .until("the destination to be disabled", async || {
            let text = browser.get(&place).await.text();
            text.contains("destination is disabled").then_some(text)
        })
        .await;
    assert!(told.contains("Needs attention"), "{told}");
}

async fn what_went_through_is_counted_over_time(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world.install(json!({ "projects": everything("projects"), "repositories": everything("repositories") })).await;
    let mut browser = world.owners_browser().await;
    let place = world.pages().await;
    let page = world
        .until("the records to be counted", async || {
            let text = browser.get(&place).await.text();
            text.contains("<dt>Operations under way</dt><dd>0</dd>")
                .then_some(text)
        })
        .await;
    let (_, plots) = page.split_once("data-plots=\"").unwrap();
    let plots: Vec<Vec<Option<i64>>> =
        serde_json::from_str(plots.split('"').next().unwrap()).unwrap();
    assert!(plots.iter().all(|column| column.len() == 48));
    let sum = |n: usize| plots[n].iter().flatten().sum::<i64>();
    let now = world.now().as_second();
    let last = plots[0][47].unwrap();
    assert!(last <= now && now < last + 1800, "{last} {now}");
    let read = 12 + i64::from(world.provider.options.repositories);
    assert_eq!(sum(1), read, "records");
    assert!(page.contains(&format!("<strong>{read}</strong> records")));
    assert!(sum(2) >= 2 && sum(3) == 0 && sum(5) == 0);
    for (span, steps) in [("week", 42), ("month", 30), ("nonsense", 48)] {
        let page = browser.get(&format!("{place}?span={span}")).await.text();
        let (_, plots) = page.split_once("data-plots=\"").unwrap();
        let plots: Vec<Vec<Option<i64>>> =
            serde_json::from_str(plots.split('"').next().unwrap()).unwrap();
        assert_eq!(plots[1].len(), steps, "{span}");
        assert_eq!(plots[1].iter().flatten().sum::<i64>(), read);
    }
    assert!(page.contains("Request budget") && page.contains("Interactive"));
}

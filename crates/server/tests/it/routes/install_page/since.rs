//! From when on something is read, as the customer is told.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use testing::TestStore;

use super::set_up;
use crate::world::steps::{GROUP, everything};
use crate::world::{MANIFEST, World};

testing::both!(what_was_chosen_later_is_read_from_then_on,);

async fn what_was_chosen_later_is_read_from_then_on(store: TestStore) {
    let world = World::idle(store).await;
    let week = "days: 7\n";
    let manifest = MANIFEST.replace("fullHistory: true\n", week);
    set_up(&world, &manifest).await;
    world.connect(GROUP).await;
    let installed_at = world.now();
    let repositories = json!({ "repositories": everything("repositories") });
    world.install(repositories).await;
    world.clock.advance(SignedDuration::from_hours(40 * 24));
    let mut customer = world.customer().await;
    let choices = [
        ("object", "projects"),
        ("every:projects", "on"),
        ("object", "repositories"),
        ("every:repositories", "on"),
    ];
    let saved = customer.press_from("edit", "choices", &choices).await;
    assert_eq!(saved.status, 303, "{}", saved.text());

    let page = customer.open().await.text();
    let since = |object: &str| -> Timestamp {
        let (_, row) = page.split_once(&format!("<h3>{object}</h3>")).unwrap();
        let (_, time) = row.split_once("What changed after").unwrap();
        let (_, time) = time.split_once("datetime=\"").unwrap();
        time.split('"').next().unwrap().parse().unwrap()
    };
    // To the nearest day.
    let days = |from: Timestamp| (from.duration_since(installed_at).as_hours() + 12).div_euclid(24);
    // A week back from when each was chosen.
    assert_eq!(days(since("Repositories")), -7, "{page}");
    assert_eq!(days(since("Projects")), 33, "{page}");
}

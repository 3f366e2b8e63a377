//! The projects of a builder.

use testing::TestStore;

use crate::world::World;

testing::both!(a_builder_makes_projects_and_goes_to_them);

async fn a_builder_makes_projects_and_goes_to_them(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let home = browser.get("/").await;
    let fields = [("name", "second <b>"), ("app_name", "Second & Co")];
    let made = browser.submit(&home, "/projects", &fields).await;
    assert_eq!(made.status, 200);
    let text = made.text();
    assert!(
        text.contains("<h1>Overview</h1>") && text.contains("Project second &#60;b&#62; is there.")
    );
    // What was said once is not said again.
    let home = browser.get("/").await;
    assert!(!home.text().contains("is there."));
    assert!(home.text().contains("second &#60;b&#62;") && home.text().contains("acme-app"));

    let taken = browser.submit(&home, "/projects", &fields).await;
    assert_eq!(taken.status, 409);
    let text = taken.text();
    assert!(
        text.contains("exists already") && text.contains("value=\"Second &#38; Co\""),
        "{text}"
    );
    let empty = browser.submit(&home, "/projects", &[("name", " ")]).await;
    assert_eq!(empty.status, 422);
}

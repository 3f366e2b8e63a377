//! Settings in the dashboard, and the audit log.

use testing::TestStore;

use crate::world::{World, path};

testing::both!(names_are_changed, the_audit_log_says_who_did_what,);

async fn names_are_changed(store: TestStore) {
    let world = World::idle(store).await;
    world.add_project("taken").await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/settings", world.pages().await);
    let page = browser.get(&place).await;
    let fields = [("name", "acme-app"), ("app_name", "Acme & Sons")];
    let saved = browser.submit(&page, &place, &fields).await;
    assert!(saved.text().contains("Saved.") && saved.text().contains("Acme &#38; Sons"));
    let known = world.api.get(&path("")).await.json(200);
    assert_eq!(known["appName"], "Acme & Sons");
    for (name, status) in [("taken", 409), ("", 422)] {
        let fields = [("name", name), ("app_name", "New")];
        let refused = browser.submit(&page, &place, &fields).await;
        assert_eq!(refused.status, status);
        assert!(refused.text().contains("value=\"New\""));
    }
    let to = format!("{place}/organization");
    let renamed = browser.submit(&page, &to, &[("label", "Acme Inc")]).await;
    assert!(
        renamed
            .text()
            .contains("The organization is called Acme Inc now.")
    );
}

async fn the_audit_log_says_who_did_what(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let settings = format!("{}/settings", world.pages().await);
    let page = browser.get(&settings).await;
    for n in 0..52 {
        let app_name = format!("Acme {n}");
        let fields = [("name", "acme-app"), ("app_name", app_name.as_str())];
        browser.submit(&page, &settings, &fields).await;
    }
    let place = format!("{settings}/audit-log");
    let first = browser.get(&place).await.text();
    let rows = |text: &str| text.matches("data-label=\"What\"").count();
    assert_eq!(rows(&first), 50);
    assert!(first.contains("project.update") && first.matches("ada@example.com").count() >= 50);
    let (_, rest) = first
        .split_once("class=\"pages\"><a class=\"button\" href=\"")
        .unwrap();
    let next = rest.split('"').next().unwrap();
    let second = browser.get(&format!("{place}{next}")).await.text();
    assert_eq!(rows(&second), 4, "two more, the project and the key");
    let of_org = browser
        .get(&format!("{settings}/organization-log"))
        .await
        .text();
    assert!(of_org.contains("builder.create"), "{of_org}");
}

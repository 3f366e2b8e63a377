//! Install links in the dashboard: made, shown once, taken back.

use serde_json::json;
use testing::TestStore;

use crate::world::steps::GROUP;
use crate::world::{MANIFEST, World, path};

testing::both!(
    a_link_is_made_shown_once_and_taken_back,
    what_cannot_be_is_refused,
);

async fn a_link_is_made_shown_once_and_taken_back(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/install-links", world.pages().await);
    let empty = browser.get(&place).await.text();
    assert!(empty.contains("Deploy a manifest first"), "{empty}");
    world.provider_app().await;
    world.destination().await;
    let integration = world.deploy(MANIFEST).await;
    let page = browser.get(&place).await;
    let fields = [
        ("integration", integration["id"].as_str().unwrap()),
        ("group", GROUP),
        ("group_name", "Customer <One>"),
        ("days", "2"),
    ];
    let made = browser.submit(&page, &place, &fields).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let text = made.text();
    let (_, rest) = text.split_once("data-copy=\"").unwrap();
    let url = rest.split('"').next().unwrap().replace("&#38;", "&");
    let mut customer = world.customer_of(&json!({ "url": url }));
    assert_eq!(customer.open().await.status, 200);

    let list = browser.get(&place).await;
    let text = list.text();
    assert!(!text.contains("signature="), "{text}");
    assert!(text.contains("Customer &#60;One&#62;") && text.contains(">open<"));
    assert!(text.contains(">bitbucket-sync</td>"), "{text}");
    let other = browser.get(&format!("{place}?customer=nobody")).await;
    assert!(other.text().contains("No link matches."));
    let links = world.api.get(&path("/install-links")).await.json(200);
    let revoke = format!("{place}/{}/revoke", links[0]["id"].as_str().unwrap());
    let revoked = browser.submit(&list, &revoke, &[]).await;
    let text = revoked.text();
    assert!(text.contains("The link is taken back"), "{text}");
    assert!(text.contains(">taken back<") && !text.contains("/revoke\""));
    assert_eq!(customer.open().await.status, 410);
}

async fn what_cannot_be_is_refused(store: TestStore) {
    let world = World::idle(store).await;
    world.destination().await;
    let integration = world.deploy(MANIFEST).await;
    let id = integration["id"].as_str().unwrap();
    let mut browser = world.owners_browser().await;
    let place = format!("{}/install-links", world.pages().await);
    let page = browser.get(&place).await;
    for (integration, group, days, status) in [
        (id, " ", "7", 422),
        (id, GROUP, "0", 422),
        (id, GROUP, "367", 422),
        (id, GROUP, "soon", 422),
        ("none", GROUP, "7", 404),
    ] {
        let fields = [
            ("integration", integration),
            ("group", group),
            ("days", days),
        ];
        let refused = browser.submit(&page, &place, &fields).await;
        assert_eq!(refused.status, status, "{fields:?} {}", refused.text());
        let kept = format!("value=\"{days}\"");
        assert!(refused.text().contains(&kept), "{}", refused.text());
    }
    let links = world.api.get(&path("/install-links")).await.json(200);
    assert_eq!(links, json!([]));
}

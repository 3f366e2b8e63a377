//! The status page.

use testing::TestStore;

use crate::world::World;
use crate::world::steps::everything;

testing::both!(the_status_page_counts_and_names_nobody);

async fn the_status_page_counts_and_names_nobody(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world
        .install(serde_json::json!({ "projects": everything("projects") }))
        .await;
    world.arrived(12).await;
    let page = world
        .until("the message to be counted", async || {
            let page = world.api.without_key().get("/").await;
            page.text()
                .contains("<dt>Messages sent</dt><dd>1</dd>")
                .then_some(page)
        })
        .await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    let html = page.text();
    assert!(html.contains("<dt>Installations</dt><dd>1</dd>"), "{html}");
    assert!(html.contains(&format!("{}/callbacks/v1/oauth", world.api.origin)));
    for someone in ["acme", "Customer One", "customer-1", "ada", "whsec_"] {
        assert!(!html.contains(someone), "{someone}");
    }
}

//! Provider apps: the guide, the form, and a secret that nobody sees again.

use testing::TestStore;

use crate::world::{MANIFEST, World, path};

testing::both!(
    the_guide_says_what_the_manifest_needs,
    the_secret_goes_in_and_never_comes_out,
    a_test_walks_the_consent,
);

async fn the_guide_says_what_the_manifest_needs(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let pages = world.pages().await;
    let place = format!("{pages}/provider-apps/new/bitbucket");
    let page = browser.get(&place).await.text();
    assert!(page.contains(&format!(
        "data-copy=\"{}/callbacks/v1/oauth\"",
        world.api.origin
    )));
    assert!(page.contains("Nothing is deployed yet") && page.contains("Account: Email"));

    world.destination().await;
    world.deploy(MANIFEST).await;
    let page = browser.get(&place).await.text();
    let guide = page.split_once("class=\"permissions\"").unwrap().1;
    let guide = guide.split_once("</ul>").unwrap().0;
    assert!(guide.contains("Repositories: Read") && guide.contains("for repositories"));
    assert!(guide.contains("Projects: Read"));
    assert!(
        !guide.contains("Account: Email"),
        "no more than is needed: {guide}"
    );
    assert_eq!(
        browser
            .get(&format!("{pages}/provider-apps/new/nobody"))
            .await
            .status,
        404
    );
}

async fn the_secret_goes_in_and_never_comes_out(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let pages = world.pages().await;
    let place = format!("{pages}/provider-apps/new/bitbucket");
    let options = world.provider.options.clone();
    let page = browser.get(&place).await;
    let empty = [
        ("client_id", options.client_id.as_str()),
        ("client_secret", ""),
    ];
    let refused = browser.post(&page, &place, &empty).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused
            .text()
            .contains(&format!("value=\"{}\"", options.client_id))
    );

    let fields = [
        ("client_id", options.client_id.as_str()),
        ("client_secret", options.client_secret.as_str()),
    ];
    let saved = browser.post(&page, &place, &fields).await;
    let text = saved.text();
    assert!(text.contains("Saved. The secret is sealed"), "{text}");
    assert!(text.contains(&options.client_id) && !text.contains(&options.client_secret));
    let apps = world.api.get(&path("/provider-apps")).await.json(200);
    let id = apps[0]["id"].as_str().unwrap();

    // Without a secret the one that is there stays: a consent still works.
    let place = format!("{pages}/provider-apps/{id}");
    let saved = browser.post(&saved, &place, &empty).await;
    assert!(saved.text().contains("Saved."));
    let connection = world.connect("customer-1").await;
    assert_eq!(connection["status"], "working");
    let list = browser.get(&format!("{pages}/provider-apps")).await.text();
    assert!(list.contains("Set up") && !list.contains(&options.client_secret));

    // What refreshes tokens cannot go.
    let page = browser.get(&place).await;
    let delete = format!("{place}/delete");
    let kept = browser.submit(&page, &delete, &[]).await.text();
    assert!(kept.contains("Delete the connections first"), "{kept}");
}

async fn a_test_walks_the_consent(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let pages = world.pages().await;
    let app = world.provider_app().await;
    let place = format!("{pages}/provider-apps/{}", app["id"].as_str().unwrap());
    let page = browser.get(&place).await;
    let test = format!("{place}/test");
    let nowhere = browser.submit(&page, &test, &[]).await;
    assert_eq!(nowhere.status, 400, "the workspace is missing");
    assert!(nowhere.text().contains("workspace"));

    let ready = browser
        .submit(&page, &test, &[("input-workspace", "acme")])
        .await
        .text();
    let (_, rest) = ready
        .split_once("class=\"button primary\" href=\"")
        .unwrap();
    let url = rest.split('"').next().unwrap().replace("&#38;", "&");
    assert!(url.starts_with(&world.provider.url()), "{url}");
    let ended = world.consent(&url, "approve").await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    let list = browser.get(&format!("{pages}/connections")).await.text();
    assert!(list.contains("dashboard-test") && list.contains("working"));
    // Whoever tried it is told by the address before any id.
    let (_, rest) = list.split_once("/connections/").unwrap();
    let id = rest.split('"').next().unwrap();
    let one = browser.get(&format!("{pages}/connections/{id}")).await;
    let text = one.text();
    let (_, by) = text.split_once("Connected by</dt><dd>").unwrap();
    let by = by.split("</dd>").next().unwrap();
    assert!(by.starts_with("ada@example.com"), "{by}");
}

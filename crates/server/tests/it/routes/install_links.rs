//! `/install-links`: making, listing and taking back links to the install page.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::GROUP;
use crate::world::{MANIFEST, World, path};

testing::both!(
    a_link_is_shown_once_and_can_be_taken_back,
    a_link_is_made_with_a_full_key_for_an_integration_of_the_project,
    what_cannot_be_is_refused,
    an_erased_customer_has_no_links,
);

async fn a_link_is_shown_once_and_can_be_taken_back(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    let more = json!({ "expiresInSeconds": 3600, "theme": { "color": "#123456" } });
    let made = world.install_link(more).await;
    let id = made["id"].as_str().unwrap();
    let start = format!("{}/install/{id}?expires=", world.api.origin);
    assert!(made["url"].as_str().unwrap().starts_with(&start), "{made}");
    assert_eq!(made["theme"], json!({ "color": "#123456" }));
    let other = world
        .install_link(json!({ "groupRef": "customer-2", "groupName": "", "consumerRef": null }))
        .await;
    assert_eq!(other["consumerRef"], "customer-2", "whoever opens it");
    assert!(other.get("groupName").is_none(), "{other}");

    let links = path("/install-links");
    let listed = world.api.get(&links).await.json(200);
    let ids = |listed: &Value| {
        let all = listed.as_array().unwrap().iter();
        all.map(|link| link["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&listed), [other["id"].clone(), made["id"].clone()]);
    assert!(!listed.to_string().contains("signature"), "{listed}");
    let of_one = world.api.get(&format!("{links}?groupRef={GROUP}")).await;
    assert_eq!(ids(&of_one.json(200)), [made["id"].clone()]);

    let mut customer = world.customer_of(&made);
    assert_eq!(customer.open().await.status, 200);
    for _ in 0..2 {
        let place = path(&format!("/install-links/{id}"));
        let taken = world.api.delete(&place).await;
        assert_eq!(taken.status, 204);
    }
    assert_eq!(customer.open().await.status, 410);
    let listed = world.api.get(&links).await.json(200);
    assert!(listed[1]["revokeTime"].is_string(), "{listed}");
    let log = world.api.get(&path("/audit-log")).await.json(200);
    let log = log["results"].to_string();
    assert!(log.contains("install-link.create") && log.contains("install-link.revoke"));
}

async fn a_link_is_made_with_a_full_key_for_an_integration_of_the_project(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    let made = world.install_link(json!({})).await;
    let id = made["id"].as_str().unwrap();
    let new = json!({ "integrationIdOrName": "bitbucket-sync", "groupRef": GROUP });
    let frontend = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let frontend = world.api.with_key(&frontend);
    let links = path("/install-links");
    frontend.post(&links, &new).await.problem(403);
    frontend.get(&links).await.problem(403);
    frontend.delete(&format!("{links}/{id}")).await.problem(403);
    world
        .api
        .without_key()
        .post(&links, &new)
        .await
        .problem(401);

    world.add_project("other").await;
    let stranger = world.add_key("other", &[]).await;
    let stranger = world.api.with_key(&stranger);
    let theirs = "/v1/projects/other/install-links";
    stranger.post(theirs, &new).await.problem(404);
    let by_id = json!({ "integrationIdOrName": made["integrationId"], "groupRef": GROUP });
    stranger.post(theirs, &by_id).await.problem(404);
    stranger
        .delete(&format!("{theirs}/{id}"))
        .await
        .problem(404);
    assert_eq!(stranger.get(theirs).await.json(200), json!([]));
    let mut customer = world.customer_of(&made);
    assert_eq!(customer.open().await.status, 200);
}

async fn what_cannot_be_is_refused(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    let links = path("/install-links");
    for (change, status) in [
        (json!({ "groupRef": " " }), 422),
        (json!({ "groupRef": "x".repeat(256) }), 422),
        (json!({ "consumerName": "x".repeat(256) }), 422),
        (json!({ "expiresInSeconds": 59 }), 422),
        (json!({ "expiresInSeconds": 366 * 24 * 3600 + 1 }), 422),
        (json!({ "expiresInSeconds": "soon" }), 400),
        (json!({ "theme": { "color": "red" } }), 422),
        (
            json!({ "theme": { "logoUrl": "http://a.example/l.png" } }),
            422,
        ),
        (json!({ "theme": { "name": "x".repeat(101) } }), 422),
        (json!({ "integrationIdOrName": "none" }), 404),
    ] {
        let mut new = json!({ "integrationIdOrName": "bitbucket-sync", "groupRef": GROUP });
        let change = change.as_object().unwrap().clone();
        new.as_object_mut().unwrap().extend(change);
        let body = new.to_string().into_bytes();
        let refused = world.api.send(Method::POST, &links, body, &[]).await;
        refused.problem(status);
    }
    assert_eq!(world.api.get(&links).await.json(200), json!([]));
}

async fn an_erased_customer_has_no_links(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let link = world.install_link(json!({})).await;
    let other = world
        .install_link(json!({ "groupRef": "customer-2" }))
        .await;
    let group = path(&format!("/groups/{GROUP}"));
    assert_eq!(world.api.delete(&group).await.status, 204);
    assert_eq!(world.customer_of(&link).open().await.status, 410);
    assert_eq!(world.customer_of(&other).open().await.status, 200);
    let listed = world.api.get(&path("/install-links")).await.json(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

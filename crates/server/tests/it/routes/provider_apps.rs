//! `/projects/{p}/provider-apps`.

use serde_json::json;
use testing::TestStore;

use crate::world::{World, path};

testing::both!(
    the_secret_goes_in_and_never_comes_out,
    what_makes_no_sense_is_refused,
    a_provider_app_is_changed_and_deleted
);

async fn the_secret_goes_in_and_never_comes_out(store: TestStore) {
    let world = World::idle(store).await;
    let new = json!({
        "provider": "bitbucket", "clientId": "the-client", "clientSecret": "the-very-secret",
        "externalRef": "main", "scopes": ["repository"],
    });
    let created = world.api.post(&path("/provider-apps"), &new).await;
    assert!(!created.text().contains("the-very-secret"));
    let created = created.json(200);
    assert_eq!(created["clientId"], "the-client");
    assert_eq!(created["externalRef"], "main");
    assert_eq!(created["scopes"], json!(["repository"]));
    assert!(created.get("clientSecret").is_none());

    let listed = world.api.get(&path("/provider-apps")).await;
    assert!(!listed.text().contains("the-very-secret"));
    assert_eq!(listed.json(200), json!([created]));

    let twice = world.api.post(&path("/provider-apps"), &new).await;
    assert!(!twice.text().contains("the-very-secret"));
    twice.problem(409);
    // Another one for the same provider goes by another reference.
    let mut other = new.clone();
    other["externalRef"] = json!("second");
    world
        .api
        .post(&path("/provider-apps"), &other)
        .await
        .json(200);
}

async fn what_makes_no_sense_is_refused(store: TestStore) {
    let world = World::idle(store).await;
    let post = async |provider: &str, id: &str, secret: &str| {
        let new = json!({ "provider": provider, "clientId": id, "clientSecret": secret });
        world.api.post(&path("/provider-apps"), &new).await
    };
    let unknown = post("salesforce", "a", "the-very-secret").await;
    assert!(!unknown.text().contains("the-very-secret"));
    let problem = unknown.problem(422);
    assert!(
        problem["remedy"].as_str().unwrap().contains("bitbucket"),
        "{problem}"
    );
    post("bitbucket", "", "b").await.problem(422);
    post("bitbucket", "a", "").await.problem(422);
    world
        .api
        .post(&path("/provider-apps"), &json!({ "provider": "bitbucket" }))
        .await
        .problem(400);
    assert_eq!(
        world.api.get(&path("/provider-apps")).await.json(200),
        json!([])
    );
}

async fn a_provider_app_is_changed_and_deleted(store: TestStore) {
    let world = World::idle(store).await;
    let app = world.provider_app().await;
    let one = path(&format!("/provider-apps/{}", app["id"].as_str().unwrap()));
    let patch = async |mask: &[&str], app: serde_json::Value| {
        let body = json!({ "updateMask": mask, "providerApp": app });
        let body = body.to_string().into_bytes();
        world.api.send(http::Method::PATCH, &one, body, &[]).await
    };
    let delete = async || {
        world
            .api
            .send(http::Method::DELETE, &one, Vec::new(), &[])
            .await
    };
    let changed = patch(
        &["scopes"],
        json!({ "scopes": ["account"], "clientId": "not named" }),
    )
    .await
    .json(200);
    assert_eq!(changed["scopes"], json!(["account"]));
    assert_eq!(changed["clientId"], app["clientId"]);
    patch(&["clientSecret"], json!({ "clientSecret": "" }))
        .await
        .problem(422);
    patch(&["provider"], json!({ "provider": "x" }))
        .await
        .problem(400);
    // A wrong secret is found out at the exchange, a right one mends it.
    patch(&["clientSecret"], json!({ "clientSecret": "wrong" }))
        .await
        .json(200);
    let url = world.authorize_url(&world.connect_body("customer-1")).await;
    assert_ne!(world.consent(&url, "approve").await.status, 200);
    let right = world.provider.options.client_secret.clone();
    patch(&["clientSecret"], json!({ "clientSecret": right }))
        .await
        .json(200);
    let connection = world.connect("customer-1").await;
    let problem = delete().await.problem(422);
    assert!(
        problem["remedy"].as_str().unwrap().contains("connections"),
        "{problem}"
    );
    let id = connection["id"].as_str().unwrap();
    let connection = path(&format!("/connections/{id}"));
    world
        .api
        .send(http::Method::DELETE, &connection, Vec::new(), &[])
        .await;
    assert_eq!(delete().await.status, 204);
    delete().await.problem(404);
}

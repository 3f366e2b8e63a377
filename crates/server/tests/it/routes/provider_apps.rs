//! `/projects/{p}/provider-apps`.

use serde_json::json;
use testing::TestStore;

use crate::world::{World, path};

testing::both!(
    the_secret_goes_in_and_never_comes_out,
    what_makes_no_sense_is_refused
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

//! `/providers`.

use testing::TestStore;

use crate::world::World;

testing::both!(the_catalogue_says_what_clients_need);

async fn the_catalogue_says_what_clients_need(store: TestStore) {
    let world = World::idle(store).await;
    let all = world.api.get("/v1/providers").await.json(200);
    let one = world.api.get("/v1/providers/bitbucket").await.json(200);
    assert_eq!(all["bitbucket"], one);
    assert_eq!(one["authType"], "oauth2");
    assert_eq!(one["metadata"]["input"][0]["name"], "workspace");
    assert_eq!(one["oauth2Opts"]["explicitScopesRequired"], false);
    assert_eq!(one["support"]["proxy"], true);
    assert_eq!(one["support"]["subscribe"], false);
    let problem = world.api.get("/v1/providers/salesforce").await.problem(404);
    assert!(problem["remedy"].as_str().unwrap().contains("bitbucket"));
    let open = world.api.without_key();
    assert_eq!(open.get("/v1/providers").await.json(200), all);
}

//! `/projects/{p}/connections`.

use secrecy::ExposeSecret as _;
use serde_json::json;
use store::Credential;
use testing::TestStore;

use crate::world::steps::GROUP;
use crate::world::{World, path};

testing::both!(
    a_connection_shows_what_clients_need_and_no_token,
    lists_go_by_every_filter
);

async fn a_connection_shows_what_clients_need_and_no_token(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let connection = world.connect(GROUP).await;
    assert_eq!(connection["provider"], "bitbucket");
    assert_eq!(connection["status"], "working");
    assert_eq!(connection["authScheme"], "oauth2/authorizationCode");
    assert_eq!(
        connection["providerMetadata"]["workspace"],
        json!({ "value": "acme", "source": "input" })
    );
    assert_eq!(connection["providerWorkspaceRef"], "acme");
    assert_eq!(connection["group"]["groupRef"], GROUP);
    assert_eq!(connection["group"]["groupName"], "Customer One");
    assert_eq!(connection["consumer"]["consumerRef"], "ada");
    assert_eq!(connection["providerApp"]["clientId"], "sandbox-client");
    let scopes = connection["oauth2AuthorizationCode"]["scopes"]
        .as_array()
        .unwrap();
    assert!(scopes.contains(&json!("repository")), "{connection}");

    let id = connection["id"].as_str().unwrap();
    let Credential::OAuth2 {
        access_token,
        refresh_token,
        ..
    } = world.engine.store.credential(id).await.unwrap().credential
    else {
        panic!("an OAuth connection has OAuth tokens")
    };
    let one = format!("/connections/{id}");
    for rest in [
        "/connections",
        &one,
        &format!("{one}?includeCreds=true&includeRefreshToken=true"),
    ] {
        let text = world.api.get(&path(rest)).await.text();
        assert!(text.contains(id));
        for secret in [
            access_token.expose_secret(),
            refresh_token.as_ref().unwrap().expose_secret(),
            "sandbox-secret",
        ] {
            assert!(!text.contains(secret), "{rest}");
        }
    }
    assert_eq!(world.api.get(&path(&one)).await.json(200), connection);
    world.api.get(&path("/connections/none")).await.problem(404);
}

async fn lists_go_by_every_filter(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.connect(GROUP).await;
    let mut other = world.connect_body("customer 2/ä");
    other["consumerRef"] = json!("grace");
    let url = world.authorize_url(&other).await;
    world.consent(&url, "approve").await;
    for (query, expected) in [
        ("", 2),
        ("?provider=bitbucket", 2),
        ("?provider=salesforce", 0),
        ("?groupRef=customer-1", 1),
        ("?groupRef=customer%202%2F%C3%A4", 1),
        ("?groupRef=nobody", 0),
        ("?consumerRef=grace", 1),
        ("?consumerRef=grace&groupRef=customer-1", 0),
        ("?consumerRef=ada&groupRef=customer-1&provider=bitbucket", 1),
    ] {
        let found = world
            .api
            .get(&path(&format!("/connections{query}")))
            .await
            .json(200);
        assert_eq!(found.as_array().unwrap().len(), expected, "{query}");
    }
}

//! `POST /oauth-connect`.

use serde_json::{Value, json};
use testing::TestStore;
use url::Url;

use crate::world::World;
use crate::world::steps::GROUP;

testing::both!(the_url_is_plain_text_and_complete, what_is_missing_is_named);

fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url)
        .unwrap()
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn the_url_is_plain_text_and_complete(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let body = world.connect_body(GROUP);
    // One SDK's word for it, with and without what `@amp-labs/react` adds.
    let mut alias = body.clone();
    let project = alias
        .as_object_mut()
        .unwrap()
        .remove("projectIdOrName")
        .unwrap();
    alias["projectId"] = project;
    alias["enableCSRFProtection"] = json!(false);
    let mut by_reference = body.clone();
    by_reference
        .as_object_mut()
        .unwrap()
        .remove("providerMetadata");
    by_reference["providerWorkspaceRef"] = json!("acme");
    let mut states = Vec::new();
    for body in [&body, &alias, &by_reference, &body] {
        let answer = world.api.post("/v1/oauth-connect", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(
            answer.header("content-type").starts_with("text/plain"),
            "{}",
            answer.header("content-type")
        );
        let url = answer.text();
        assert!(
            url.starts_with(&format!("{}/site/oauth2/authorize?", world.provider.url())),
            "{url}"
        );
        assert_eq!(parameter(&url, "response_type").as_deref(), Some("code"));
        assert_eq!(
            parameter(&url, "client_id").as_deref(),
            Some("sandbox-client")
        );
        let callback = format!("{}/callbacks/v1/oauth", world.api.origin);
        assert_eq!(parameter(&url, "redirect_uri"), Some(callback));
        // Bitbucket fixes the scopes on the consumer.
        assert_eq!(parameter(&url, "scope"), None);
        assert!(!url.contains("sandbox-secret"));
        let state = parameter(&url, "state").unwrap();
        assert!(state.len() >= 43 && !states.contains(&state));
        states.push(state);
    }
}

async fn what_is_missing_is_named(store: TestStore) {
    let world = World::idle(store).await;
    let body = world.connect_body(GROUP);
    let ask = async |body: &Value, status: u16| {
        world
            .api
            .post("/v1/oauth-connect", body)
            .await
            .problem(status)
            .to_string()
    };

    let problem = ask(&body, 400).await;
    assert!(problem.contains("provider app"), "{problem}");
    world.provider_app().await;
    for (pointer, value, words) in [
        ("/providerMetadata", json!({}), "workspace"),
        ("/providerMetadata", Value::Null, "workspace"),
        (
            "/providerMetadata/workspace/value",
            json!("  "),
            "workspace",
        ),
        ("/provider", json!("salesforce"), "bitbucket"),
    ] {
        let mut wrong = body.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let problem = ask(&wrong, 400).await;
        assert!(problem.contains(words), "{problem}");
        assert!(problem.contains("remedy"), "{problem}");
    }
    for name in ["groupRef", "consumerRef", "projectIdOrName", "provider"] {
        let mut without = body.clone();
        without.as_object_mut().unwrap().remove(name);
        assert!(ask(&without, 400).await.contains(name));
    }
    for name in ["groupRef", "consumerRef"] {
        let mut empty = body.clone();
        empty[name] = json!("");
        assert!(ask(&empty, 422).await.contains(name));
    }
    let mut app = body.clone();
    app["providerAppId"] = json!("nobodys");
    ask(&app, 404).await;
}

//! What the contract has, and a server of one's own does not.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use crate::contract::schema::Document;
use crate::world::{MANIFEST, PROJECT, World, path};

testing::both!(what_is_not_offered_says_so, nobody_is_told_without_a_key);

/// Method, path, the contract's template, status.
fn routes() -> Vec<(Method, String, &'static str, u16)> {
    let account = "/billingAccounts/{billingAccountId}/portalSession";
    let of_installation =
        "/projects/{projectIdOrName}/integrations/{integrationId}/object-metadata";
    let of_connection = "/projects/{projectIdOrName}/providers/{provider}/object-metadata";
    vec![
        (
            Method::GET,
            "/v1/orgs/o/billingAccount".into(),
            "/orgs/{orgId}/billingAccount",
            404,
        ),
        (
            Method::POST,
            "/v1/billingAccounts/b/portalSession".into(),
            account,
            404,
        ),
        (
            Method::GET,
            "/v1/claimed-domains?domain=example.com".into(),
            "/claimed-domains",
            404,
        ),
        (
            Method::POST,
            "/v1/claimed-domains".into(),
            "/claimed-domains",
            400,
        ),
        (
            Method::GET,
            "/v1/orgs/o/claimed-domains".into(),
            "/orgs/{orgId}/claimed-domains",
            404,
        ),
        (
            Method::POST,
            "/v1/custom-auth/connect".into(),
            "/custom-auth/connect",
            400,
        ),
        (
            Method::PUT,
            path("/integrations/bitbucket-sync/object-metadata"),
            of_installation,
            400,
        ),
        (
            Method::PUT,
            path("/providers/bitbucket/object-metadata"),
            of_connection,
            400,
        ),
    ]
}

async fn what_is_not_offered_says_so(store: TestStore) {
    let world = World::idle(store).await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    let contract = Document::open("api.json");
    for (method, place, template, status) in routes() {
        let body = json!({ "projectIdOrName": PROJECT })
            .to_string()
            .into_bytes();
        let answer = world.api.send(method.clone(), &place, body, &[]).await;
        let problem = answer.problem(status);
        assert!(
            problem["remedy"]
                .as_str()
                .is_some_and(|text| text.len() > 20),
            "{problem}"
        );
        let Some(contract) = &contract else {
            continue;
        };
        let answers = contract.answers(&method.as_str().to_lowercase(), template);
        let known = answers.contains_key(&status.to_string()) || answers.contains_key("default");
        assert!(known, "{method} {template} has no {status}");
        let wrong = contract.problems(contract.component("ApiProblem"), &problem);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    for place in [
        path("/integrations/none/object-metadata"),
        path("/providers/none/object-metadata"),
        "/v1/projects/none/providers/bitbucket/object-metadata".to_owned(),
    ] {
        world.api.put(&place, &json!({})).await.problem(404);
    }
}

async fn nobody_is_told_without_a_key(store: TestStore) {
    let world = World::idle(store).await;
    let nobody = world.api.without_key();
    for (method, place, ..) in routes() {
        let body = Value::Null.to_string().into_bytes();
        nobody.send(method, &place, body, &[]).await.problem(401);
    }
}

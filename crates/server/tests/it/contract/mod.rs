//! The answers of the whole happy path against the published contract: required
//! properties, types, enums. The contract is not part of the project, so these
//! tests pass over where it is absent, but not in CI.

mod description;
mod operations;
mod page;
mod pending;
pub(crate) mod schema;
mod walk;

use serde_json::Value;
use testing::TestStore;

use crate::world::steps::{GROUP, both, install_body, installations};
use crate::world::{Answer, MANIFEST, World, path};
use schema::Document;

testing::both!(
    answers_are_as_the_contract_says,
    messages_are_as_the_contract_says,
    triggered_reads_are_as_the_contract_says,
    metadata_is_as_the_contract_says,
    problems_are_as_the_contract_says
);

const PROJECT: &str = "/projects/{projectIdOrName}";
const INSTALLATIONS: &str =
    "/projects/{projectIdOrName}/integrations/{integrationId}/installations";

/// Checks an answer against the contract's operation.
#[track_caller]
pub(crate) fn check(api: &Document, method: &str, template: &str, answer: &Answer) -> Value {
    let status = answer.status.as_u16();
    let schema = api.answer(method, template, status);
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    let wrong = api.problems(schema, &value);
    assert!(
        wrong.is_empty(),
        "{method} {template} {status}:\n{}\n{value:#}",
        wrong.join("\n")
    );
    value
}

async fn answers_are_as_the_contract_says(store: TestStore) {
    let Some(contract) = Document::open("api.json") else {
        return;
    };
    let world = World::start(store).await;
    world.prepare().await;
    let created = world
        .api
        .post(&installations(), &install_body(GROUP, both()))
        .await;
    let installation = check(&contract, "post", INSTALLATIONS, &created);
    let operations = world.ended(&installation).await;
    let get = async |template: &str, rest: &str| {
        check(
            &contract,
            "get",
            &format!("{PROJECT}{template}"),
            &world.api.get(&path(rest)).await,
        )
    };

    check(
        &contract,
        "get",
        "/projects",
        &world.api.get("/v1/projects").await,
    );
    get("", "").await;
    get("", "?includeEntitlements=true").await;
    get("/provider-apps", "/provider-apps").await;
    get("/destinations", "/destinations").await;
    get(
        "/destinations/{destination}",
        "/destinations/inbox?includeSecrets=true",
    )
    .await;
    get("/integrations", "/integrations").await;
    get(
        "/integrations/{integrationIdOrName}",
        "/integrations/bitbucket-sync",
    )
    .await;
    let connections = get("/connections", "/connections").await;
    let id = connections[0]["id"].as_str().unwrap();
    get("/connections/{connectionId}", &format!("/connections/{id}")).await;
    get("/installations", "/installations").await;
    get(
        "/integrations/{integrationId}/installations",
        "/integrations/bitbucket-sync/installations",
    )
    .await;
    let one = format!(
        "/integrations/bitbucket-sync/installations/{}",
        installation["id"].as_str().unwrap()
    );
    let template = "/integrations/{integrationId}/installations/{installationId}";
    get(template, &one).await;
    get(
        &format!("{template}/operations"),
        &format!("{one}/operations?pageSize=1"),
    )
    .await;
    let progress = format!("{template}/objects/{{objectName}}/backfill-progress");
    get(&progress, &format!("{one}/objects/repos/backfill-progress")).await;
    let operation = operations["repositories"]["id"].as_str().unwrap();
    get(
        "/operations/{operationId}",
        &format!("/operations/{operation}"),
    )
    .await;
    get(
        "/operations/{operationId}/logs",
        &format!("/operations/{operation}/logs"),
    )
    .await;
}

async fn messages_are_as_the_contract_says(store: TestStore) {
    let Some(contract) = Document::open("webhook.json") else {
        return;
    };
    let world = World::start(store).await;
    world.prepare().await;
    world.install(both()).await;
    world.arrived(242).await;
    for delivery in world.receiver.taken() {
        let wrong = contract.problems(contract.component("WebhookMessage"), &delivery.message());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

async fn triggered_reads_are_as_the_contract_says(store: TestStore) {
    let Some(contract) = Document::open("read.json") else {
        return;
    };
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    let template = "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}";
    for mode in ["async", "sync"] {
        let body = serde_json::json!({ "groupRef": GROUP, "mode": mode });
        let address = path("/integrations/bitbucket-sync/objects/repos");
        let answer = world.api.post(&format!("/read{address}"), &body).await;
        check(&contract, "post", template, &answer);
    }
}

async fn metadata_is_as_the_contract_says(store: TestStore) {
    let Some(contract) = Document::open("api.json") else {
        return;
    };
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    world.install(both()).await;
    let integration = world.api.get(&path("/integrations/bitbucket-sync")).await;
    let revision = integration.json(200)["latestRevision"]["id"].clone();
    let (revision, connection) = (
        revision.as_str().unwrap(),
        connection["id"].as_str().unwrap(),
    );
    for (template, rest) in [
        (
            "/integrations/{integrationId}/revisions/{revisionId}:hydrate",
            format!(
                "/integrations/bitbucket-sync/revisions/{revision}:hydrate?connectionId={connection}"
            ),
        ),
        (
            "/integrations/{integrationId}/objects/{objectName}/metadata",
            format!("/integrations/bitbucket-sync/objects/repos/metadata?groupRef={GROUP}"),
        ),
        (
            "/providers/{provider}/objects/{objectName}/metadata",
            format!("/providers/bitbucket/objects/hooks/metadata?groupRef={GROUP}"),
        ),
    ] {
        let answer = world.api.get(&path(&rest)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        check(&contract, "get", &format!("{PROJECT}{template}"), &answer);
    }
}

async fn problems_are_as_the_contract_says(store: TestStore) {
    let Some(contract) = Document::open("api.json") else {
        return;
    };
    let world = World::idle(store).await;
    let broken = MANIFEST.replace("uuid", "");
    let batch = serde_json::json!({ "sourceYaml": broken });
    for answer in [
        world.api.without_key().get("/v1/projects").await,
        world.api.get("/v1/projects/nobodys").await,
        world.api.put(&path("/integrations:batch"), &batch).await,
    ] {
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        let wrong = contract.problems(contract.component("ApiProblem"), &problem);
        assert!(wrong.is_empty(), "{}\n{problem:#}", wrong.join("\n"));
    }
}

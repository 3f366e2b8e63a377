//! One table of every route that takes an integration or an object: an integration
//! goes by its id or its name, and the name of an object may hold a slash, as it is
//! or as `%2F`.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{GROUP, install_body};
use crate::world::{PROJECT, World, path};

testing::both!(
    an_integration_goes_by_id_and_by_name,
    a_slash_in_an_object_is_plain_or_encoded
);

const OBJECT: &str = "pipelines-config/variables";
const MANIFEST: &str = "\
specVersion: 1.0.0
integrations:
  - name: slashed sync
    provider: bitbucket
    read:
      objects:
        - objectName: pipelines-config/variables
          mapToName: ci/variables
          destination: inbox
          requiredFields: [{fieldName: uuid}]
          delivery: {mode: onRequest, pageSize: 50}
          backfill: {defaultPeriod: {fullHistory: true}}
";

/// An installed integration: the integration and the installation.
async fn installed(store: TestStore) -> (World, Value, Value) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.destination().await;
    let integration = world.deploy(MANIFEST).await;
    world.connect(GROUP).await;
    let objects = json!({ OBJECT: { "objectName": OBJECT, "selectedFieldsAuto": "all" } });
    let place = path("/integrations/slashed%20sync/installations");
    let installation = world.api.post(&place, &install_body(GROUP, objects)).await;
    (world, integration, installation.json(201))
}

/// A request, its path cut where the project and the integration go, and the status
/// of success.
type Call = (Method, &'static str, String, Value, u16);

/// Every route with an integration in its path but those that end it.
fn routes(installation: &Value, revision: &str) -> Vec<Call> {
    let id = installation["id"].as_str().unwrap();
    let connection = installation["connection"]["id"].as_str().unwrap();
    let one = format!("/installations/{id}");
    let config = json!({
        "groupRef": GROUP, "action": "read",
        "changes": [{ "op": "replace", "path": "/selectedFieldsAuto", "value": "all" }],
    });
    let masked = json!({
        "updateMask": ["config.createdBy"], "installation": { "config": { "createdBy": "api" } },
    });
    let trigger = json!({ "groupRef": GROUP, "mode": "async" });
    let pages = json!({ "groupRef": GROUP, "pages": 1 });
    let source = json!({ "sourceYaml": MANIFEST });
    // By what nobody can search, so that the answer is about that.
    let search = json!({ "objectName": OBJECT, "fieldFilters": [
        { "fieldName": "key", "operator": "eq", "value": "x" },
    ]});
    let hydrate = format!("/revisions/{revision}:hydrate?connectionId={connection}");
    let metadata = format!("/objects/{{object}}/metadata?groupRef={GROUP}");
    let progress = format!("{one}/objects/{{object}}/backfill-progress");
    let get = |rest: &str| (Method::GET, "/v1", rest.to_owned(), Value::Null, 200);
    let post = |api, rest: &str, body, status| (Method::POST, api, rest.to_owned(), body, status);
    let patch = |rest: &str, body| (Method::PATCH, "/v1", rest.to_owned(), body, 200);
    vec![
        get(""),
        get("/installations"),
        get(&one),
        get(&format!("{one}/operations")),
        get(&progress),
        get(&hydrate),
        get(&metadata),
        patch("/objects/{object}/config-content", config),
        patch(&one, masked),
        post("/v1", "/revisions", source, 201),
        post("/read/v1", "/objects/{object}", trigger, 201),
        post("/read/v1", "/objects/{object}:deliverResults", pages, 204),
        post("/read/v1", &format!("{one}:pause"), Value::Null, 204),
        post("/read/v1", &format!("{one}:unpause"), Value::Null, 204),
        post("/search/v1", &format!("?groupRef={GROUP}"), search, 400),
    ]
}

/// Sends every request for an integration and an object that are named so.
async fn send_all(world: &World, all: &[Call], (named, object): (&str, &str)) {
    for (method, api, rest, body, status) in all {
        let rest = rest.replace("{object}", object);
        let place = format!("{api}/projects/{PROJECT}/integrations/{named}{rest}");
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let answer = world.api.send(method.clone(), &place, body, &[]).await;
        assert_eq!(
            answer.status,
            *status,
            "{method} {place}: {}",
            answer.text()
        );
    }
}

async fn an_integration_goes_by_id_and_by_name(store: TestStore) {
    let (world, integration, installation) = installed(store).await;
    let revision = integration["latestRevision"]["id"].as_str().unwrap();
    let all = routes(&installation, revision);
    for named in [integration["id"].as_str().unwrap(), "slashed%20sync"] {
        send_all(&world, &all, (named, "ci/variables")).await;
    }
    // What ends things goes by the name as well.
    let one = format!(
        "/integrations/slashed%20sync/installations/{}",
        installation["id"].as_str().unwrap()
    );
    assert_eq!(world.api.delete(&path(&one)).await.status, 204);
    let whole = path("/integrations/slashed%20sync");
    assert_eq!(world.api.delete(&whole).await.status, 204);
    world.api.get(&whole).await.problem(404);
}

async fn a_slash_in_an_object_is_plain_or_encoded(store: TestStore) {
    let (world, integration, installation) = installed(store).await;
    let revision = integration["latestRevision"]["id"].as_str().unwrap();
    let all = routes(&installation, revision);
    for object in [
        OBJECT,
        "pipelines-config%2Fvariables",
        "pipelines-config%2fvariables",
        "ci/variables",
        "ci%2Fvariables",
    ] {
        send_all(&world, &all, ("slashed%20sync", object)).await;
    }
    for object in [OBJECT, "pipelines-config%2Fvariables"] {
        let place = path(&format!(
            "/providers/bitbucket/objects/{object}/metadata?groupRef={GROUP}"
        ));
        let found = world.api.get(&place).await.json(200);
        assert_eq!(found["name"], OBJECT);
    }
}

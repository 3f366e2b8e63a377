//! The call of the stock write SDK, `POST {serverURL}/projects/…`, as its source makes
//! it: the object's name encoded as one segment, the key in a header. (Its other headers are
//! those that clients generated like it send.) `Accept` comes with
//! weights. What comes back is held to the closed schemas that the SDK parses by: a key
//! that they do not know, or one that is missing, is an error there.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use crate::contract::schema::Document;
use crate::world::steps::{GROUP, install_body, installations};
use crate::world::{PROJECT, World};

testing::both!(the_stock_call_is_answered_in_the_shapes_that_it_validates);

const MANIFEST: &str = include_str!("../write/manifest.yaml");
const OPERATION: &str =
    "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}";

async fn the_stock_call_is_answered_in_the_shapes_that_it_validates(store: TestStore) {
    let Some(contract) = Document::open("write.json") else {
        return;
    };
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    world.connect(GROUP).await;
    let installed = install_body(GROUP, json!({}));
    world.api.post(&installations(), &installed).await.json(201);
    let record = |key: &str| json!({ "record": { "key": key, "value": "v" } });
    let single = |key: &str| record(key)["record"].clone();
    for (body, status) in [
        (
            json!({ "type": "create", "mode": "synchronous", "record": single("A") }),
            200,
        ),
        (json!({ "type": "create", "record": single("A") }), 422),
        (
            json!({ "type": "create", "batch": [record("B"), record("A")] }),
            200,
        ),
        (
            json!({ "type": "create", "batch": [record("A"), record("B")] }),
            422,
        ),
        (
            json!({ "type": "create", "mode": "asynchronous", "record": single("C") }),
            200,
        ),
    ] {
        let mut body: Value = body;
        body["groupRef"] = json!(GROUP);
        let place = format!(
            "/write/v1/projects/{PROJECT}/integrations/bitbucket-sync/objects/pipelines-config%2Fvariables"
        );
        let headers = [
            ("accept", "application/json;q=1, text/plain;q=0"),
            (
                "user-agent",
                "speakeasy-sdk/typescript 0.2.3 2.545.4 1.0.0 @amp-labs/sdk-node-write",
            ),
        ];
        let sent = body.to_string().into_bytes();
        let answer = world.api.send(Method::POST, &place, sent, &headers).await;
        let value = answer.json(status);
        let wrong = contract.problems(contract.answer("post", OPERATION, status), &value);
        assert!(wrong.is_empty(), "{body}: {}\n{value:#}", wrong.join("\n"));
    }
}

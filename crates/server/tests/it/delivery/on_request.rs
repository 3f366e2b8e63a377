//! `delivery.mode: onRequest`: messages wait until they are asked for.

use serde_json::json;
use testing::TestStore;

use crate::world::steps::{GROUP, everything};
use crate::world::{MANIFEST, World, path};

testing::both!(results_are_delivered_when_asked_for);

/// The manifest with its second object delivered on request.
fn manifest() -> String {
    MANIFEST.replace(
        "        - objectName: projects\n",
        "        - objectName: projects\n          mapToName: folders/all\n          delivery:\n            mode: onRequest\n            pageSize: 50\n",
    )
}

async fn results_are_delivered_when_asked_for(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world.deploy(&manifest()).await;
    let installation = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world.ended(&installation).await;
    let held = world
        .api
        .get(&path("/deliveries?status=held"))
        .await
        .json(200);
    assert_eq!(held["results"].as_array().unwrap().len(), 1, "{held}");
    assert_eq!(held["results"][0]["numRecords"], 12);
    assert!(world.receiver.deliveries().is_empty());
    let ask = async |object: &str, body| {
        let place =
            format!("/read/v1/projects/acme-app/integrations/bitbucket-sync/objects/{object}");
        world.api.post(&place, &body).await
    };
    let wanted = |pages: i64| json!({ "groupRef": GROUP, "pages": pages });
    for (object, body, status) in [
        (
            "projects:deliverResults",
            json!({ "groupRef": "nobody", "pages": 1 }),
            400,
        ),
        ("projects:deliverResults", wanted(-1), 400),
        ("projects:deliverResults", json!({ "groupRef": GROUP }), 400),
        ("projects:explode", wanted(1), 404),
    ] {
        ask(object, body).await.problem(status);
    }
    assert_eq!(ask("projects:deliverResults", wanted(0)).await.status, 204);
    assert_eq!(
        ask("repositories:deliverResults", wanted(9)).await.status,
        204
    );
    let held = world
        .api
        .get(&path("/deliveries?status=held"))
        .await
        .json(200);
    assert_eq!(
        held["results"].as_array().unwrap().len(),
        1,
        "nothing went yet"
    );
    // The app's name of the object, slash and all.
    let answer = ask("folders/all:deliverResults", wanted(1)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    let arrived = world.arrived(12).await;
    assert_eq!(arrived["folders/all"].len(), 12);
}

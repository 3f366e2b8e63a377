//! Integrations made and ended one by one: `POST …/integrations`,
//! `DELETE …/integrations/{i}` and `POST …/integrations/{i}/revisions`.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{GROUP, both};
use crate::world::{MANIFEST, World, path};

testing::both!(
    an_integration_is_made_from_its_parts,
    what_deploy_refuses_is_refused_here,
    a_revision_is_added_to_one_integration,
    deleting_uninstalls_everywhere,
    browsers_may_do_none_of_it
);

fn content() -> Value {
    json!({
        "name": "made", "provider": "bitbucket", "displayName": "Made by hand",
        "read": { "objects": [{
            "objectName": "projects", "destination": "inbox", "schedule": "0 * * * *",
            "requiredFields": [{ "fieldName": "uuid" }],
        }] },
    })
}

fn body(content: Value) -> Value {
    json!({
        "name": "made", "provider": "bitbucket",
        "latestRevision": { "specVersion": "1.0.0", "content": content },
    })
}

async fn an_integration_is_made_from_its_parts(store: TestStore) {
    let world = World::idle(store).await;
    world.destination().await;
    let integrations = path("/integrations");
    let made = world.api.post(&integrations, &body(content())).await;
    assert_eq!((made.status.as_u16(), made.text().as_str()), (201, ""));
    let shown = world.api.get(&path("/integrations/made")).await.json(200);
    assert_eq!(shown["latestRevision"]["content"], content());
    // Once.
    let problem = world.api.post(&integrations, &body(content())).await;
    let problem = problem.problem(409);
    assert!(
        problem["detail"].as_str().unwrap().contains("made"),
        "{problem}"
    );
    assert_eq!(
        world.api.get(&path("/integrations/made")).await.json(200),
        shown
    );
}

async fn what_deploy_refuses_is_refused_here(store: TestStore) {
    let world = World::idle(store).await;
    let with = |pointer: &str, value: Value| {
        let mut body = body(content());
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let object = "/latestRevision/content/read/objects/0";
    for (wrong, said) in [
        (
            with(&format!("{object}/objectName"), json!("project")),
            "latestRevision.content.read.objects[0].objectName",
        ),
        (
            with(&format!("{object}/schedule"), json!("* * * * *")),
            "latestRevision.content.read.objects[0].schedule",
        ),
        (
            with("/latestRevision/specVersion", json!("2.0.0")),
            "latestRevision.specVersion",
        ),
        (with("/provider", json!("github")), "provider"),
        (with("/name", json!("other")), "name"),
        (with("/latestRevision/content", json!({})), "does nothing"),
    ] {
        let problem = world.api.post(&path("/integrations"), &wrong).await;
        let problem = problem.problem(422);
        let causes = problem["causes"].to_string();
        assert!(causes.contains(said), "{said}: {problem}");
    }
    for wrong in [json!({}), with("/latestRevision/content", json!("x"))] {
        world
            .api
            .post(&path("/integrations"), &wrong)
            .await
            .problem(400);
    }
    assert_eq!(
        world.api.get(&path("/integrations")).await.json(200),
        json!([])
    );
}

async fn a_revision_is_added_to_one_integration(store: TestStore) {
    let world = World::idle(store).await;
    let before = world.deploy(MANIFEST).await;
    let place = path("/integrations/bitbucket-sync/revisions");
    let post = async |yaml: &str| world.api.post(&place, &json!({ "sourceYaml": yaml })).await;
    // What else the manifest declares is not deployed.
    let (_, more) = MANIFEST.split_once("integrations:\n").unwrap();
    let two = format!(
        "{}{}",
        MANIFEST.replace("Bitbucket sync", "Another name"),
        more.replace("bitbucket-sync", "second-sync")
    );
    let added = post(&two).await;
    assert_eq!((added.status.as_u16(), added.text().as_str()), (201, ""));
    let integrations = world.api.get(&path("/integrations")).await.json(200);
    let [after] = integrations.as_array().unwrap().as_slice() else {
        panic!("{integrations}")
    };
    assert_eq!(after["id"], before["id"]);
    assert_ne!(
        after["latestRevision"]["id"],
        before["latestRevision"]["id"]
    );
    assert_eq!(
        after["latestRevision"]["content"]["displayName"],
        "Another name"
    );

    let other = MANIFEST.replace("bitbucket-sync", "second-sync");
    let problem = post(&other).await.problem(422);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("bitbucket-sync"),
        "{problem}"
    );
    post(&MANIFEST.replace("uuid", "")).await.problem(422);
    world.api.post(&place, &json!({})).await.problem(422);
    let unknown = path("/integrations/none/revisions");
    let source = json!({ "sourceYaml": MANIFEST });
    world.api.post(&unknown, &source).await.problem(404);
    assert_eq!(
        world.api.get(&path("/integrations")).await.json(200),
        integrations
    );
}

async fn deleting_uninstalls_everywhere(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let second = MANIFEST.replace("bitbucket-sync", "second-sync");
    world.deploy(&second).await;
    let installation = world.install(both()).await;
    world.ended(&installation).await;
    world.connect("customer-2").await;
    let body = crate::world::steps::install_body("customer-2", both());
    for integration in ["bitbucket-sync", "second-sync"] {
        let place = path(&format!("/integrations/{integration}/installations"));
        world.api.post(&place, &body).await.json(201);
    }
    let place = path("/integrations/bitbucket-sync");
    assert_eq!(world.api.delete(&place).await.status, 204);
    world.api.get(&place).await.problem(404);
    world.api.delete(&place).await.problem(404);
    let left = world.api.get(&path("/installations")).await.json(200);
    let [left] = left.as_array().unwrap().as_slice() else {
        panic!("{left}")
    };
    assert_eq!(left["group"]["groupRef"], "customer-2");
    // Connections go with their last installation.
    let connections = world.api.get(&path("/connections")).await.json(200);
    let [connection] = connections.as_array().unwrap().as_slice() else {
        panic!("{connections}")
    };
    assert_eq!(connection["group"]["groupRef"], "customer-2");
    let log = world.api.get(&path("/audit-log")).await.json(200);
    assert!(log.to_string().contains("integration.delete"), "{log}");
    // It can be made anew.
    world.connect(GROUP).await;
    world.deploy(MANIFEST).await;
    world.install(both()).await;
}

async fn browsers_may_do_none_of_it(store: TestStore) {
    let world = World::idle(store).await;
    world.deploy(MANIFEST).await;
    let key = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let browser = world.api.with_key(&key);
    let source = json!({ "sourceYaml": MANIFEST });
    let integration = path("/integrations/bitbucket-sync");
    browser
        .post(&path("/integrations"), &body(content()))
        .await
        .problem(403);
    browser
        .post(&format!("{integration}/revisions"), &source)
        .await
        .problem(403);
    browser.delete(&integration).await.problem(403);
}

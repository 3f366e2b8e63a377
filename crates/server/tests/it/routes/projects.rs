//! `/projects`.

use serde_json::json;
use testing::TestStore;

use crate::world::{PROJECT, World, path};

testing::both!(a_key_sees_its_project, a_project_is_renamed);

async fn a_key_sees_its_project(store: TestStore) {
    let world = World::idle(store).await;
    let project = world.api.get(&path("")).await.json(200);
    assert_eq!(project["name"], PROJECT);
    assert_eq!(project["appName"], "Acme App");
    assert!(project["orgId"].as_str().is_some_and(|id| !id.is_empty()));
    assert!(project.get("entitlements").is_none());
    assert_eq!(
        world.api.get("/v1/projects").await.json(200),
        json!([project])
    );

    let entitled = world
        .api
        .get(&path("?includeEntitlements=true"))
        .await
        .json(200);
    assert_eq!(entitled["entitlements"]["brandingRemoval"]["value"], true);
    let plain = world
        .api
        .get(&path("?includeEntitlements=false"))
        .await
        .json(200);
    assert_eq!(plain, project);

    // A key belongs to one project and makes no others.
    let new = json!({ "name": "another", "appName": "Another" });
    let problem = world.api.post("/v1/projects", &new).await.problem(403);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("ligature project create"),
        "{problem}"
    );
}

async fn a_project_is_renamed(store: TestStore) {
    let world = World::idle(store).await;
    world.add_project("taken").await;
    let patch = async |mask: &[&str], project: serde_json::Value| {
        let body = json!({ "updateMask": mask, "project": project });
        let body = body.to_string().into_bytes();
        world
            .api
            .send(http::Method::PATCH, &path(""), body, &[])
            .await
    };
    let changed = patch(&["appName"], json!({ "appName": "Acme!", "name": "no" }))
        .await
        .json(200);
    assert_eq!(
        (&changed["appName"], &changed["name"]),
        (&json!("Acme!"), &json!(PROJECT))
    );
    patch(&["name"], json!({ "name": "taken" }))
        .await
        .problem(409);
    patch(&["name"], json!({ "name": " " })).await.problem(422);
    patch(&["orgId"], json!({ "orgId": "x" }))
        .await
        .problem(400);
    patch(&["name"], json!({ "name": "renamed" }))
        .await
        .json(200);
    world.api.get("/v1/projects/renamed").await.json(200);
    world.api.get(&path("")).await.problem(404);
}

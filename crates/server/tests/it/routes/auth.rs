//! Who may ask for what.

use engine::actions;
use serde_json::json;
use testing::TestStore;

use crate::world::steps::{GROUP, everything, install_body, installations};
use crate::world::{World, path};

testing::both!(
    without_a_valid_key_there_is_nothing,
    a_project_of_someone_else_does_not_exist,
    a_frontend_key_may_connect_and_install_and_nothing_else,
);

async fn without_a_valid_key_there_is_nothing(store: TestStore) {
    let world = World::idle(store).await;
    let operator = world.engine.store.operator();
    let revoked = world.add_key(crate::world::PROJECT, &[]).await;
    world.api.with_key(&revoked).get(&path("")).await.json(200);
    actions::api_key::revoke(&world.engine, &operator, crate::world::PROJECT, &revoked)
        .await
        .unwrap();
    let whole = world.api.key.clone().unwrap();
    let public_part = whole.split('_').take(2).collect::<Vec<_>>().join("_");
    for api in [
        world.api.without_key(),
        world.api.with_key(""),
        world.api.with_key("wrong"),
        world.api.with_key(&public_part),
        world.api.with_key(&revoked),
    ] {
        for place in [
            "/v1/projects",
            &path(""),
            &path("/connections"),
            &path("/destinations"),
        ] {
            let answer = api.get(place).await;
            let problem = answer.problem(401);
            assert!(
                problem["remedy"]
                    .as_str()
                    .unwrap()
                    .contains("ligature api-key create"),
                "{problem}"
            );
            assert!(!answer.header("www-authenticate").is_empty());
        }
        api.post("/v1/oauth-connect", &world.connect_body(GROUP))
            .await
            .problem(401);
    }
}

async fn a_project_of_someone_else_does_not_exist(store: TestStore) {
    let world = World::idle(store).await;
    world.add_project("other-app").await;
    let other = world.api.with_key(&world.add_key("other-app", &[]).await);
    let other_id = other.get("/v1/projects/other-app").await.json(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for rest in [
        "",
        "/destinations",
        "/connections",
        "/integrations",
        "/provider-apps",
        "/operations/x",
    ] {
        let mut answers = Vec::new();
        for name in ["other-app", "never-made", &other_id] {
            let problem = world
                .api
                .get(&format!("/v1/projects/{name}{rest}"))
                .await
                .problem(404);
            let mut text = problem.clone();
            text["requestId"] = json!(null);
            answers.push(text.to_string().replace(name, "NAME"));
        }
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
    }
    let mut body = world.connect_body(GROUP);
    body["projectIdOrName"] = json!("other-app");
    world
        .api
        .post("/v1/oauth-connect", &body)
        .await
        .problem(404);
    // Its own, by name and by id.
    let id = world.api.get(&path("")).await.json(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.api.get(&format!("/v1/projects/{id}")).await.json(200);
    let listed = world.api.get("/v1/projects").await.json(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["id"], json!(id));
}

async fn a_frontend_key_may_connect_and_install_and_nothing_else(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.destination().await;
    let integration = world.deploy(crate::world::MANIFEST).await;
    let front = world
        .api
        .with_key(&world.add_key(crate::world::PROJECT, &["frontend"]).await);

    front.get(&path("")).await.json(200);
    front
        .get(&path("?includeEntitlements=true"))
        .await
        .json(200);
    front.get(&path("/integrations")).await.json(200);
    front
        .get(&format!("{}?groupRef={GROUP}", installations()))
        .await
        .json(200);
    let url = front
        .post("/v1/oauth-connect", &world.connect_body(GROUP))
        .await;
    assert_eq!(url.status, 200, "{}", url.text());
    world.consent(&url.text(), "approve").await;
    let connections = front
        .get(&path(&format!(
            "/connections?groupRef={GROUP}&provider=bitbucket"
        )))
        .await
        .json(200);
    front
        .get(&path(&format!(
            "/connections/{}",
            connections[0]["id"].as_str().unwrap()
        )))
        .await
        .json(200);
    let body = install_body(GROUP, json!({ "projects": everything("projects") }));
    let id = integration["id"].as_str().unwrap();
    let installed = front
        .post(&path(&format!("/integrations/{id}/installations")), &body)
        .await
        .json(201);
    let operations = format!(
        "{}/{}/operations",
        installations(),
        installed["id"].as_str().unwrap()
    );
    let operation = world.operations(&installed).await["projects"]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let forbidden = [
        front.get(&path("/provider-apps")).await,
        front
            .post(
                &path("/provider-apps"),
                &json!({ "provider": "bitbucket", "clientId": "a", "clientSecret": "b" }),
            )
            .await,
        front.get(&path("/destinations")).await,
        front
            .get(&path("/destinations/inbox?includeSecrets=true"))
            .await,
        front
            .post(
                &path("/destinations"),
                &json!({ "name": "x", "type": "webhook", "metadata": {} }),
            )
            .await,
        front
            .put(&path("/integrations:batch"), &json!({ "sourceYaml": "" }))
            .await,
        front.get(&path("/installations")).await,
        front.get(&operations).await,
        front.get(&path(&format!("/operations/{operation}"))).await,
        front
            .get(&path(&format!("/operations/{operation}/logs")))
            .await,
        front
            .post("/v1/projects", &json!({ "name": "x", "appName": "x" }))
            .await,
    ];
    for answer in forbidden {
        let problem = answer.problem(403);
        assert!(
            problem["remedy"].as_str().unwrap().contains("full"),
            "{problem}"
        );
    }
}

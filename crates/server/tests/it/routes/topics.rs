//! `/projects/{p}/topics`.

use serde_json::{Value, json};
use testing::TestStore;

use crate::contract::schema::Document;
use crate::world::{World, path};

testing::both!(
    topics_are_created_renamed_and_deleted,
    names_that_cannot_be_are_refused,
    topics_are_their_projects_own,
);

fn named(name: &str) -> Value {
    json!({ "name": name })
}

async fn topics_are_created_renamed_and_deleted(store: TestStore) {
    let world = World::idle(store).await;
    let topics = path("/topics");
    assert_eq!(world.api.get(&topics).await.json(200), json!([]));
    let longest = "a".repeat(64);
    let mut created = Vec::new();
    for name in ["System-Alerts-7", &longest] {
        let topic = world.api.post(&topics, &named(name)).await.json(201);
        assert_eq!(topic["name"], name);
        assert!(topic.get("updateTime").is_none());
        created.push(topic);
    }
    assert_eq!(world.api.get(&topics).await.json(200), json!(created));
    world.api.post(&topics, &named(&longest)).await.problem(409);

    let one = format!("{topics}/{}", created[0]["id"].as_str().unwrap());
    world.api.patch(&one, &named(&longest)).await.problem(409);
    let renamed = world.api.patch(&one, &named("alerts")).await.json(200);
    assert_eq!(renamed["name"], "alerts");
    assert_eq!(renamed["id"], created[0]["id"]);
    assert!(renamed["updateTime"].is_string());
    // Its own name is free to it, and its old one to others.
    world.api.patch(&one, &named("alerts")).await.json(200);
    let again = named("System-Alerts-7");
    world.api.post(&topics, &again).await.json(201);
    if let Some(contract) = Document::open("api.json") {
        let listed = world.api.get(&topics).await.json(200);
        for topic in listed.as_array().unwrap() {
            let wrong = contract.problems(contract.component("Topic"), topic);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }

    let deleted = world.api.delete(&one).await;
    assert_eq!(deleted.status, 204);
    assert!(deleted.body.is_empty());
    world.api.delete(&one).await.problem(404);
    world.api.patch(&one, &named("other")).await.problem(404);
    let left = world.api.get(&topics).await.json(200);
    assert_eq!(left.as_array().unwrap().len(), 2);
}

async fn names_that_cannot_be_are_refused(store: TestStore) {
    let world = World::idle(store).await;
    let topics = path("/topics");
    let topic = world.api.post(&topics, &named("alerts")).await.json(201);
    let one = format!("{topics}/{}", topic["id"].as_str().unwrap());
    for name in [
        "",
        "two words",
        "under_score",
        "dotted.name",
        "größe",
        &"a".repeat(65),
    ] {
        for answer in [
            world.api.post(&topics, &named(name)).await,
            world.api.patch(&one, &named(name)).await,
        ] {
            let problem = answer.problem(422);
            let remedy = problem["remedy"].as_str().unwrap();
            assert!(remedy.contains("letters, numbers and dashes"), "{remedy}");
        }
    }
    for body in [json!({}), json!({ "name": 7 }), json!([])] {
        world.api.post(&topics, &body).await.problem(400);
        world.api.patch(&one, &body).await.problem(400);
    }
    assert_eq!(world.api.get(&topics).await.json(200), json!([topic]));
}

async fn topics_are_their_projects_own(store: TestStore) {
    let world = World::idle(store).await;
    let topics = path("/topics");
    let topic = world.api.post(&topics, &named("alerts")).await.json(201);
    let one = format!("{topics}/{}", topic["id"].as_str().unwrap());
    world.add_project("other").await;
    let stranger = world.api.with_key(&world.add_key("other", &[]).await);
    let theirs = "/v1/projects/other/topics";
    let foreign = format!("{theirs}/{}", topic["id"].as_str().unwrap());
    stranger.get(&topics).await.problem(404);
    stranger.delete(&one).await.problem(404);
    stranger.delete(&foreign).await.problem(404);
    stranger.patch(&foreign, &named("mine")).await.problem(404);
    assert_eq!(stranger.get(theirs).await.json(200), json!([]));
    // The same name is free in another project.
    stranger.post(theirs, &named("alerts")).await.json(201);
    assert_eq!(world.api.get(&topics).await.json(200), json!([topic]));

    let browser = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let browser = world.api.with_key(&browser);
    browser.get(&topics).await.problem(403);
    browser.post(&topics, &named("x")).await.problem(403);
    browser.delete(&one).await.problem(403);
    world.api.without_key().get(&topics).await.problem(401);
}

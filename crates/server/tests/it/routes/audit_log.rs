//! `/projects/{p}/audit-log`: what is changed is written down, by whom.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{everything, installations};
use crate::world::{MANIFEST, PROJECT, World, path};

testing::both!(every_change_is_written_down, what_is_refused_is_not);

/// Everything that was written down, oldest first: who, what, to what.
async fn entries(world: &World) -> Vec<(String, String, String)> {
    let log = world.api.get(&path("/audit-log?pageSize=1000")).await;
    let log = log.json(200);
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let results = log["results"].as_array().unwrap().iter().rev();
    results
        .map(|entry| {
            (
                text(entry, "actor"),
                text(entry, "action"),
                text(entry, "subject"),
            )
        })
        .collect()
}

async fn every_change_is_written_down(store: TestStore) {
    let world = World::idle(store).await;
    let api = &world.api;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let before = entries(&world).await;
    let made: Vec<&str> = before.iter().map(|entry| entry.1.as_str()).collect();
    assert_eq!(made, ["project.create", "api-key.create"]);
    assert!(before.iter().all(|entry| entry.0 == "operator"));

    let key = api.key.clone().unwrap();
    let by_key = format!("api-key:{}", &key[..16]);
    let connection = world.prepare().await;
    let installation = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let installed = format!("{}/{}", installations(), id(&installation));
    let change = json!({
        "updateMask": ["config.content.read.objects.repositories"],
        "installation": { "config": { "content": { "read": { "objects": {
            "repositories": everything("repositories"),
        } } } } },
    });
    api.patch(&installed, &change).await.json(200);
    for act in ["pause", "unpause"] {
        let reads = path(&format!(
            "/integrations/bitbucket-sync/installations/{}:{act}",
            id(&installation)
        ));
        let done = api.post(&format!("/read{reads}"), &json!({})).await;
        assert!(done.status.is_success(), "{}", done.text());
    }
    api.delete(&installed).await;

    let inbox = api.get(&path("/destinations/inbox")).await.json(200);
    let url = json!({ "updateMask": ["metadata.url"], "destination": { "metadata": { "url": world.receiver.url("/b") } } });
    api.patch(&path("/destinations/inbox"), &url)
        .await
        .json(200);
    let rotate = path("/destinations/inbox:rotate-secret");
    api.post(&rotate, &json!({})).await.json(200);
    let spare = json!({ "name": "spare", "type": "webhook", "metadata": { "url": world.receiver.url("/c") } });
    let spare = api.post(&path("/destinations"), &spare).await.json(201);
    let one = path("/destinations/spare");
    assert_eq!(api.delete(&one).await.status, 204);

    let topic = api
        .post(&path("/topics"), &json!({ "name": "alerts" }))
        .await
        .json(201);
    let topic_path = path(&format!("/topics/{}", id(&topic)));
    api.patch(&topic_path, &json!({ "name": "alarms" }))
        .await
        .json(200);
    let route = json!({ "eventType": "read.backfill.done", "topicId": id(&topic) });
    let events = path("/notification-event-topic-routes");
    let event_route = api.post(&events, &route).await.json(201);
    let route = json!({ "topicId": id(&topic), "destinationId": id(&inbox) });
    let targets = path("/topic-destination-routes");
    let target_route = api.post(&targets, &route).await.json(201);
    api.delete(&format!("{events}/{}", id(&event_route))).await;
    api.delete(&format!("{targets}/{}", id(&target_route)))
        .await;
    api.delete(&topic_path).await;

    let all = entries(&world).await;
    let new: Vec<_> = all[before.len()..]
        .iter()
        .map(|(by, action, subject)| (by.as_str(), action.as_str(), subject.clone()))
        .collect();
    let integration = api
        .get(&path("/integrations/bitbucket-sync"))
        .await
        .json(200);
    let app = api.get(&path("/provider-apps")).await.json(200)[0].clone();
    let key = by_key.as_str();
    let expected = vec![
        (key, "provider-app.create", id(&app)),
        (key, "destination.create", id(&inbox)),
        (key, "destination.secret.read", id(&inbox)),
        (key, "integration.deploy", id(&integration)),
        ("consumer:ada", "connection.create", id(&connection)),
        (key, "installation.create", id(&installation)),
        (key, "installation.update", id(&installation)),
        (key, "installation.pause", id(&installation)),
        (key, "installation.unpause", id(&installation)),
        (key, "installation.delete", id(&installation)),
        (key, "connection.delete", id(&connection)),
        (key, "destination.update", id(&inbox)),
        (key, "destination.rotate-secret", id(&inbox)),
        (key, "destination.create", id(&spare)),
        (key, "destination.delete", id(&spare)),
        (key, "topic.create", id(&topic)),
        (key, "topic.update", id(&topic)),
        (key, "event-route.create", id(&event_route)),
        (key, "destination-route.create", id(&target_route)),
        (key, "event-route.delete", id(&event_route)),
        (key, "destination-route.delete", id(&target_route)),
        (key, "topic.delete", id(&topic)),
    ];
    assert_eq!(new, expected);
}

async fn what_is_refused_is_not(store: TestStore) {
    let world = World::idle(store).await;
    let before = entries(&world).await;
    let topic = json!({ "name": "alerts" });
    let front = world
        .api
        .with_key(&world.add_key(PROJECT, &["frontend"]).await);
    front.post(&path("/topics"), &topic).await.problem(403);
    let broken = json!({ "sourceYaml": MANIFEST.replace("uuid", "") });
    world
        .api
        .put(&path("/integrations:batch"), &broken)
        .await
        .problem(422);
    world.api.delete(&path("/topics/none")).await.problem(404);
    let after = entries(&world).await;
    let new: Vec<_> = after[before.len()..].iter().map(|entry| &entry.1).collect();
    assert_eq!(new, ["api-key.create"], "of the front end's key alone");
}

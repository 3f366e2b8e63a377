//! `/downloads/v1/…`: one record that is too big for any message.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::everything;
use crate::world::{Plan, World};

testing::both!(
    a_big_record_is_fetched_by_its_link,
    a_very_big_record_lies_in_the_object_store,
    an_object_goes_when_its_message_does,
    links_are_made_here_and_end
);

/// The sandbox's page of projects with one record of about `bytes` bytes; its
/// raw text.
async fn big_project(world: &World, bytes: usize) -> String {
    let url = format!(
        "{}/2.0/workspaces/acme/projects?pagelen=1",
        world.provider.url()
    );
    let page: Value = serde_json::from_str(&world.provider.page(&url).await).unwrap();
    let mut record = page["values"][0].clone();
    // Not as a serialiser would write it, so that it shows when one has.
    record["description"] = json!("x".repeat(bytes));
    let raw = record
        .to_string()
        .replacen(",", " ,\n  ", 1)
        .replace("xxxxxxxxxx", "x\\u0078xxxxxxxx");
    let body = format!("{{\"pagelen\":100,\"size\":1,\"page\":1,\"values\":[{raw}]}}");
    let action = json!({ "kind": "respond", "status": 200, "content_type": "application/json", "body": body });
    world
        .provider
        .fault("/2.0/workspaces/acme/projects", 1, 0, action)
        .await;
    raw
}

async fn a_big_record_is_fetched_by_its_link(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let raw = big_project(&world, 200_000).await;
    assert!(raw.len() > 300_000);
    let installed = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    assert_eq!(
        world.ended(&installed).await["projects"]["status"],
        "success"
    );
    world.arrived(1).await;
    let delivery = &world.receiver.taken()[0];
    assert!(delivery.genuine && delivery.body.len() < 10_000);
    let message = delivery.message();
    assert_eq!(message["resultInfo"]["type"], "url");
    assert_eq!(message["resultInfo"]["numRecords"], 1);
    assert!(message.get("result").is_none());
    assert_eq!(message["objectName"], "projects");
    let url = message["resultInfo"]["downloadUrl"].as_str().unwrap();
    let answer = world.follow(url).await;
    let text = answer.text();
    let entries = answer.json(200);
    assert_eq!(entries.as_array().unwrap().len(), 1);
    assert!(
        text.contains(&format!("\"raw\":{raw}")),
        "the record is not as it was sent"
    );
    assert!(entries[0]["fields"]["key"].is_string());
}

/// A world that keeps big results in a directory.
async fn world_with_objects(store: TestStore, dir: &std::path::Path) -> World {
    let outbound = outbound::Outbound::new(&outbound::Settings::new("test")).unwrap();
    let location = outbound::ObjectLocation::Directory(dir.to_owned());
    let plan = Plan {
        objects: Some(outbound::Objects::new(&outbound, location).unwrap()),
        ..Plan::default()
    };
    let world = World::planned(store, plan).await;
    world.prepare().await;
    world
}

async fn an_object_goes_when_its_message_does(store: TestStore) {
    let dir = tempfile::tempdir().unwrap();
    let world = world_with_objects(store, dir.path()).await;
    big_project(&world, 900_000).await;
    world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world.arrived(1).await;
    world
        .until("the acknowledgement", async || {
            let overview = world.engine.store.overview(99).await.unwrap();
            (overview.messages_delivered == 1).then_some(())
        })
        .await;
    world.clock.advance(SignedDuration::from_hours(29 * 24));
    assert_eq!(files_below(dir.path()).len(), 1);
    world.clock.advance(SignedDuration::from_hours(2 * 24));
    world
        .until("the object is deleted", async || {
            files_below(dir.path()).is_empty().then_some(())
        })
        .await;
    let overview = world.engine.store.overview(99).await.unwrap();
    assert_eq!(overview.messages_delivered, 0);
}

async fn a_very_big_record_lies_in_the_object_store(store: TestStore) {
    let dir = tempfile::tempdir().unwrap();
    let world = world_with_objects(store, dir.path()).await;
    let raw = big_project(&world, 900_000).await;
    assert!(raw.len() > 1_100_000);
    world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world.arrived(1).await;
    let message = world.receiver.taken()[0].message();
    let url = message["resultInfo"]["downloadUrl"].as_str().unwrap();
    let answer = world.follow(url).await;
    let text = answer.text();
    assert_eq!(answer.json(200).as_array().unwrap().len(), 1);
    assert!(text.contains(&format!("\"raw\":{raw}")));
    // It is there, and compressed.
    let files = files_below(dir.path());
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(std::fs::metadata(&files[0]).unwrap().len() < 100_000);
    // Without it the link says so, and tells nothing else.
    std::fs::remove_file(&files[0]).unwrap();
    let problem = world.follow(url).await.problem(503).to_string();
    assert!(!problem.contains("results/"), "{problem}");
}

fn files_below(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

async fn links_are_made_here_and_end(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    big_project(&world, 400_000).await;
    // Refused once: the link is made anew at the second attempt.
    world.receiver.answer_next(&[500]);
    world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world
        .until("the first attempt", async || {
            (!world.receiver.deliveries().is_empty()).then_some(())
        })
        .await;
    let link = |index: usize| {
        let message = world.receiver.deliveries()[index].message();
        message["resultInfo"]["downloadUrl"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = link(0);
    world.follow(&first).await.json(200);
    let (address, query) = first.split_once('?').unwrap();
    for forged in [
        address.to_owned(),
        format!("{address}?{}", query.replace("expires=", "expires=9")),
        format!("{address}x?{query}"),
        format!("{address}?{}", query.replace("signature=", "signature=00")),
        format!(
            "{address}?{}&signature=00",
            query.split('&').next().unwrap()
        ),
    ] {
        world.follow(&forged).await.problem(403);
    }
    world.clock.advance(SignedDuration::from_secs(16 * 60));
    let problem = world.follow(&first).await.problem(410);
    assert!(problem["remedy"].is_string());
    world
        .until("the second attempt", async || {
            (world.receiver.deliveries().len() > 1).then_some(())
        })
        .await;
    world.follow(&link(1)).await.json(200);
    assert_ne!(link(1), first);
}

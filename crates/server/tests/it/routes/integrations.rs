//! `/projects/{p}/integrations` and `integrations:batch`.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::{MANIFEST, World, path};

testing::both!(
    a_manifest_is_answered_as_it_was_written,
    a_broken_manifest_changes_nothing,
    a_redeploy_keeps_the_id
);

async fn a_manifest_is_answered_as_it_was_written(store: TestStore) {
    let world = World::idle(store).await;
    let batch = json!({ "sourceYaml": MANIFEST });
    let deployed = world
        .api
        .put(&path("/integrations:batch"), &batch)
        .await
        .json(200);
    let [integration] = deployed.as_array().unwrap().as_slice() else {
        panic!("{deployed}")
    };
    assert_eq!(integration["name"], "bitbucket-sync");
    assert_eq!(integration["provider"], "bitbucket");
    assert_eq!(integration["latestRevision"]["specVersion"], "1.0.0");
    let content = &integration["latestRevision"]["content"];
    assert_eq!(content["displayName"], "Bitbucket sync");
    assert_eq!(content["proxy"], json!({ "enabled": true }));
    let objects = content["read"]["objects"].as_array().unwrap();
    let expected = json!([
        { "fieldName": "uuid" },
        { "fieldName": "full_name" },
        { "fieldName": "$['project']['key']", "mapToName": "projectKey" },
    ]);
    assert_eq!(objects[0]["requiredFields"], expected);
    let expected = json!([
        { "fieldName": "language" },
        { "fieldName": "description" },
        { "mapToName": "secrecy", "default": "is_private" },
        { "mapToName": "label", "prompt": "Which field is the label?" },
    ]);
    assert_eq!(objects[0]["optionalFields"], expected);
    assert_eq!(objects[0]["optionalFieldsAuto"], "all");
    assert_eq!(objects[0]["mapToName"], "repos");
    assert_eq!(objects[0]["schedule"], "0 * * * *");
    assert_eq!(
        objects[0]["backfill"],
        json!({ "defaultPeriod": { "fullHistory": true } })
    );
    // Clients require the key, though the manifest has none.
    assert_eq!(objects[1]["schedule"], "");
    assert!(objects[1].get("optionalFields").is_none());

    assert_eq!(
        world.api.get(&path("/integrations")).await.json(200),
        deployed
    );
    for place in ["bitbucket-sync", integration["id"].as_str().unwrap()] {
        assert_eq!(
            world
                .api
                .get(&path(&format!("/integrations/{place}")))
                .await
                .json(200),
            *integration
        );
    }
    world
        .api
        .get(&path("/integrations/none"))
        .await
        .problem(404);
}

async fn a_broken_manifest_changes_nothing(store: TestStore) {
    let world = World::idle(store).await;
    let before = world.deploy(MANIFEST).await;
    let broken = MANIFEST
        .replace("objectName: projects", "objectName: project-list")
        .replace("\"0 * * * *\"", "\"* * * * *\"")
        .replace(
            "fullHistory: true",
            "fullHistory: true\n              days: 3",
        )
        .replace("displayName: Bitbucket sync", "displayName: Something else");
    let put = async |body: &Value| world.api.put(&path("/integrations:batch"), body).await;
    let problem = put(&json!({ "sourceYaml": broken })).await.problem(422);
    let causes: Vec<&str> = problem["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause.as_str().unwrap())
        .collect();
    for (text, words) in [
        ("project-list", "project-list"),
        ("* * * * *", "schedule"),
        ("days: 3", "defaultPeriod"),
    ] {
        let line = 1 + broken.lines().position(|line| line.contains(text)).unwrap();
        let cause = causes
            .iter()
            .find(|cause| cause.contains(words))
            .unwrap_or_else(|| panic!("{words}: {causes:#?}"));
        let (place, _) = cause.split_once(' ').unwrap();
        let (at_line, at_column) = place.split_once(':').unwrap();
        let at_line: usize = at_line.parse().unwrap();
        // A problem of a pair of keys is at the one or the other.
        assert!(
            at_line.abs_diff(line) <= 2,
            "{cause} is not near line {line}"
        );
        assert!(at_column.parse::<usize>().unwrap() > 1, "{cause}");
    }
    assert!(causes.len() >= 4, "{causes:#?}");
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("nothing was changed"),
        "{problem}"
    );
    for body in [
        json!({ "sourceYaml": "" }),
        json!({ "sourceYaml": ": [" }),
        json!({}),
        json!({ "sourceZipUrl": "gs://a/b" }),
    ] {
        put(&body).await.problem(422);
    }
    assert_eq!(
        world.api.get(&path("/integrations")).await.json(200),
        json!([before])
    );
}

async fn a_redeploy_keeps_the_id(store: TestStore) {
    let world = World::idle(store).await;
    let first = world.deploy(MANIFEST).await;
    let same = world.deploy(MANIFEST).await;
    assert_eq!(same["id"], first["id"]);
    assert_eq!(same["latestRevision"]["id"], first["latestRevision"]["id"]);
    let other = world
        .deploy(&MANIFEST.replace("Bitbucket sync", "Another name"))
        .await;
    assert_eq!(other["id"], first["id"]);
    assert_ne!(other["latestRevision"]["id"], first["latestRevision"]["id"]);
    assert_eq!(
        other["latestRevision"]["content"]["displayName"],
        "Another name"
    );
    assert_eq!(
        world
            .api
            .get(&path("/integrations"))
            .await
            .json(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let added = world
        .deploy(&MANIFEST.replace("bitbucket-sync", "second-sync"))
        .await;
    assert_ne!(added["id"], first["id"]);
    assert_eq!(
        world
            .api
            .get(&path("/integrations"))
            .await
            .json(200)
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

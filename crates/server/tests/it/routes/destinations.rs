//! `/projects/{p}/destinations`.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::{Plan, World, path};

testing::both!(
    a_destination_has_a_secret_of_its_own,
    other_types_are_refused_by_name,
    only_what_may_be_reached_can_be_a_destination,
    the_zero_values_of_the_amp_cli_are_passed_over,
);

fn webhook(name: &str, url: &str) -> Value {
    json!({ "name": name, "type": "webhook", "metadata": { "url": url } })
}

async fn a_destination_has_a_secret_of_its_own(store: TestStore) {
    let world = World::idle(store).await;
    let url = world.receiver.url("/hook");
    let mut secrets = Vec::new();
    for name in ["one", "two"] {
        let created = world
            .api
            .post(&path("/destinations"), &webhook(name, &url))
            .await;
        assert!(!created.text().contains("whsec_"));
        let created = created.json(201);
        assert_eq!(created["name"], name);
        assert_eq!(created["type"], "webhook");
        assert_eq!(created["metadata"], json!({ "url": url }));
        let id = created["id"].as_str().unwrap();
        for place in [name, id] {
            let plain = world
                .api
                .get(&path(&format!("/destinations/{place}")))
                .await
                .json(200);
            assert_eq!(plain, created);
            let shown = world
                .api
                .get(&path(&format!("/destinations/{place}?includeSecrets=true")))
                .await
                .json(200);
            let secret = shown["secrets"]["webhookSigningKey"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(
                secret.starts_with("whsec_") && standardwebhooks::Webhook::new(&secret).is_ok()
            );
            secrets.push(secret);
        }
    }
    assert_eq!(secrets[0], secrets[1]);
    assert_ne!(secrets[0], secrets[2]);
    let listed = world.api.get(&path("/destinations")).await;
    assert!(!listed.text().contains("whsec_"));
    let listed = listed.json(200);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(
        listed
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["metadata"].is_object())
    );
    world
        .api
        .post(&path("/destinations"), &webhook("one", &url))
        .await
        .problem(409);
    world
        .api
        .get(&path("/destinations/three"))
        .await
        .problem(404);
}

async fn other_types_are_refused_by_name(store: TestStore) {
    let world = World::idle(store).await;
    for kind in ["kinesis", "s3", "clickhouse", "carrier-pigeon", ""] {
        let new = json!({ "name": "x", "type": kind, "metadata": { "streamName": "s" } });
        let problem = world
            .api
            .post(&path("/destinations"), &new)
            .await
            .problem(422);
        assert!(
            problem["remedy"].as_str().unwrap().contains("webhook"),
            "{problem}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(kind),
            "{problem}"
        );
    }
}

async fn only_what_may_be_reached_can_be_a_destination(store: TestStore) {
    let plan = Plan {
        may_reach_loopback: false,
        works: false,
        ..Plan::default()
    };
    let world = World::planned(store, plan).await;
    for url in [
        "http://127.0.0.1:9/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://[::ffff:127.0.0.1]/hook",
        "https://localhost/hook",
        "https://10.1.2.3/hook",
        "https://192.168.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/hook",
        "https://2130706433/hook",
        "http://203.0.114.1/hook",
        "ftp://203.0.114.1/hook",
        "not a url",
        "/relative",
    ] {
        let answer = world
            .api
            .post(&path("/destinations"), &webhook("x", url))
            .await;
        let problem = answer.problem(422);
        assert!(
            problem["detail"].as_str().unwrap().contains("metadata.url"),
            "{url}: {problem}"
        );
        assert!(problem["remedy"].is_string(), "{problem}");
    }
    for metadata in [
        json!({}),
        json!({ "url": "" }),
        json!({ "url": 7 }),
        json!({ "url": null }),
    ] {
        let new = json!({ "name": "x", "type": "webhook", "metadata": metadata });
        let problem = world
            .api
            .post(&path("/destinations"), &new)
            .await
            .problem(422);
        assert!(
            problem["detail"].as_str().unwrap().contains("metadata.url"),
            "{problem}"
        );
    }
    let mut named = webhook("", "https://203.0.114.1/hook");
    world
        .api
        .post(&path("/destinations"), &named)
        .await
        .problem(422);
    named["name"] = json!("x");
    named["metadata"]["headers"] = json!({ "X-Number": 7 });
    world
        .api
        .post(&path("/destinations"), &named)
        .await
        .problem(422);
    assert_eq!(
        world.api.get(&path("/destinations")).await.json(200),
        json!([])
    );
    named["metadata"]["headers"] = json!({ "X-Text": "7" });
    world
        .api
        .post(&path("/destinations"), &named)
        .await
        .json(201);
}

async fn the_zero_values_of_the_amp_cli_are_passed_over(store: TestStore) {
    let world = World::idle(store).await;
    let mut new = webhook("inbox", &world.receiver.url("/hook"));
    new["id"] = json!("");
    new["projectId"] = json!("");
    new["createTime"] = json!("0001-01-01T00:00:00Z");
    new["updateTime"] = json!("0001-01-01T00:00:00Z");
    let created = world.api.post(&path("/destinations"), &new).await.json(201);
    assert!(!created["id"].as_str().unwrap().is_empty());
    assert!(
        created["createTime"].as_str().unwrap().starts_with("20"),
        "{created}"
    );
}

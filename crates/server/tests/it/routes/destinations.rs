//! `/projects/{p}/destinations`.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::everything;
use crate::world::{MANIFEST, Plan, World, path};

testing::both!(
    a_destination_has_a_secret_of_its_own,
    other_types_are_refused_by_name,
    only_what_may_be_reached_can_be_a_destination,
    the_zero_values_of_the_amp_cli_are_passed_over,
    a_mask_says_what_is_changed,
    the_amp_cli_masks_more_than_it_sends,
    wrong_changes_are_refused,
    a_destination_in_use_is_neither_renamed_nor_deleted,
    names_are_letters_numbers_and_dashes,
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

async fn a_mask_says_what_is_changed(store: TestStore) {
    let world = World::idle(store).await;
    let (old, new) = (world.receiver.url("/old"), world.receiver.url("/new"));
    let mut create = webhook("inbox", &old);
    create["metadata"]["headers"] = json!({ "Authorization": "Bearer 1234" });
    let created = world
        .api
        .post(&path("/destinations"), &create)
        .await
        .json(201);
    let id = created["id"].as_str().unwrap();
    let patch = async |mask: Value, fields: Value| {
        let body = json!({ "updateMask": mask, "destination": fields });
        let place = path(&format!("/destinations/{id}"));
        world.api.patch(&place, &body).await.json(200)
    };
    // `sync-ngrok` of the amp CLI: the address alone, and the headers stay.
    let changed = patch(
        json!(["metadata.url"]),
        json!({ "name": "unmasked", "metadata": { "url": new, "headers": {} } }),
    )
    .await;
    assert_eq!(changed["name"], "inbox", "what is not masked stays");
    assert_eq!(
        changed["metadata"],
        json!({ "url": new, "headers": { "Authorization": "Bearer 1234" } })
    );
    assert!(changed["updateTime"].is_string(), "{changed}");
    let changed = patch(
        json!(["name", "metadata.headers", "metadata.ordered"]),
        json!({ "name": "in-order", "metadata": { "headers": { "X-A": "b" }, "ordered": true } }),
    )
    .await;
    assert_eq!(changed["name"], "in-order");
    assert_eq!(
        changed["metadata"],
        json!({ "url": new, "headers": { "X-A": "b" }, "ordered": true })
    );
    let changed = patch(json!(["metadata.headers"]), json!({ "metadata": {} })).await;
    assert_eq!(
        changed["metadata"],
        json!({ "url": new, "ordered": true }),
        "headers can be removed"
    );
    let shown = world
        .api
        .get(&path("/destinations/in-order"))
        .await
        .json(200);
    assert_eq!(shown, changed);
    let gone = world
        .api
        .delete(&path(&format!("/destinations/{id}")))
        .await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    world
        .api
        .delete(&path("/destinations/in-order"))
        .await
        .problem(404);
}

async fn the_amp_cli_masks_more_than_it_sends(store: TestStore) {
    let world = World::idle(store).await;
    let url = world.receiver.url("/hook");
    let create = webhook("inbox", &url);
    world
        .api
        .post(&path("/destinations"), &create)
        .await
        .json(201);
    let mask = json!(["name", "type", "metadata"]);
    let metadata = json!({ "url": url, "headers": { "X-A": "b" } });
    let body = json!({ "updateMask": mask, "destination": { "metadata": metadata } });
    let place = path("/destinations/inbox");
    let changed = world.api.patch(&place, &body).await.json(200);
    assert_eq!(
        (&changed["name"], &changed["type"], &changed["metadata"]),
        (&json!("inbox"), &json!("webhook"), &metadata)
    );
    let body = json!({ "updateMask": mask, "destination": { "name": "other", "type": "webhook" } });
    let changed = world.api.patch(&place, &body).await.json(200);
    assert_eq!(
        (&changed["name"], &changed["metadata"]),
        (&json!("other"), &metadata)
    );
}

async fn wrong_changes_are_refused(store: TestStore) {
    let world = World::idle(store).await;
    let url = world.receiver.url("/hook");
    for name in ["inbox", "taken"] {
        let create = webhook(name, &url);
        world
            .api
            .post(&path("/destinations"), &create)
            .await
            .json(201);
    }
    let place = path("/destinations/inbox");
    for (mask, fields, status) in [
        (json!([]), json!({}), 422),
        (
            json!(["metadata.bucket"]),
            json!({ "metadata": { "bucket": "b" } }),
            422,
        ),
        (json!(["secrets.awsKeyId"]), json!({}), 422),
        (json!(["metadata.url"]), json!({ "metadata": {} }), 422),
        (
            json!(["metadata.url"]),
            json!({ "metadata": { "url": "https://10.0.0.1/" } }),
            422,
        ),
        (
            json!(["metadata.headers"]),
            json!({ "metadata": { "headers": { "host": "x" } } }),
            422,
        ),
        (
            json!(["metadata.ordered"]),
            json!({ "metadata": { "ordered": "yes" } }),
            422,
        ),
        (
            json!(["metadata"]),
            json!({ "metadata": { "headers": {} } }),
            422,
        ),
        (json!(["type"]), json!({ "type": "kinesis" }), 422),
        (json!(["name"]), json!({ "name": "two words" }), 422),
        (json!(["name"]), json!({ "name": "taken" }), 409),
        (json!("name"), json!({ "name": "x" }), 400),
    ] {
        let body = json!({ "updateMask": mask, "destination": fields });
        world.api.patch(&place, &body).await.problem(status);
    }
    let kept = world.api.get(&place).await.json(200);
    assert_eq!(kept["metadata"], json!({ "url": url }));
    let body = json!({ "updateMask": ["name"], "destination": { "name": "x" } });
    world
        .api
        .patch(&path("/destinations/nowhere"), &body)
        .await
        .problem(404);
}

async fn a_destination_in_use_is_neither_renamed_nor_deleted(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let rename = json!({ "updateMask": ["name"], "destination": { "name": "outbox" } });
    let place = path("/destinations/inbox");
    let refused = world.api.delete(&place).await.problem(409);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("integration `bitbucket-sync`"), "{detail}");
    world.api.patch(&place, &rename).await.problem(409);
    // A config may name one of its own.
    let own = webhook("own", &world.receiver.url("/own"));
    world.api.post(&path("/destinations"), &own).await.json(201);
    let mut projects = everything("projects");
    projects["destination"] = json!("own");
    world.install(json!({ "projects": projects })).await;
    let refused = world
        .api
        .delete(&path("/destinations/own"))
        .await
        .problem(409);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("installation `"), "{detail}");
    // The manifest moves on, and the name is free.
    world.deploy(&MANIFEST.replace("inbox", "own")).await;
    world.api.patch(&place, &rename).await.json(200);
    assert_eq!(
        world.api.delete(&path("/destinations/outbox")).await.status,
        204
    );
}

async fn names_are_letters_numbers_and_dashes(store: TestStore) {
    let world = World::idle(store).await;
    let url = world.receiver.url("/hook");
    for name in [
        "two words",
        "a/b",
        "a:replay",
        "ümlaut",
        "under_score",
        "a.b",
    ] {
        let problem = world
            .api
            .post(&path("/destinations"), &webhook(name, &url))
            .await
            .problem(422);
        assert!(
            problem["remedy"].as_str().unwrap().contains("dashes"),
            "{problem}"
        );
    }
    let create = webhook("leadConverted-Webhook-2", &url);
    world
        .api
        .post(&path("/destinations"), &create)
        .await
        .json(201);
}

//! Connect, install, and everything arrives: each record once, as it was sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::World;
use crate::world::steps::{GROUP, everything};

testing::both!(every_record_arrives_once_and_as_it_was_sent);

/// Every record of a collection as the sandbox writes it, by uuid.
async fn served(world: &World, path: &str) -> BTreeMap<String, String> {
    #[derive(serde::Deserialize)]
    struct Page {
        values: Vec<Box<RawValue>>,
        next: Option<String>,
    }
    let mut records = BTreeMap::new();
    let mut url = Some(format!("{}/2.0/{path}?pagelen=100", world.provider.url()));
    while let Some(address) = url {
        let page: Page = serde_json::from_str(&world.provider.page(&address).await).unwrap();
        for record in page.values {
            let value: Value = serde_json::from_str(record.get()).unwrap();
            records.insert(
                value["uuid"].as_str().unwrap().to_owned(),
                record.get().to_owned(),
            );
        }
        url = page.next;
    }
    records
}

/// An entry of `result` with its parts unparsed.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    fields: BTreeMap<String, Value>,
    mapped_fields: BTreeMap<String, Value>,
    raw: Box<RawValue>,
}

#[derive(serde::Deserialize)]
struct Message {
    result: Vec<Entry>,
}

async fn every_record_arrives_once_and_as_it_was_sent(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let repositories = json!({
        "objectName": "repositories",
        "selectedFields": { "language": true, "description": false, "slug": true },
        "selectedFieldMappings": { "label": "$['mainbranch']['name']" },
        "selectedValueMappings": { "is_private": { "secret": "true", "open": "false" } },
    });
    let installed = world
        .install(json!({ "repos": repositories, "projects": everything("projects") }))
        .await;
    let operations = world.ended(&installed).await;
    world.arrived(242).await;

    let mut entries: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for delivery in world.receiver.deliveries() {
        assert!(delivery.genuine, "a signature is wrong");
        assert!(ids.insert(delivery.id.clone()), "a message came twice");
        assert!(delivery.body.len() <= 300_000);
        assert_eq!(delivery.path, "/inbox");
        assert_eq!(delivery.headers["x-app"], "acme");
        assert_eq!(delivery.headers["content-type"], "application/json");
        let sent: i64 = delivery.headers["webhook-timestamp"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(world.now().as_second().abs_diff(sent) < 120);
        let message = delivery.message();
        let (object, name) = match message["objectName"].as_str().unwrap() {
            "repos" => ("repositories", "repos"),
            other => ("projects", other),
        };
        assert_eq!(
            message["rawObjectName"].as_str(),
            (name == "repos").then_some("repositories")
        );
        for (key, value) in [
            ("action", json!("read")),
            ("readType", json!("backfill")),
            ("provider", json!("bitbucket")),
            ("workspace", json!("acme")),
            ("groupRef", json!(GROUP)),
            ("groupName", json!("Customer One")),
            ("consumerRef", json!("ada")),
            ("consumerName", json!("Ada")),
            ("projectId", installed["projectId"].clone()),
            ("installationId", installed["id"].clone()),
            ("installationUpdateTime", installed["createTime"].clone()),
            ("operationId", operations[object]["id"].clone()),
        ] {
            assert_eq!(message[key], value, "{key}");
        }
        let inside: Message = serde_json::from_slice(&delivery.body).unwrap();
        assert_eq!(
            message["resultInfo"],
            json!({ "type": "inline", "numRecords": inside.result.len() })
        );
        entries
            .entry(name.to_owned())
            .or_default()
            .extend(inside.result);
    }

    for (name, path) in [
        ("repos", "repositories/acme"),
        ("projects", "workspaces/acme/projects"),
    ] {
        let mut expected = served(&world, path).await;
        for entry in &entries[name] {
            let record: Value = serde_json::from_str(entry.raw.get()).unwrap();
            let uuid = record["uuid"].as_str().unwrap();
            let raw = expected
                .remove(uuid)
                .unwrap_or_else(|| panic!("{name} {uuid} came twice, or from nowhere"));
            assert_eq!(entry.raw.get(), raw);
            if name == "repos" {
                check_repository(entry, &record);
            } else {
                let whole = record
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone()));
                assert_eq!(entry.fields, whole.collect());
                assert!(entry.mapped_fields.is_empty());
            }
        }
        assert!(
            expected.is_empty(),
            "{} {name} did not come",
            expected.len()
        );
    }
    // Nothing more comes after the end.
    assert_eq!(world.provider.stats().await["refreshes"], 0);
}

fn check_repository(entry: &Entry, record: &Value) {
    let fields = ["uuid", "full_name", "language", "slug"];
    let expected: BTreeMap<_, _> = fields
        .iter()
        .map(|name| ((*name).to_owned(), record[*name].clone()))
        .collect();
    assert_eq!(entry.fields, expected);
    let mut mapped = BTreeMap::from([
        ("projectKey".to_owned(), record["project"]["key"].clone()),
        (
            "secrecy".to_owned(),
            json!(if record["is_private"] == json!(true) {
                "secret"
            } else {
                "open"
            }),
        ),
    ]);
    // An empty repository has no main branch: the field is left out, not null.
    if record["mainbranch"].is_object() {
        mapped.insert("label".to_owned(), record["mainbranch"]["name"].clone());
    }
    assert_eq!(entry.mapped_fields, mapped);
}

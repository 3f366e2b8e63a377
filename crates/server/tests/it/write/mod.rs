//! `POST /write/v1/projects/{p}/integrations/{i}/objects/{o}`.

mod later;
mod lost;
mod mapped;
mod refused;
mod table;

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{GROUP, install_body, installations};
use crate::world::{Answer, World, path};

const MANIFEST: &str = include_str!("manifest.yaml");

/// Where an object is written.
fn place(object: &str) -> String {
    format!(
        "/write{}",
        path(&format!("/integrations/bitbucket-sync/objects/{object}"))
    )
}

/// One record.
fn one(action: &str, record: Value) -> Value {
    json!({ "groupRef": GROUP, "type": action, "record": record })
}

/// Several records.
fn batch(action: &str, records: &[Value]) -> Value {
    let records = records.iter().map(|record| json!({ "record": record }));
    json!({ "groupRef": GROUP, "type": action, "batch": records.collect::<Vec<_>>() })
}

/// Everything may be written, and deleted.
fn everything() -> Value {
    let object =
        |name: &str| json!({ "objectName": name, "deletionSettings": { "enabled": true } });
    json!({ "objects": {
        "projects": object("projects"), "hooks": object("hooks"),
        "pipelines-config/variables": object("pipelines-config/variables"),
        "snippets": object("snippets"),
    } })
}

impl World {
    /// An installation that writes, with these choices.
    async fn writes(&self, read: Value, write: Value) -> Value {
        self.provider_app().await;
        self.destination().await;
        self.deploy(MANIFEST).await;
        self.connect(GROUP).await;
        self.provider
            .change_settings(json!({ "private_hook_urls": true }))
            .await;
        let mut body = install_body(GROUP, read);
        body["config"]["content"]["write"] = write;
        self.api.post(&installations(), &body).await.json(201)
    }

    async fn write(&self, object: &str, body: &Value) -> Answer {
        self.api.post(&place(object), body).await
    }

    /// A record as Bitbucket has it.
    async fn shown(&self, rest: &str) -> Value {
        let url = format!("{}/2.0{rest}", self.provider.url());
        serde_json::from_str(&self.provider.page(&url).await).unwrap()
    }

    /// Waits until an operation has ended.
    async fn write_ended(&self, id: &Value) -> Value {
        let id = id.as_str().unwrap();
        self.until("the end of the write", async || {
            let operation = self.api.get(&path(&format!("/operations/{id}"))).await;
            let operation = operation.json(200);
            (operation["status"] != "in_progress").then_some(operation)
        })
        .await
    }
}

async fn idle(store: TestStore) -> World {
    let world = World::idle(store).await;
    world.writes(json!({}), everything()).await;
    world
}

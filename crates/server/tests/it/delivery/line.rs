//! Messages of a test's own making: put into the outbox as a read's commit would.

use serde_json::{Value, json};
use store::{Kind, Lease, MessageBody, NewMessage, PageCommit};

use crate::world::steps::everything;
use crate::world::{Receiver, World, path};

/// A read under way, which never reads: what it delivers, a test says.
pub(crate) struct Line {
    lease: Lease,
    installation_id: String,
    pub(crate) ids: Vec<String>,
}

impl Line {
    /// Everything up to an installation. The world's worker must not work yet.
    pub(crate) async fn new(world: &World) -> Self {
        world.prepare().await;
        let objects = json!({ "projects": everything("projects") });
        let installation = world.install(objects).await;
        let store = &world.engine.store;
        let leases = store.claim(&[Kind::READ], "test", 9, world.now()).await;
        Self {
            lease: leases.unwrap().pop().unwrap(),
            installation_id: installation["id"].as_str().unwrap().to_owned(),
            ids: Vec::new(),
        }
    }

    /// Puts messages in, one commit each.
    pub(crate) async fn put(&mut self, world: &World, destination_id: &str, count: usize) {
        for _ in 0..count {
            let id = format!("msg_{}", uuid::Uuid::now_v7().simple());
            let body = json!({ "result": [{ "number": self.ids.len() }] });
            let message = NewMessage {
                id: id.clone(),
                destination_id: destination_id.to_owned(),
                installation_id: self.installation_id.clone(),
                operation_id: "operation".to_owned(),
                body: MessageBody::Inline(body.to_string().into_bytes()),
                num_records: 1,
                hold_for: None,
            };
            let commit = PageCommit {
                position: None,
                messages: vec![message],
                seen: Vec::new(),
                records: 1,
                estimated_total: None,
                logs: Vec::new(),
                end: None,
                afterwards: store::Afterwards::Hold,
            };
            let store = &world.engine.store;
            store
                .commit_page(&self.lease, commit, world.now())
                .await
                .unwrap();
            self.ids.push(id);
        }
    }

    /// Ends the read and lets the worker work.
    pub(crate) async fn work(&self, world: &World) {
        let store = &world.engine.store;
        store.finish(&self.lease, None, world.now()).await.unwrap();
        world.work();
    }
}

/// A destination at a receiver; its id.
pub(crate) async fn destination(world: &World, name: &str, url: &str, ordered: bool) -> String {
    let new =
        json!({ "name": name, "type": "webhook", "metadata": { "url": url, "ordered": ordered } });
    let created = world.api.post(&path("/destinations"), &new).await.json(201);
    created["id"].as_str().unwrap().to_owned()
}

/// A delivery as the API shows it.
pub(crate) async fn shown(world: &World, id: &str) -> Value {
    world
        .api
        .get(&path(&format!("/deliveries/{id}")))
        .await
        .json(200)
}

/// Waits until so many attempts of a message are acknowledged; shows it then.
pub(crate) async fn attempted(world: &World, id: &str, count: usize) -> Value {
    world
        .until(&format!("attempt {count} to be acknowledged"), async || {
            let delivery = shown(world, id).await;
            let times = delivery["attemptTimes"].as_array().unwrap().len();
            (times >= count).then_some(delivery)
        })
        .await
}

/// Waits until a receiver has been asked so many times.
pub(crate) async fn received(world: &World, receiver: &Receiver, count: usize) {
    world
        .until(&format!("{count} requests"), async || {
            (receiver.deliveries().len() >= count).then_some(())
        })
        .await;
}

//! `deploy:destination` and `sync-ngrok`: found by name or id, created whole, patched
//! by what differs.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use super::answers::Destination;
use super::{Amp, Refusal};
use crate::world::World;

testing::both!(
    a_file_is_created_once_and_patched_by_what_differs,
    an_id_that_is_not_there_is_created_instead,
    ngrok_moves_the_address_and_nothing_else
);

/// A destination as its type is encoded: zero values are sent along.
fn file(id: &str, name: &str, url: &str, headers: Option<Value>) -> Value {
    let mut metadata = json!({ "url": url });
    if let Some(headers) = headers {
        metadata["headers"] = headers;
    }
    json!({
        "id": id, "projectId": "", "name": name, "type": "webhook", "metadata": metadata,
        "createTime": "0001-01-01T00:00:00Z", "updateTime": "0001-01-01T00:00:00Z",
    })
}

impl Amp {
    /// `amp deploy:destination -i FILE`. `None` when nothing differs.
    async fn deploy_destination(&self, file: &Value) -> Option<Destination> {
        let Some(old) = self.find(file).await else {
            let place = self.path("/destinations");
            return Some(self.send(Method::POST, &place, file).await.unwrap());
        };
        let mut changed = json!({});
        let mut mask = Vec::new();
        for (name, same) in [
            ("name", json!(old.name) == file["name"]),
            ("type", json!(old.r#type) == file["type"]),
            ("metadata", metadata(&old) == file["metadata"]),
        ] {
            if !same {
                changed[name] = file[name].clone();
                mask.push(name);
            }
        }
        if mask.is_empty() {
            return None;
        }
        Some(self.patch(&old.id, changed, &mask).await)
    }

    /// By its id, or else by its name in the list.
    async fn find(&self, file: &Value) -> Option<Destination> {
        let mut id = file["id"].as_str().unwrap().to_owned();
        if id.is_empty() {
            let all = self.destinations().await;
            id = all.into_iter().find(|one| file["name"] == one.name)?.id;
        }
        let place = self.path(&format!("/destinations/{id}"));
        match self.get(&place).await {
            Ok(found) => Some(found),
            // By the status in the body, not by the answer's own.
            Err(Refusal::Problem(problem)) if problem.status == Some(404) => None,
            Err(other) => panic!("unable to get destination: {other:?}"),
        }
    }

    async fn patch(&self, id: &str, destination: Value, mask: &[&str]) -> Destination {
        let place = self.path(&format!("/destinations/{id}"));
        let body = json!({ "destination": destination, "updateMask": mask });
        self.send(Method::PATCH, &place, &body).await.unwrap()
    }
}

/// Metadata as it was decoded, encoded again.
fn metadata(destination: &Destination) -> Value {
    let mut metadata = json!({ "url": destination.metadata.url });
    if let Some(headers) = &destination.metadata.headers {
        metadata["headers"] = json!(headers);
    }
    metadata
}

async fn a_file_is_created_once_and_patched_by_what_differs(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    let (old, new) = (world.receiver.url("/old"), world.receiver.url("/new"));
    let created = amp.deploy_destination(&file("", "inbox", &old, None)).await;
    let created = created.unwrap();
    assert!(!created.id.is_empty());
    assert!(created.create_time.0 > jiff::Timestamp::UNIX_EPOCH);
    // The same once more changes nothing, and creates no second.
    let again = amp.deploy_destination(&file("", "inbox", &old, None)).await;
    assert!(again.is_none());
    assert_eq!(amp.destinations().await.len(), 1);
    // Its metadata, found by name; its name, found by id.
    let headers = json!({ "X-App": "acme" });
    let changed = file("", "inbox", &new, Some(headers.clone()));
    let changed = amp.deploy_destination(&changed).await.unwrap();
    assert_eq!(
        metadata(&changed),
        json!({ "url": new, "headers": headers })
    );
    let renamed = file(&created.id, "outbox", &new, Some(headers.clone()));
    let renamed = amp.deploy_destination(&renamed).await.unwrap();
    assert_eq!(
        (renamed.id.as_str(), renamed.name.as_str()),
        (created.id.as_str(), "outbox")
    );
    // A file without metadata masks it all the same, with a null.
    let nothing = json!({ "metadata": null });
    let kept = amp.patch(&created.id, nothing, &["metadata"]).await;
    assert_eq!(metadata(&kept), json!({ "url": new, "headers": headers }));
}

async fn an_id_that_is_not_there_is_created_instead(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    let url = world.receiver.url("/hook");
    let gone = file("0190b1f4-0000-7000-8000-000000000000", "inbox", &url, None);
    let created = amp.deploy_destination(&gone).await.unwrap();
    assert_eq!(created.name, "inbox");
    assert_ne!(json!(created.id), gone["id"], "ids are the server's");
}

async fn ngrok_moves_the_address_and_nothing_else(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    let headers = json!({ "Authorization": "Bearer 1234" });
    let there = world.receiver.url("/hook?tenant=1");
    amp.deploy_destination(&file("", "inbox", &there, Some(headers.clone())))
        .await;
    // By its name in the list, in whatever case.
    let all = amp.destinations().await;
    let found = all
        .iter()
        .find(|one| one.name.eq_ignore_ascii_case("INBOX"))
        .unwrap();
    assert_eq!(found.r#type, "webhook", "else it says: not a webhook");
    let public = "http://127.0.0.1:4040/hook?tenant=1";
    let moved = json!({ "metadata": { "url": public } });
    let moved = amp.patch(&found.id, moved, &["metadata.url"]).await;
    assert_eq!(
        metadata(&moved),
        json!({ "url": public, "headers": headers })
    );
    assert_eq!(moved.name, "inbox");
}

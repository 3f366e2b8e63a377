//! Steps around a read that somebody asks for.

use serde_json::{Value, json};

use crate::world::steps::GROUP;
use crate::world::{Answer, PROJECT, World};

/// Where a read of an object is asked for.
pub(super) fn address(integration: &str, object: &str) -> String {
    format!("/read/v1/projects/{PROJECT}/integrations/{integration}/objects/{object}")
}

/// The body of a request for a read, with some more keys.
pub(super) fn body(keys: Value) -> Value {
    let mut body = json!({ "groupRef": GROUP, "mode": "async" });
    let more = keys.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

impl World {
    /// Asks for a read of an object; its operation's id.
    pub(super) async fn trigger(&self, object: &str, keys: Value) -> String {
        let answer = self.ask(object, keys).await.json(201);
        answer["operationId"].as_str().unwrap().to_owned()
    }

    pub(super) async fn ask(&self, object: &str, keys: Value) -> Answer {
        let address = address("bitbucket-sync", object);
        self.api.post(&address, &body(keys)).await
    }

    pub(super) async fn operation(&self, id: &str) -> Value {
        let path = crate::world::path(&format!("/operations/{id}"));
        self.api.get(&path).await.json(200)
    }

    /// Waits until an operation has succeeded and all of it was taken; the raw
    /// records, in the order in which they came.
    pub(super) async fn brought(&self, id: &str) -> Vec<Value> {
        let what = format!("the records of {id}");
        self.until(&what, async || {
            let operation = self.operation(id).await;
            assert_ne!(operation["status"], "failure", "{operation}");
            let records = self.records_of(id);
            let processed = operation["metadata"]["progress"]["recordsProcessed"].as_u64()?;
            let whole = records.len() as u64 == processed;
            (operation["status"] == "success" && whole).then_some(records)
        })
        .await
    }

    /// The raw records of an operation that were taken so far.
    pub(super) fn records_of(&self, id: &str) -> Vec<Value> {
        let messages = self.receiver.taken().into_iter().map(|d| d.message());
        let own = messages.filter(|message| message["operationId"] == id);
        let results = own.flat_map(|message| message["result"].as_array().unwrap().clone());
        results.map(|entry| entry["raw"].clone()).collect()
    }

    /// All records of a collection, as the provider has them now.
    pub(super) async fn served(&self, path: &str) -> Vec<Value> {
        let mut url = Some(format!("{}/2.0/{path}?pagelen=100", self.provider.url()));
        let mut records = Vec::new();
        while let Some(address) = url {
            let page: Value = serde_json::from_str(&self.provider.page(&address).await).unwrap();
            records.extend(page["values"].as_array().unwrap().iter().cloned());
            url = page["next"].as_str().map(str::to_owned);
        }
        records
    }
}

/// One text of each record, sorted.
pub(super) fn all(records: &[Value], field: &str) -> Vec<String> {
    let texts = records.iter().map(|record| record[field].as_str().unwrap());
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    texts.sort();
    texts
}

/// A record's own time.
pub(super) fn time(record: &Value, field: &str) -> jiff::Timestamp {
    record[field].as_str().unwrap().parse().unwrap()
}

/// The record in the middle, by its own time, and the records by theirs.
pub(super) fn by_time(records: &[Value], field: &str) -> (jiff::Timestamp, Vec<Value>) {
    let mut records = records.to_vec();
    records.sort_by_key(|record| time(record, field));
    (time(&records[records.len() / 2], field), records)
}

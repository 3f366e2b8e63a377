//! A destination that is told everything, and what it has been told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::contract::schema::Document;
use crate::world::receiver::Delivery;
use crate::world::{Receiver, World, path};

/// Every event that routes can name.
pub(super) const EVENTS: [&str; 15] = [
    "connection.created",
    "connection.error",
    "connection.refreshed",
    "connection.updated",
    "connection.deleted",
    "installation.created",
    "installation.updated",
    "installation.deleted",
    "read.schedule.paused",
    "read.backfill.done",
    "read.triggered.done",
    "read.triggered.error",
    "write.async.done",
    "subscribe.create.error",
    "destination.webhook.disabled",
];

/// A destination with a receiver of its own.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) receiver: Receiver,
    pub(super) destination: Value,
    contract: Option<Document>,
}

impl Listener {
    /// Listens to everything from now on.
    pub(super) async fn to_everything(world: &World, name: &str) -> Self {
        let receiver = Receiver::start().await;
        let new = json!({
            "name": name, "type": "webhook", "metadata": { "url": receiver.url("/alerts") },
        });
        let destination = world.api.post(&path("/destinations"), &new).await.json(201);
        let shown = format!("/destinations/{name}?includeSecrets=true");
        let shown = world.api.get(&path(&shown)).await.json(200);
        receiver.trust(shown["secrets"]["webhookSigningKey"].as_str().unwrap());
        let topic = json!({ "name": name });
        let topic = world.api.post(&path("/topics"), &topic).await.json(201);
        for event in EVENTS {
            let route = json!({ "eventType": event, "topicId": topic["id"] });
            let place = path("/notification-event-topic-routes");
            world.api.post(&place, &route).await.json(201);
        }
        let route = json!({ "topicId": topic["id"], "destinationId": destination["id"] });
        let place = path("/topic-destination-routes");
        world.api.post(&place, &route).await.json(201);
        Self {
            receiver,
            destination,
            contract: Document::open("notifications.json"),
        }
    }

    /// Waits until it has been told `count` things; returns the data of the
    /// latest that is such an event. It must have been told no more than that,
    /// each of them as the contract says.
    pub(super) async fn told(&self, world: &World, count: usize, event: &str) -> Value {
        let what = format!("{count} notifications, the last ones with {event}");
        let told = world.until(&what, async || {
            let taken = self.receiver.taken();
            (taken.len() >= count).then_some(taken)
        });
        let told = told.await;
        let events: Vec<_> = told
            .iter()
            .map(|delivery| delivery.message()["notificationType"].clone())
            .collect();
        assert_eq!(told.len(), count, "{events:?}");
        told.iter().for_each(|delivery| self.check(delivery));
        let mut latest = told.iter().rev().map(Delivery::message);
        let latest = latest.find(|message| message["notificationType"] == event);
        let Some(mut latest) = latest else {
            panic!("there is no {event} among {events:?}")
        };
        latest["data"].take()
    }

    /// A genuine message, with exactly what the contract knows of it.
    fn check(&self, delivery: &Delivery) {
        assert!(delivery.genuine, "the signature is wrong");
        assert!(delivery.id.starts_with("msg_"), "{}", delivery.id);
        assert_eq!(delivery.path, "/alerts");
        let message = delivery.message();
        let Some(contract) = &self.contract else {
            return;
        };
        let is_its = |schema: &&Value| {
            schema["properties"]["notificationType"]["enum"][0] == message["notificationType"]
        };
        let schema = contract.components().values().find(is_its).unwrap();
        let wrong = contract.problems(schema, &message);
        assert!(wrong.is_empty(), "{}\n{message:#}", wrong.join("\n"));
        let data = &schema["properties"]["data"];
        let parts = data["allOf"].as_array().cloned();
        let parts = parts.unwrap_or_else(|| vec![data.clone()]);
        let known: BTreeSet<&String> = parts
            .iter()
            .filter_map(|part| part["properties"].as_object())
            .flat_map(serde_json::Map::keys)
            .collect();
        let unknown: Vec<_> = message["data"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !known.contains(key))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?} in {message:#}");
        assert_eq!(message.as_object().unwrap().len(), 2, "{message:#}");
    }
}

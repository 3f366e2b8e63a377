//! The steps that most tests need done before theirs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{MANIFEST, PROJECT, World, path};

/// The group that connects and installs.
pub(crate) const GROUP: &str = "customer-1";

impl World {
    /// Registers the sandbox's consumer.
    pub(crate) async fn provider_app(&self) -> Value {
        let options = &self.provider.options;
        let new = json!({
            "provider": "bitbucket", "clientId": options.client_id, "clientSecret": options.client_secret,
        });
        self.api.post(&path("/provider-apps"), &new).await.json(200)
    }

    /// Makes the receiver the destination `inbox`.
    pub(crate) async fn destination(&self) -> Value {
        let new = json!({
            "name": "inbox", "type": "webhook",
            "metadata": { "url": self.receiver.url("/inbox"), "headers": { "X-App": "acme" } },
        });
        let created = self.api.post(&path("/destinations"), &new).await.json(201);
        let shown = self
            .api
            .get(&path("/destinations/inbox?includeSecrets=true"))
            .await
            .json(200);
        self.receiver
            .trust(shown["secrets"]["webhookSigningKey"].as_str().unwrap());
        created
    }

    /// Deploys a manifest and returns its first integration.
    pub(crate) async fn deploy(&self, yaml: &str) -> Value {
        let batch = json!({ "sourceYaml": yaml });
        self.api
            .put(&path("/integrations:batch"), &batch)
            .await
            .json(200)[0]
            .clone()
    }

    /// The body of `POST /oauth-connect`.
    pub(crate) fn connect_body(&self, group: &str) -> Value {
        json!({
            "projectIdOrName": PROJECT,
            "provider": "bitbucket",
            "groupRef": group, "groupName": "Customer One",
            "consumerRef": "ada", "consumerName": "Ada",
            "providerMetadata": { "workspace": { "value": "acme", "source": "input" } },
        })
    }

    /// Where a group consents.
    pub(crate) async fn authorize_url(&self, body: &Value) -> String {
        let answer = self.api.post("/v1/oauth-connect", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// Connects a group; returns its connection.
    pub(crate) async fn connect(&self, group: &str) -> Value {
        self.connect_as(&self.connect_body(group)).await
    }

    /// Connects as a body says.
    pub(crate) async fn connect_as(&self, body: &Value) -> Value {
        let url = self.authorize_url(body).await;
        let page = self.consent(&url, "approve").await;
        assert_eq!(page.status, 200, "{}", page.text());
        let group = body["groupRef"].as_str().unwrap();
        let found = self
            .api
            .get(&path(&format!("/connections?groupRef={group}")))
            .await
            .json(200);
        found[0].clone()
    }

    /// Everything up to the installation: provider app, destination, manifest,
    /// connection. Returns the connection.
    pub(crate) async fn prepare(&self) -> Value {
        self.provider_app().await;
        self.destination().await;
        self.deploy(MANIFEST).await;
        self.connect(GROUP).await
    }

    /// Installs for [`GROUP`] with these read objects.
    pub(crate) async fn install(&self, objects: Value) -> Value {
        self.api
            .post(&installations(), &install_body(GROUP, objects))
            .await
            .json(201)
    }

    /// The installation's latest operations by the provider's object name.
    pub(crate) async fn operations(&self, installation: &Value) -> BTreeMap<String, Value> {
        let id = installation["id"].as_str().unwrap();
        let page = self
            .api
            .get(&format!("{}/{id}/operations", installations()))
            .await
            .json(200);
        // The newest come first, and stay.
        let results = page["results"].as_array().unwrap().iter().rev();
        let object = |operation: &Value| {
            operation["metadata"]["objects"][0]
                .as_str()
                .unwrap()
                .to_owned()
        };
        results
            .map(|operation| (object(operation), operation.clone()))
            .collect()
    }

    /// How many operations there are.
    pub(crate) async fn operations_count(&self, installation: &Value) -> usize {
        let id = installation["id"].as_str().unwrap();
        let path = format!("{}/{id}/operations", installations());
        let page = self.api.get(&path).await.json(200);
        page["results"].as_array().unwrap().len()
    }

    /// Waits until all operations have ended.
    pub(crate) async fn ended(&self, installation: &Value) -> BTreeMap<String, Value> {
        self.until("the end of the reads", async || {
            let operations = self.operations(installation).await;
            let over = operations
                .values()
                .all(|operation| operation["status"] != "in_progress");
            (over && !operations.is_empty()).then_some(operations)
        })
        .await
    }

    /// Waits until everything that was read has been taken; returns the entries
    /// of `result` by the messages' object name, links followed.
    pub(crate) async fn arrived(&self, count: usize) -> BTreeMap<String, Vec<Value>> {
        self.until(&format!("{count} records"), async || {
            let entries = self.entries().await;
            (entries.values().map(Vec::len).sum::<usize>() >= count).then_some(entries)
        })
        .await
    }

    /// The entries of all messages taken so far.
    pub(crate) async fn entries(&self) -> BTreeMap<String, Vec<Value>> {
        let mut entries: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for delivery in self.receiver.taken() {
            let message = delivery.message();
            let object = message["objectName"].as_str().unwrap().to_owned();
            let result = match message["resultInfo"]["downloadUrl"].as_str() {
                Some(url) => self.follow(url).await.json(200),
                None => message["result"].clone(),
            };
            entries
                .entry(object)
                .or_default()
                .extend(result.as_array().unwrap().iter().cloned());
        }
        entries
    }

    /// The log of an operation, as text.
    pub(crate) async fn log(&self, operation: &Value) -> String {
        let id = operation["id"].as_str().unwrap();
        self.api
            .get(&path(&format!("/operations/{id}/logs")))
            .await
            .json(200)
            .to_string()
    }
}

/// The installations of the manifest's integration.
pub(crate) fn installations() -> String {
    path("/integrations/bitbucket-sync/installations")
}

/// The body of an installation.
pub(crate) fn install_body(group: &str, objects: Value) -> Value {
    json!({
        "groupRef": group,
        "config": {
            "createdBy": "consumer:ada",
            "content": { "provider": "bitbucket", "read": { "objects": objects } },
        },
    })
}

/// Both objects with every field.
pub(crate) fn both() -> Value {
    json!({ "repositories": everything("repositories"), "projects": everything("projects") })
}

/// One object with every field.
pub(crate) fn everything(object: &str) -> Value {
    json!({ "objectName": object, "selectedFieldsAuto": "all" })
}

//! The steps from nothing to delivered records, each as an app takes it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use engine::{ActionError, actions};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::NewApiKey;

use super::api::Api;
use super::consent;
use super::inbox::Inbox;
use super::outcome::{Outcome, Row};
use super::progress::Progress;
use crate::console;
use crate::node::Node;

/// What is deployed: the example that the documentation explains.
const MANIFEST: &str = include_str!("../../../../../examples/bitbucket/amp.yaml");
const GROUP: &str = "demo-customer";
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// How long nothing may move before the demo says so and ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// A project of this run's own, and a key. Earlier runs keep theirs.
pub(super) async fn project_and_key(node: &Node) -> anyhow::Result<(String, SecretString)> {
    let (engine, operator) = (&node.engine, node.operator());
    for number in 1..10_000 {
        let name = if number == 1 {
            "demo".to_owned()
        } else {
            format!("demo-{number}")
        };
        match actions::project::create(engine, &operator, name.clone(), "Demo".to_owned(), None)
            .await
        {
            Ok(_) => {
                let new = NewApiKey {
                    label: Some("demo".to_owned()),
                    access: Vec::new(),
                    whole: None,
                };
                let (_, key) = actions::api_key::create(engine, &operator, &name, new).await?;
                return Ok((name, key));
            }
            Err(ActionError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("there are ten thousand demo projects; remove the data directory")
}

/// Everything the walk needs.
pub(super) struct Walk<'a> {
    pub(super) api: Api,
    pub(super) project: String,
    pub(super) sandbox: &'a sandbox::Options,
    pub(super) inbox: &'a Inbox,
    /// The objects that Bitbucket has removed.
    pub(super) removed: Vec<&'static str>,
}

/// The installation whose reads are watched.
struct Installed {
    path: String,
    objects: Vec<String>,
}

impl Walk<'_> {
    pub(super) async fn run(&self) -> anyhow::Result<Outcome> {
        self.provider_app().await?;
        self.destination().await?;
        let integration = self.deploy().await?;
        let connection = self.connect().await?;
        let installed = self.install(&integration, &connection).await?;
        let operations = self.watch(&installed).await?;
        Ok(self.outcome(&installed, &operations))
    }

    fn path(&self, rest: &str) -> String {
        format!("/projects/{}{rest}", self.project)
    }

    async fn provider_app(&self) -> anyhow::Result<()> {
        let app = json!({
            "provider": "bitbucket",
            "clientId": self.sandbox.client_id,
            "clientSecret": self.sandbox.client_secret,
        });
        self.api.post(&self.path("/provider-apps"), &app).await?;
        Ok(console::line(
            "✓ Registered the OAuth client as provider app",
        )?)
    }

    async fn destination(&self) -> anyhow::Result<()> {
        for name in destinations(MANIFEST)? {
            let new =
                json!({ "name": name, "type": "webhook", "metadata": { "url": self.inbox.url() } });
            self.api.post(&self.path("/destinations"), &new).await?;
            let shown = self
                .api
                .get(&self.path(&format!("/destinations/{name}?includeSecrets=true")))
                .await?;
            let secret = shown
                .pointer("/secrets/webhookSigningKey")
                .and_then(Value::as_str);
            self.inbox.trust(
                secret
                    .context("the destination has no signing key")?
                    .to_owned(),
            );
            console::line(&format!(
                "✓ Created destination {name}, whose messages the inbox verifies"
            ))?;
        }
        Ok(())
    }

    async fn deploy(&self) -> anyhow::Result<Value> {
        let batch = json!({ "sourceYaml": MANIFEST });
        let deployed = self
            .api
            .put(&self.path("/integrations:batch"), &batch)
            .await?;
        let integration = deployed.get(0).context("nothing was deployed")?.clone();
        let name = integration
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        console::line(&format!(
            "✓ Deployed examples/bitbucket/amp.yaml: integration {name}"
        ))?;
        Ok(integration)
    }

    async fn connect(&self) -> anyhow::Result<Value> {
        let workspace = self
            .sandbox
            .workspaces
            .first()
            .context("the sandbox has no workspace")?;
        let request = json!({
            "projectIdOrName": self.project,
            "provider": "bitbucket",
            "groupRef": GROUP, "groupName": "Demo Customer",
            "consumerRef": "ada", "consumerName": "Ada",
            "providerMetadata": { "workspace": { "value": workspace, "source": "input" } },
        });
        let url = self.api.post_for_text("/oauth-connect", &request).await?;
        consent::approve(&self.api.outbound, &url).await?;
        let connections = self
            .api
            .get(&self.path(&format!("/connections?groupRef={GROUP}")))
            .await?;
        let connection = connections
            .get(0)
            .context("there is no connection after consent")?
            .clone();
        console::line(&format!(
            "✓ Connected workspace {workspace} through OAuth consent"
        ))?;
        Ok(connection)
    }

    async fn install(&self, integration: &Value, connection: &Value) -> anyhow::Result<Installed> {
        let text = |value: &Value, name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let objects: Vec<String> = integration
            .pointer("/latestRevision/content/read/objects")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|object| text(object, "objectName"))
            .collect();
        let chosen: serde_json::Map<String, Value> = objects
            .iter()
            .map(|name| {
                (
                    name.clone(),
                    json!({ "objectName": name, "selectedFieldsAuto": "all" }),
                )
            })
            .collect();
        let new = json!({
            "groupRef": GROUP,
            "connectionId": text(connection, "id"),
            "config": { "createdBy": "consumer:ada", "content": { "provider": "bitbucket", "read": { "objects": chosen } } },
        });
        let installations = self.path(&format!(
            "/integrations/{}/installations",
            text(integration, "id")
        ));
        let installation = self.api.post(&installations, &new).await?;
        console::line(&format!(
            "✓ Installed for the customer: backfill of {} objects begins",
            objects.len()
        ))?;
        Ok(Installed {
            path: format!("{installations}/{}", text(&installation, "id")),
            objects,
        })
    }

    /// Follows the reads and what arrives, until both have ended.
    async fn watch(&self, installed: &Installed) -> anyhow::Result<BTreeMap<String, Value>> {
        let mut progress = Progress::start(&installed.objects);
        let mut moved = (Instant::now(), 0);
        loop {
            let page = self
                .api
                .get(&format!("{}/operations", installed.path))
                .await?;
            let results = page
                .get("results")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let operations: BTreeMap<String, Value> = results
                .into_iter()
                .filter_map(|operation| {
                    Some((
                        operation
                            .pointer("/metadata/objects/0")?
                            .as_str()?
                            .to_owned(),
                        operation,
                    ))
                })
                .collect();
            let mut ended = operations.len() == installed.objects.len();
            let mut total = 0;
            for (object, operation) in &operations {
                let number = |path| operation.pointer(path).and_then(Value::as_u64);
                let read = number("/metadata/progress/recordsProcessed").unwrap_or(0);
                let delivered = self.inbox.tally(object).records;
                progress.show(
                    object,
                    read,
                    delivered,
                    number("/metadata/progress/recordsEstimatedTotal"),
                );
                let over = operation.get("status").and_then(Value::as_str) != Some("in_progress");
                ended &= over && delivered >= read;
                total += read + delivered;
            }
            if total != moved.1 {
                moved = (Instant::now(), total);
            }
            if ended || moved.0.elapsed() > PATIENCE {
                progress.finish();
                return Ok(operations);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn outcome(&self, installed: &Installed, operations: &BTreeMap<String, Value>) -> Outcome {
        let rows = installed.objects.iter().map(|object| {
            let operation = operations.get(object);
            let text = |name| {
                operation
                    .and_then(|o| o.get(name))
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let read = operation
                .and_then(|o| o.pointer("/metadata/progress/recordsProcessed"))
                .and_then(Value::as_u64);
            Row {
                object: object.clone(),
                expected: self.expected(object),
                removed: self.removed.contains(&object.as_str()),
                status: text("status"),
                reason: text("result"),
                read: read.unwrap_or(0),
                tally: self.inbox.tally(object),
            }
        });
        Outcome {
            rows: rows.collect(),
            refused: self.inbox.refused(),
        }
    }

    /// What the sandbox was told to hold, not what the server says there is.
    fn expected(&self, object: &str) -> Option<u64> {
        match object {
            "repositories" => Some(u64::from(self.sandbox.repositories)),
            "projects" => Some(u64::from(self.sandbox.projects)),
            _ => None,
        }
    }
}

/// The destinations that a manifest names.
fn destinations(manifest: &str) -> anyhow::Result<std::collections::BTreeSet<String>> {
    let report = manifest::check(manifest, &[], manifest::Limits::default());
    let manifest = report
        .manifest
        .context("the example manifest cannot be read")?;
    let objects = manifest
        .integrations
        .iter()
        .flat_map(manifest::Integration::read_objects);
    Ok(objects.map(|object| object.destination.clone()).collect())
}

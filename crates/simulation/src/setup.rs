//! What every simulation begins with: a project whose reads go to the receiver,
//! and customers who connect and install.

use anyhow::Context as _;
use engine::Engine;
use engine::actions::{self, integration::Deployment};
use http::Method;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use store::{Credential, NewConnection, NewDestination, NewProviderApp};

use crate::provider::{Provider, WORKSPACE};
use crate::receiver::Receiver;

const PROJECT: &str = "simulated";

/// Two objects, one read from its watermark and one whole, on one schedule.
fn manifest(schedule: &str) -> String {
    let object = |name: &str| {
        format!(
            "
        - objectName: {name}
          destination: inbox
          schedule: '{schedule}'
          optionalFieldsAuto: all
          backfill: {{ defaultPeriod: {{ fullHistory: true }} }}"
        )
    };
    format!(
        "
specVersion: 1.0.0
integrations:
  - name: reads
    provider: bitbucket
    read:
      objects:{}{}
",
        object("repositories"),
        object("projects")
    )
}

/// A project, its provider app, destination and integration.
pub(crate) async fn project(
    engine: &Engine,
    provider: &Provider,
    receiver: &Receiver,
    schedule: &str,
) -> anyhow::Result<()> {
    let operator = engine.store.operator();
    let name = PROJECT.to_owned();
    actions::project::create(engine, &operator, name.clone(), name, None).await?;
    let app = NewProviderApp {
        external_ref: None,
        provider: "bitbucket".to_owned(),
        client_id: provider.options.client_id.clone(),
        client_secret: SecretString::from(provider.options.client_secret.clone()),
        scopes: Vec::new(),
        metadata: None,
    };
    actions::provider_app::create(engine, &operator, PROJECT, app).await?;
    let inbox = NewDestination {
        name: "inbox".to_owned(),
        kind: "webhook".to_owned(),
        metadata: json!({ "url": format!("http://{}/", receiver.address) }),
    };
    let inbox = actions::destination::create(engine, &operator, PROJECT, inbox).await?;
    let scope = engine.store.scope(&operator, PROJECT).await?;
    let tenant = engine.store.within(&scope);
    let key = tenant.destination_signing_key(&inbox.id).await?;
    receiver.inbox().trust(key.expose_secret());
    let manifest = manifest(schedule);
    let deployment = Deployment {
        manifest: manifest.as_bytes(),
        destructive: false,
    };
    actions::integration::deploy(engine, &operator, PROJECT, deployment).await?;
    Ok(())
}

/// A customer connects, or connects again; returns the connection's id.
pub(crate) async fn connect(
    engine: &Engine,
    provider: &Provider,
    group: &str,
) -> anyhow::Result<String> {
    let granted = provider.control(Method::POST, "grants", &json!({})).await?;
    let text = |name: &str| granted[name].as_str().unwrap_or_default().to_owned();
    let lifetime = granted["expires_in"].as_i64().unwrap_or_default();
    let now = engine.clock.now();
    let scope = engine
        .store
        .scope(&engine.store.operator(), PROJECT)
        .await?;
    let tenant = engine.store.within(&scope);
    tenant.upsert_group(group, None, now).await?;
    tenant.upsert_consumer("c", None, now).await?;
    let app = tenant.provider_app_for("bitbucket").await?;
    let connection = NewConnection {
        id: None,
        provider: "bitbucket".to_owned(),
        provider_app_id: Some(app.context("there is a provider app")?.id),
        group_ref: group.to_owned(),
        consumer_ref: "c".to_owned(),
        auth_scheme: "oauth2/authorizationCode".to_owned(),
        provider_metadata: json!({ "workspace": { "value": WORKSPACE, "source": "input" } }),
        provider_workspace_ref: Some(WORKSPACE.to_owned()),
        credential: Credential::OAuth2 {
            access_token: SecretString::from(text("access_token")),
            refresh_token: Some(SecretString::from(text("refresh_token"))),
            expires_at: Some(now.checked_add(SignedDuration::from_secs(lifetime))?),
            scopes: Vec::new(),
        },
    };
    Ok(tenant.upsert_connection(connection, now).await?.id)
}

/// A customer who is connected installs both objects.
pub(crate) async fn install(engine: &Engine, group: &str) -> anyhow::Result<()> {
    let object = |name: &str| json!({ "objectName": name, "selectedFieldsAuto": "all" });
    let objects = json!({
        "repositories": object("repositories"), "projects": object("projects"),
    });
    let install = actions::installation::Install {
        integration: "reads".to_owned(),
        group_ref: group.to_owned(),
        connection_id: None,
        revision_id: None,
        skip_sampling: true,
        created_by: None,
        content: json!({ "provider": "bitbucket", "read": { "objects": objects } }),
    };
    let operator = engine.store.operator();
    actions::installation::create(engine, &operator, PROJECT, install).await?;
    Ok(())
}

/// Refreshes a customer's token if it has ended.
#[cfg(test)]
pub(crate) async fn refresh(engine: &Engine, connection_id: &str) -> anyhow::Result<()> {
    let (operator, when) = (engine.store.operator(), engine::Refresh::IfExpired);
    actions::connection::refresh(engine, &operator, PROJECT, connection_id, when).await?;
    Ok(())
}

//! `ligature api-key create|list|revoke`: straight on the store.

use clap::Subcommand;
use engine::actions;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::NewApiKey;

use super::StoreCommand;
use crate::console;

/// Create, list and revoke API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum ApiKey {
    /// Create a key; it is printed this once
    Create {
        /// The project, by name or id
        #[arg(long, value_name = "PROJECT")]
        project: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// `full` (default) or `frontend`; may be repeated
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        #[command(flatten)]
        on: StoreCommand,
    },
    /// List a project's keys by their public parts
    List {
        /// The project, by name or id
        #[arg(long, value_name = "PROJECT")]
        project: String,
        #[command(flatten)]
        on: StoreCommand,
    },
    /// Revoke a key at once
    Revoke {
        /// Its public part, or the whole of it
        key: String,
        /// The project, by name or id
        #[arg(long, value_name = "PROJECT")]
        project: String,
        #[command(flatten)]
        on: StoreCommand,
    },
}

impl ApiKey {
    /// Runs the command.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create {
                project,
                label,
                scopes,
                on,
            } => {
                let node = on.open().await?;
                let new = NewApiKey {
                    label,
                    access: scopes,
                    whole: None,
                };
                let (key, whole) =
                    actions::api_key::create(&node.engine, &node.operator(), &project, new).await?;
                if on.json {
                    return Ok(console::line(
                        &shape(&key, whole.expose_secret()).to_string(),
                    )?);
                }
                console::line(whole.expose_secret())?;
                console::error("Keep it: it is shown this once. Send it in the X-Api-Key header.");
            }
            Self::List { project, on } => {
                let node = on.open().await?;
                let scope = node.engine.store.scope(&node.operator(), &project).await?;
                let keys = node.engine.store.within(&scope).api_keys().await?;
                if on.json {
                    let keys = keys.iter().map(|key| shape(key, &key.key)).collect();
                    return Ok(console::line(&Value::Array(keys).to_string())?);
                }
                for key in &keys {
                    let state = if key.active { "active " } else { "revoked" };
                    console::line(&format!(
                        "{}  {state}  {}",
                        key.key,
                        key.label.as_deref().unwrap_or("-")
                    ))?;
                }
                if keys.is_empty() {
                    console::error(&format!(
                        "There are no keys. Create one: ligature api-key create --project {project}"
                    ));
                }
            }
            Self::Revoke { key, project, on } => {
                let node = on.open().await?;
                actions::api_key::revoke(&node.engine, &node.operator(), &project, &key).await?;
                console::error("Revoked.");
            }
        }
        Ok(())
    }
}

/// The API's own shape, with as much of the key as is given.
fn shape(key: &store::ApiKey, shown: &str) -> Value {
    json!({
        "key": shown,
        "projectId": key.project_id,
        "label": key.label.clone().unwrap_or_default(),
        "scopes": key.scopes,
        "active": key.active,
        "createTime": key.create_time,
        "updateTime": key.update_time,
    })
}

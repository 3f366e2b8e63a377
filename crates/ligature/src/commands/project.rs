//! `ligature project create|list`: straight on the store.

use clap::Subcommand;
use engine::actions;
use serde_json::{Value, json};

use super::StoreCommand;
use crate::console;

/// Create and list projects.
#[derive(Debug, Subcommand)]
pub(crate) enum Project {
    /// Create a project
    Create {
        /// Its name, unique on this server
        name: String,
        /// The name that customers see (default: the name)
        #[arg(long, value_name = "NAME")]
        app_name: Option<String>,
        #[command(flatten)]
        on: StoreCommand,
    },
    /// List the projects
    List {
        #[command(flatten)]
        on: StoreCommand,
    },
}

impl Project {
    /// Runs the command.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create { name, app_name, on } => {
                let node = on.open().await?;
                let app_name = app_name.unwrap_or_default();
                let project =
                    actions::project::create(&node.engine, &node.operator(), name, app_name, None)
                        .await?;
                if on.json {
                    return Ok(console::line(&shape(&project).to_string())?);
                }
                console::line(&format!(
                    "Created project {} ({})",
                    project.name, project.id
                ))?;
                console::error(&format!(
                    "Next: ligature api-key create --project {}",
                    project.name
                ));
            }
            Self::List { on } => {
                let node = on.open().await?;
                let projects = node.engine.store.projects(&node.operator()).await?;
                if on.json {
                    return Ok(console::line(
                        &Value::Array(projects.iter().map(shape).collect()).to_string(),
                    )?);
                }
                for project in &projects {
                    console::line(&format!("{}  {}", project.id, project.name))?;
                }
                if projects.is_empty() {
                    console::error(
                        "There are no projects. Create one: ligature project create NAME",
                    );
                }
            }
        }
        Ok(())
    }
}

/// The API's own shape.
fn shape(project: &store::Project) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "appName": project.app_name,
        "orgId": project.org_id,
        "createTime": project.create_time,
        "updateTime": project.update_time,
    })
}

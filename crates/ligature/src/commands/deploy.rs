//! `ligature deploy`: checks an `amp.yaml` here, then gives it to a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;
use http::Method;
use manifest::{KnownDestination, Limits};
use serde_json::{Value, json};

use super::check::{Findings, Source, examine};
use super::server_client::Server;
use crate::console;

/// Validate an amp.yaml and deploy it to a server
///
/// The API key is taken from the environment variable `AMP_API_KEY`.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The file, a directory with an amp.yaml in it, or - for standard input
    path: String,
    /// The project, by name or id
    #[arg(long, short, env = "LIGATURE_PROJECT", value_name = "PROJECT")]
    project: String,
    /// The server
    #[arg(
        long,
        env = "LIGATURE_SERVER",
        default_value = "http://localhost:8080",
        value_name = "URL"
    )]
    server: String,
    /// Certificates to trust besides the usual ones, PEM
    #[arg(long, env = "LIGATURE_CA_BUNDLE", value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// Print what was deployed as JSON, in the shape of the API
    #[arg(long)]
    json: bool,
}

impl Deploy {
    /// Runs the command.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let source = match Source::read(&self.path) {
            Ok(source) => source,
            Err(error) => {
                console::error(&format!("error: {error:#}"));
                return Ok(ExitCode::from(2));
            }
        };
        // How often a schedule may come round is the server's to say.
        let limits = Limits {
            min_schedule_seconds: 0,
        };
        let report = examine(&source, limits, None)?;
        if report.has_errors() {
            show(&source, &report.problems);
            console::error("Nothing was deployed.");
            return Ok(ExitCode::FAILURE);
        }
        let server = Server::open(&self.server, &self.project, self.ca_bundle.as_deref())?;
        let destinations = destinations(&server).await?;
        let report = examine(&source, limits, Some(&destinations))?;
        if !report.problems.is_empty() {
            show(&source, &report.problems);
        }
        let text = manifest::decode(&source.bytes).map_err(|problem| anyhow!("{problem}"))?;
        let batch = json!({ "sourceYaml": text });
        let deployed = server
            .call(Method::PUT, &["integrations:batch"], &[], Some(&batch))
            .await?;
        if self.json {
            console::line(&deployed.to_string())?;
            return Ok(ExitCode::SUCCESS);
        }
        let word = |of: &Value, name: &str| {
            of.get(name)
                .and_then(Value::as_str)
                .unwrap_or("?")
                .to_owned()
        };
        for integration in deployed.as_array().into_iter().flatten() {
            let revision = integration
                .get("latestRevision")
                .cloned()
                .unwrap_or_default();
            console::line(&format!(
                "Deployed {} (integration {}, revision {})",
                word(integration, "name"),
                word(integration, "id"),
                word(&revision, "id"),
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(source: &Source, problems: &[manifest::Problem]) {
    let findings = Findings {
        source,
        problems,
        strict: false,
    };
    console::error(&findings.text(console::is_error_coloured()));
}

/// The project's destinations.
async fn destinations(server: &Server) -> anyhow::Result<Vec<KnownDestination>> {
    let answer = server
        .call(Method::GET, &["destinations"], &[], None)
        .await?;
    let list = answer
        .as_array()
        .context("the server's list of destinations is none")?;
    let known = list.iter().filter_map(|destination| {
        Some(KnownDestination {
            name: destination.get("name")?.as_str()?.to_owned(),
            disabled: destination
                .get("disabled")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        })
    });
    Ok(known.collect())
}

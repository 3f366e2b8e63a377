//! `ligature deploy`: checks an `amp.yaml` here, then gives it to a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use http::{Method, Request, Response, StatusCode, header};
use manifest::{KnownDestination, Limits};
use outbound::{Outbound, SendError, Settings};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::check::{Findings, Source, examine};
use crate::console;

const KEY: &str = "AMP_API_KEY";

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
        let server = self.server()?;
        let destinations = server.destinations().await?;
        let report = examine(&source, limits, Some(&destinations))?;
        if !report.problems.is_empty() {
            show(&source, &report.problems);
        }
        let text = manifest::decode(&source.bytes).map_err(|problem| anyhow!("{problem}"))?;
        let deployed = server.deploy(text).await?;
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

    fn server(&self) -> anyhow::Result<Server> {
        let key = std::env::var(KEY).unwrap_or_default();
        if key.trim().is_empty() {
            bail!(
                "{KEY} is not set: put a key of the project there, made with `ligature api-key create --project {}`",
                self.project
            );
        }
        let url: Url = self
            .server
            .parse()
            .ok()
            .filter(|url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .with_context(|| {
                format!(
                    "`{}` is not the URL of a server, such as https://ligature.example",
                    self.server
                )
            })?;
        let mut settings = Settings::new(env!("CARGO_PKG_VERSION"));
        // Whoever names a server wants it reached, wherever it is.
        settings.provider_origins = vec![url.origin().ascii_serialization()];
        if let Some(path) = &self.ca_bundle {
            let pem = std::fs::read(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            settings.ca_bundle = Some(pem);
        }
        Ok(Server {
            outbound: Outbound::new(&settings).context("outbound calls cannot be set up")?,
            url,
            project: self.project.clone(),
            key: key.trim().to_owned().into(),
        })
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

/// A project on a server.
struct Server {
    outbound: Outbound,
    url: Url,
    project: String,
    key: SecretString,
}

impl Server {
    async fn destinations(&self) -> anyhow::Result<Vec<KnownDestination>> {
        let answer = self.call(Method::GET, "destinations", None).await?;
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

    async fn deploy(&self, text: &str) -> anyhow::Result<Value> {
        let batch = json!({ "sourceYaml": text });
        self.call(Method::PUT, "integrations:batch", Some(&batch))
            .await
    }

    /// A call to a route of the project, and its JSON.
    async fn call(
        &self,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow!("{} cannot have paths", self.url))?
            .pop_if_empty()
            .extend(["v1", "projects", &self.project, route]);
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("x-api-key", self.key.expose_secret())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map(Value::to_string).unwrap_or_default().into_bytes())
            .with_context(|| format!("{KEY} cannot be sent: a key has no such characters"))?;
        let answer = self
            .outbound
            .whole(request)
            .await
            .map_err(|error| self.unreached(&error))?;
        if answer.status().is_success() {
            return serde_json::from_slice(answer.body())
                .map_err(|_| self.stranger(answer.status()));
        }
        Err(self.refusal(&answer))
    }

    fn unreached(&self, error: &SendError) -> anyhow::Error {
        let server = self.url.as_str().trim_end_matches('/');
        match error {
            SendError::Connect { .. } | SendError::Dns { .. } => anyhow!(
                "no server answers at {server} ({error}): start one with `ligature serve`, or name another with --server"
            ),
            error => anyhow!("{server} could not be asked: {error}"),
        }
    }

    fn stranger(&self, status: StatusCode) -> anyhow::Error {
        anyhow!(
            "what answers at {} is not Ligature (status {}): name the server with --server",
            self.url.as_str().trim_end_matches('/'),
            status.as_u16()
        )
    }

    fn refusal(&self, answer: &Response<Vec<u8>>) -> anyhow::Error {
        let Ok(problem) = serde_json::from_slice::<Value>(answer.body()) else {
            return self.stranger(answer.status());
        };
        let project = &self.project;
        let text = |name: &str| problem.get(name).and_then(Value::as_str);
        let detail = text("detail").unwrap_or("the server refused");
        match answer.status().as_u16() {
            401 => anyhow!(
                "{detail}: set {KEY} to a key of this server, made with `ligature api-key create --project {project}`"
            ),
            404 => anyhow!(
                "the key in {KEY} sees no project `{project}`: a key belongs to one project; `ligature project list` names them all"
            ),
            _ => {
                let causes = problem
                    .get("causes")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                let causes = causes
                    .filter_map(Value::as_str)
                    .filter(|cause| *cause != detail);
                let causes: String = causes.map(|cause| format!("\n  {cause}")).collect();
                let remedy = text("remedy")
                    .map(|remedy| format!("\n{remedy}"))
                    .unwrap_or_default();
                anyhow!("{detail}{causes}{remedy}")
            }
        }
    }
}

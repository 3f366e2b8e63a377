//! A project on a running server, for commands that go through its API.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use http::{Method, Request, Response, StatusCode, header};
use outbound::{Outbound, SendError, Settings};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

/// The variable that holds the API key.
const KEY: &str = "AMP_API_KEY";

/// A project on a server.
pub(super) struct Server {
    outbound: Outbound,
    url: Url,
    project: String,
    key: SecretString,
}

impl Server {
    /// A client of the server at `url`, with the key in [`KEY`].
    ///
    /// # Errors
    /// When there is no key, or the URL or the certificates cannot be used.
    pub(super) fn open(url: &str, project: &str, ca_bundle: Option<&Path>) -> anyhow::Result<Self> {
        let key = std::env::var(KEY).unwrap_or_default();
        if key.trim().is_empty() {
            bail!(
                "{KEY} is not set: put a key of the project there, made with `ligature api-key create --project {project}`"
            );
        }
        let url: Url = url
            .parse()
            .ok()
            .filter(|url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .with_context(|| {
                format!("`{url}` is not the URL of a server, such as https://ligature.example")
            })?;
        let mut settings = Settings::new(env!("CARGO_PKG_VERSION"));
        // Whoever names a server wants it reached, wherever it is.
        settings.provider_origins = vec![url.origin().ascii_serialization()];
        if let Some(path) = ca_bundle {
            let pem = std::fs::read(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            settings.ca_bundle = Some(pem);
        }
        Ok(Self {
            outbound: Outbound::new(&settings).context("outbound calls cannot be set up")?,
            url,
            project: project.to_owned(),
            key: key.trim().to_owned().into(),
        })
    }

    /// A call to a route of the project, and its JSON.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub(super) async fn call(
        &self,
        method: Method,
        route: &[&str],
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow!("{} cannot have paths", self.url))?
            .pop_if_empty()
            .extend(["v1", "projects", &self.project])
            .extend(route);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
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
            404 if detail.starts_with("project ") => anyhow!(
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

//! `ligature serve` as a child process, against a sandbox.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Client, until};
use crate::receiver::Receiver;

/// The key of the bootstrap project.
pub(crate) const KEY: &str = "lig_processtest_0123456789abcdefghijklmnopqrstuv";
pub(crate) const SECRET_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const MANIFEST: &str = include_str!("../../../../examples/bitbucket/amp.yaml");

/// The path of the binary under test.
pub(crate) fn ligature() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ligature"));
    // Whatever the machine has set must not decide what is tested.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LIGATURE_")) {
        command.env_remove(name);
    }
    command
}

/// A server process that can be killed and started again.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) sandbox: sandbox::Running,
    database: Option<String>,
    variables: Vec<(&'static str, &'static str)>,
    port: u16,
    dir: TempDir,
    child: Option<Child>,
}

impl Server {
    /// A sandbox of `repositories` and a server that knows it, on SQLite or on
    /// the given PostgreSQL.
    pub(crate) async fn start(repositories: u32, database: Option<String>) -> Self {
        Self::start_with(repositories, database, Vec::new()).await
    }

    /// The same with some more variables.
    pub(crate) async fn start_with(
        repositories: u32,
        database: Option<String>,
        variables: Vec<(&'static str, &'static str)>,
    ) -> Self {
        let port = free_port();
        let options = sandbox::Options {
            repositories,
            callback_url: format!("http://127.0.0.1:{port}/callbacks/v1/oauth"),
            ..sandbox::Options::default()
        };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let mut server = Self {
            client: Client::new(KEY),
            url: format!("http://127.0.0.1:{port}"),
            sandbox: sandbox::start(listener, options).unwrap(),
            database,
            variables,
            port,
            dir: TempDir::new().unwrap(),
            child: None,
        };
        server.launch().await;
        server
    }

    /// Starts the process and waits until it is ready.
    pub(crate) async fn launch(&mut self) {
        self.launch_as(ligature()).await;
    }

    /// The same, from a line of a shell that ends in the command, `"$@"`.
    pub(crate) async fn launch_through(&mut self, line: &str) {
        let binary = ligature();
        let mut command = Command::new("sh");
        for (name, _) in binary.get_envs() {
            command.env_remove(name);
        }
        command.args(["-c", line, "sh"]).arg(binary.get_program());
        self.launch_as(command).await;
    }

    async fn launch_as(&mut self, command: Command) {
        let child = self.command(command, self.port).spawn().unwrap();
        self.child = Some(child);
        self.ready(&self.url).await;
    }

    /// Waits until a process answers that it is ready.
    pub(crate) async fn ready(&self, url: &str) {
        let (client, url) = (self.client.clone(), format!("{url}/readyz"));
        until("the server is ready", || async {
            client
                .send(Method::GET, &url, None)
                .await
                .is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    /// Starts one more process on the same database, with some more variables,
    /// and waits until it is ready.
    pub(crate) async fn peer(&self, variables: &[(&str, &str)]) -> Peer {
        let port = free_port();
        let mut command = self.command(ligature(), port);
        command.envs(variables.iter().copied());
        let peer = Peer {
            url: format!("http://127.0.0.1:{port}"),
            child: command.spawn().unwrap(),
        };
        self.ready(&peer.url).await;
        peer
    }

    fn command(&self, mut command: Command, port: u16) -> Command {
        command
            .arg("serve")
            .env("LIGATURE_LISTEN", format!("127.0.0.1:{port}"))
            .env("LIGATURE_PUBLIC_URL", &self.url)
            .env("LIGATURE_DATA_DIR", self.data_dir())
            .env("LIGATURE_SECRET_KEY", SECRET_KEY)
            .env("LIGATURE_BITBUCKET_API_URL", self.sandbox.url())
            .env("LIGATURE_BITBUCKET_OAUTH_URL", self.sandbox.url())
            .env("LIGATURE_ALLOW_PRIVATE_NETWORKS", "127.0.0.0/8")
            .env("LIGATURE_BOOTSTRAP_PROJECT", "app")
            .env("LIGATURE_BOOTSTRAP_API_KEY", KEY)
            .env("LIGATURE_LOG", "warn")
            .stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.env("LIGATURE_DATABASE_URL", database);
        }
        command.envs(self.variables.iter().copied());
        command
    }

    /// Sends a signal, such as `-TERM`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.as_ref().unwrap(), name);
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        ended(self.child.as_mut().unwrap()).await
    }

    /// SIGKILL: no farewell, no flush.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Whether the process has not ended by itself.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// From its next launch on it uses this database.
    pub(crate) fn move_to(&mut self, database: String) {
        self.database = Some(database);
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A path of the API of the project.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("{}/v1/projects/app{rest}", self.url)
    }

    /// A path of the sandbox's controls.
    pub(crate) fn control(&self, rest: &str) -> String {
        format!("{}/_sandbox/{rest}", self.sandbox.url())
    }

    /// Everything up to a connection whose messages go to `receiver`.
    pub(crate) async fn connect(&self, receiver: &Receiver) {
        let app = json!({ "provider": "bitbucket", "clientId": "sandbox-client", "clientSecret": "sandbox-secret" });
        self.client.post(&self.path("/provider-apps"), &app).await;
        let destination = json!({ "name": "bitbucketWebhook", "type": "webhook", "metadata": { "url": receiver.url } });
        self.client
            .post(&self.path("/destinations"), &destination)
            .await;
        let shown = self.path("/destinations/bitbucketWebhook?includeSecrets=true");
        let shown = self.client.json(Method::GET, &shown, None).await;
        receiver.trust(shown["secrets"]["webhookSigningKey"].as_str().unwrap());
        let batch = json!({ "sourceYaml": manifest() });
        self.client
            .json(Method::PUT, &self.path("/integrations:batch"), Some(&batch))
            .await;
        let connect = json!({
            "projectIdOrName": "app", "provider": "bitbucket", "groupRef": "g", "consumerRef": "c",
            "providerMetadata": { "workspace": { "value": "acme", "source": "input" } },
        });
        let url = self
            .client
            .post(&format!("{}/v1/oauth-connect", self.url), &connect)
            .await;
        let page = self.client.consent(url.as_str().unwrap()).await;
        assert_eq!(page.status(), 200);
    }

    /// Installs `objects`; returns the path of the installation.
    pub(crate) async fn install(&self, objects: &[&str]) -> String {
        self.install_in("bitbucket", objects).await
    }

    /// Deploys the integration once more under another name, and installs that.
    pub(crate) async fn install_next(&self, objects: &[&str]) -> String {
        let renamed = manifest().replace("name: bitbucket\n", "name: bitbucket-2\n");
        let batch = json!({ "sourceYaml": renamed });
        self.client
            .json(Method::PUT, &self.path("/integrations:batch"), Some(&batch))
            .await;
        self.install_in("bitbucket-2", objects).await
    }

    async fn install_in(&self, integration: &str, objects: &[&str]) -> String {
        let chosen: serde_json::Map<String, Value> = objects
            .iter()
            .map(|name| ((*name).to_owned(), json!({ "objectName": name })))
            .collect();
        let new =
            json!({ "groupRef": "g", "config": { "content": { "read": { "objects": chosen } } } });
        let path = self.path(&format!("/integrations/{integration}/installations"));
        let installation = self.client.post(&path, &new).await;
        format!("{path}/{}", installation["id"].as_str().unwrap())
    }

    /// Whether every message was taken, and we know it: the status page says so.
    pub(crate) async fn has_nothing_to_deliver(&self) -> bool {
        let page = self
            .client
            .json(Method::GET, &format!("{}/", self.url), None)
            .await;
        page.as_str()
            .unwrap()
            .contains("<dt>Messages waiting</dt><dd>0</dd>")
    }

    /// Whether every operation of an installation has ended, and well.
    pub(crate) async fn has_succeeded(&self, installation: &str) -> bool {
        let page = self
            .client
            .json(Method::GET, &format!("{installation}/operations"), None)
            .await;
        let operations = page["results"].as_array().unwrap();
        for operation in operations {
            assert_ne!(operation["status"], "failure", "{operation}");
        }
        !operations.is_empty()
            && operations
                .iter()
                .all(|operation| operation["status"] == "success")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Without schedules: a tick of the real clock in mid-test would read again.
fn manifest() -> String {
    let unscheduled = |line: &&str| !line.trim_start().starts_with("schedule:");
    let lines: Vec<&str> = MANIFEST.lines().filter(unscheduled).collect();
    lines.join("\n")
}

/// One more process on the same database.
pub(crate) struct Peer {
    pub(crate) url: String,
    child: Child,
}

impl Peer {
    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends a process a signal, by `kill`'s name for it.
pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success(), "kill {name} {pid}");
}

/// Waits until a process has ended.
pub(crate) async fn ended(child: &mut Child) -> ExitStatus {
    until("the process ends", || {
        let ended = child.try_wait().unwrap().is_some();
        async move { ended }
    })
    .await;
    child.wait().unwrap()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

//! The stock `@amp-labs/react` in Chromium, on the page of `examples/react-install`,
//! against a server process and the sandbox: what a customer sees and presses, from
//! the first consent to the uninstall. `tests/browser/walk.cjs` is the customer.

use std::ffi::OsStr;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::packages;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::api::until;
use crate::receiver::Receiver;
use crate::serve::Server;

const TARGET: &str = env!("CARGO_TARGET_TMPDIR");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const REPOSITORIES: u32 = 30;
/// For one walk; whatever it waits for has less.
const PATIENCE: Duration = Duration::from_secs(400);
/// What the page consists of, below `examples/react-install`.
const SOURCES: [&str; 3] = ["index.html", "vite.config.js", "src/main.jsx"];

/// One browser at a time is enough for a small machine.
pub(crate) static TURN: Mutex<()> = Mutex::const_new(());

/// What a machine needs for these tests.
pub(crate) struct Tools {
    chromium: PathBuf,
    /// Where the page's packages are; nowhere, if they are not asked for.
    page: PathBuf,
    /// Where the driver's packages are.
    driver: PathBuf,
}

impl Tools {
    /// `None`, with a note, where something cannot be had.
    fn find() -> Option<Self> {
        let list = Path::new(ROOT).join("examples/react-install/package.json");
        let list = fs::read_to_string(list).unwrap();
        let tools = Self::driver_only()?;
        Some(Self {
            page: packages::npm(Path::new(TARGET), &list)?,
            ..tools
        })
    }

    /// For pages that need no packages of their own.
    pub(crate) fn driver_only() -> Option<Self> {
        Some(Self {
            chromium: chromium()?,
            page: PathBuf::new(),
            driver: driver()?,
        })
    }

    /// Builds the page as its README says, in a directory of its own beside its
    /// packages.
    async fn build(&self, server: &Server, key: Option<&str>) -> TempDir {
        let built = tempfile::Builder::new()
            .prefix("page")
            .tempdir_in(&self.page)
            .unwrap();
        fs::create_dir(built.path().join("src")).unwrap();
        for name in SOURCES {
            let from = Path::new(ROOT).join("examples/react-install").join(name);
            fs::copy(from, built.path().join(name)).unwrap();
        }
        let mut vite = Command::new("node");
        vite.current_dir(built.path())
            .arg(self.page.join("node_modules/vite/bin/vite.js"))
            .args(["build", "--logLevel", "warn"])
            .env("LIGATURE_URL", &server.url)
            .env("VITE_PROJECT", "app");
        match key {
            Some(key) => vite.env("VITE_API_KEY", key),
            None => vite.env_remove("VITE_API_KEY"),
        };
        let output = vite.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        built
    }

    /// Lets somebody, who is a program, walk the `steps`; what they need to know is in
    /// `world`.
    pub(crate) async fn walk(&self, program: &str, steps: &[&str], world: &Value) {
        let programs = Path::new(ROOT).join("crates/ligature/tests/browser");
        let mut driver = Command::new("node");
        driver
            .arg(programs.join(program))
            .arg(&self.driver)
            .args(steps)
            .env("CHROMIUM", &self.chromium)
            .env("SCREENSHOTS", Path::new(TARGET).join("../screenshots"))
            .env("WORLD", world.to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, driver.output()).await;
        assert!(output.is_ok(), "the walk has not ended in time");
        let output = output.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let wrong = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{wrong}");
    }
}

/// Where Chromium is; `None`, with a note, where it is not installed.
fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names.into_iter().find_map(on_path);
    if found.is_none() {
        testing::missing("Chromium: install Debian's chromium package");
    }
    found
}

/// Where the packages are by which tests drive it.
fn driver() -> Option<PathBuf> {
    let list = Path::new(ROOT).join("crates/ligature/tests/browser/package.json");
    packages::npm(Path::new(TARGET), &fs::read_to_string(list).unwrap())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&path).map(|directory| directory.join(name));
    programs.find(|program| program.is_file())
}

/// Serves a built page on a port of its own, as any web server would.
async fn serve(built: &TempDir) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .fallback(file)
        .with_state(built.path().join("dist"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn file(State(dist): State<PathBuf>, uri: Uri) -> Response {
    let name = uri.path().trim_start_matches('/');
    let name = if name.is_empty() { "index.html" } else { name };
    let media_type = match Path::new(name).extension().and_then(OsStr::to_str) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        _ => "application/octet-stream",
    };
    match fs::read(dist.join(name)) {
        Ok(bytes) if !name.contains("..") => {
            ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Everything that the builder does before a customer comes.
pub(crate) async fn prepare(server: &Server, receiver: &Receiver) {
    let client = &server.client;
    let app = json!({ "provider": "bitbucket", "clientId": "sandbox-client", "clientSecret": "sandbox-secret" });
    client.post(&server.path("/provider-apps"), &app).await;
    let inbox = json!({ "name": "inbox", "type": "webhook", "metadata": { "url": receiver.url } });
    client.post(&server.path("/destinations"), &inbox).await;
    let shown = server.path("/destinations/inbox?includeSecrets=true");
    let shown = client.json(Method::GET, &shown, None).await;
    receiver.trust(shown["secrets"]["webhookSigningKey"].as_str().unwrap());
    let manifest = Path::new(ROOT).join("examples/react-install/amp.yaml");
    let batch = json!({ "sourceYaml": fs::read_to_string(manifest).unwrap() });
    let batch_path = server.path("/integrations:batch");
    client.json(Method::PUT, &batch_path, Some(&batch)).await;
}

fn world(server: &Server, page: &str, customer: &str) -> Value {
    json!({
        "page": format!("{page}/?customer={customer}"), "customer": customer,
        "api": server.path(""), "key": crate::serve::KEY, "repositories": REPOSITORIES,
        "sandbox": server.control(""),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_connects_installs_edits_and_uninstalls() {
    let Some(tools) = Tools::find() else { return };
    let _turn = TURN.lock().await;
    let server = Server::start(REPOSITORIES, None).await;
    let receiver = Receiver::start().await;
    prepare(&server, &receiver).await;
    let new = json!({ "label": "page", "scopes": ["frontend"] });
    let made = server.client.post(&server.path("/api-keys"), &new).await;
    let built = tools.build(&server, made["key"].as_str()).await;
    let page = serve(&built).await;
    let world = world(&server, &page, "customer-1");
    tools
        .walk(
            "walk.cjs",
            &["deny", "connect", "install", "edit", "stop", "reconnect"],
            &world,
        )
        .await;
    until("every repository has reached the app", || async {
        receiver.inbox.lock().unwrap().distinct("repositories") == REPOSITORIES as usize
    })
    .await;
    assert_eq!(receiver.inbox.lock().unwrap().forged, 0);
    tools.walk("walk.cjs", &["uninstall"], &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_with_a_token_does_the_same() {
    let Some(tools) = Tools::find() else { return };
    let _turn = TURN.lock().await;
    let server = Server::start(REPOSITORIES, None).await;
    let receiver = Receiver::start().await;
    prepare(&server, &receiver).await;
    let pem = include_str!("../../../engine/tests/keys/public-2048.pem");
    let new = json!({ "label": "page", "algorithm": "RS256", "publicKeyPem": pem });
    let made = server.client.post(&server.path("/jwt-keys"), &new).await;
    let built = tools.build(&server, None).await;
    let page = serve(&built).await;
    let mut world = world(&server, &page, "customer-2");
    world["kid"] = made["kid"].clone();
    world["signingKey"] = json!(include_str!("../../../engine/tests/keys/private-2048.pem"));
    tools
        .walk(
            "walk.cjs",
            &["connect", "install", "expired", "uninstall"],
            &world,
        )
        .await;
}

//! The dashboard in Chromium, as a builder goes through it: the link that the server
//! prints, a provider app, a manifest, a consent, an installation, and the records at
//! the app. `tests/browser/dashboard.cjs` is the builder.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::process::Command;

use crate::api::until;
use crate::browser::{self, TURN};
use crate::receiver::Receiver;
use crate::serve::Server;

const REPOSITORIES: u32 = 30;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/dashboard.cjs");
/// For the whole way; whatever it waits for has less.
const PATIENCE: Duration = Duration::from_secs(400);

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_goes_from_the_first_visit_to_the_first_delivery_and_on() {
    let (Some(chromium), Some(driver)) = (browser::chromium(), browser::driver()) else {
        return;
    };
    let _turn = TURN.lock().await;
    let mut server = Server::start(REPOSITORIES, None).await;
    server.kill();
    // Once more, with what it prints in a file.
    let printed = server.data_dir().join("printed");
    let line = format!("exec \"$@\" >'{}'", printed.display());
    server.launch_through(&line).await;
    let text = fs::read_to_string(&printed).unwrap();
    let link = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(&server.url));
    let link = format!("{}{}", server.url, link.unwrap());
    assert!(link.contains("/first-visit/"), "{text}");

    let receiver = Receiver::start().await;
    let inbox = json!({ "name": "inbox", "type": "webhook", "metadata": { "url": receiver.url } });
    server
        .client
        .post(&server.path("/destinations"), &inbox)
        .await;
    let shown = server.path("/destinations/inbox?includeSecrets=true");
    let shown = server.client.json(Method::GET, &shown, None).await;
    receiver.trust(shown["secrets"]["webhookSigningKey"].as_str().unwrap());

    let world = json!({ "link": link, "url": server.url, "repositories": REPOSITORIES });
    let mut builder = Command::new("node");
    builder
        .arg(SCRIPT)
        .arg(&driver)
        .env("CHROMIUM", &chromium)
        .env(
            "SCREENSHOTS",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots"),
        )
        .env("WORLD", world.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, builder.output()).await;
    assert!(output.is_ok(), "the way has not ended in time");
    let output = output.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{wrong}");

    until("every repository has reached the app", || async {
        receiver.inbox.lock().unwrap().distinct("repositories") == REPOSITORIES as usize
    })
    .await;
    assert_eq!(receiver.inbox.lock().unwrap().forged, 0);

    // Nothing is printed any more.
    server.kill();
    server.launch_through(&line).await;
    let text = fs::read_to_string(&printed).unwrap();
    assert!(!text.contains("first-visit"), "{text}");
}

//! The dashboard in Chromium while a read runs: destinations, operations followed as
//! they go, deliveries, keys, notifications, members and settings.
//! `tests/browser/activity.cjs` is the builder.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::process::Command;

use crate::browser::{self, TURN};
use crate::receiver::Receiver;
use crate::serve::{KEY, Server};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/activity.cjs");
/// For the whole way; whatever it waits for has less.
const PATIENCE: Duration = Duration::from_secs(400);
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a password of ada";

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_follows_what_happens() {
    let (Some(chromium), Some(driver)) = (browser::chromium(), browser::driver()) else {
        return;
    };
    let _turn = TURN.lock().await;
    let variables = vec![
        ("LIGATURE_ADMIN_EMAIL", EMAIL),
        ("LIGATURE_ADMIN_PASSWORD", PASSWORD),
    ];
    let server = Server::start_with(3_000, None, variables).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let slow = json!({ "ms": 1_500 });
    let latency = server.control("latency");
    server.client.json(Method::PUT, &latency, Some(&slow)).await;
    server.install(&["repositories"]).await;
    let second = Receiver::start().await;
    let world = json!({
        "url": server.url, "api": server.path(""), "key": KEY, "sandbox": server.control(""),
        "email": EMAIL, "password": PASSWORD, "receiver": second.url,
        "publicKey": include_str!("../../../engine/tests/keys/public-2048.pem"),
    });
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
    assert_eq!(
        receiver.inbox.lock().unwrap().distinct("repositories"),
        3_000
    );
}

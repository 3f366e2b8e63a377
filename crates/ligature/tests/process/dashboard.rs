//! The dashboard in Chromium, as a builder goes through it: the link that the server
//! prints, a provider app, a manifest, a consent, an installation, and the records at
//! the app. `tests/browser/dashboard.cjs` is the builder.

use std::fs;

use http::Method;
use serde_json::json;

use crate::api::until;
use crate::browser::{TURN, Tools};
use crate::receiver::Receiver;
use crate::serve::Server;

const REPOSITORIES: u32 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_goes_from_the_first_visit_to_the_first_delivery_and_on() {
    let Some(tools) = Tools::driver_only() else {
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
    tools.walk("dashboard.cjs", &[], &world).await;

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

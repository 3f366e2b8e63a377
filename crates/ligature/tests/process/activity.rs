//! The dashboard in Chromium while a read runs: destinations, operations followed as
//! they go, deliveries, keys, notifications, members and settings.
//! `tests/browser/activity.cjs` is the builder.

use http::Method;
use serde_json::json;

use crate::browser::{TURN, Tools};
use crate::receiver::Receiver;
use crate::serve::{KEY, Server};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a password of ada";

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_follows_what_happens() {
    let Some(tools) = Tools::driver_only() else {
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
    tools.walk("activity.cjs", &[], &world).await;
    assert_eq!(
        receiver.inbox.lock().unwrap().distinct("repositories"),
        3_000
    );
}

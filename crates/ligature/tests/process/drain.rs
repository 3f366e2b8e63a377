//! Stopping while the provider and the receiver hang: it ends, gives back what it
//! held, and whoever comes next goes on.

use std::time::{Duration, Instant};

use engine::{Clock as _, SystemClock};
use secrecy::SecretString;
use serde_json::json;
use store::{Examination, MasterKeys, Settings, Store};
use testing::postgres_schema;
use tokio::net::TcpListener;

use crate::api::until;
use crate::nodes::{all_has_come, release, stall_second_page, stalled};
use crate::receiver::Receiver;
use crate::serve::{SECRET_KEY, Server, ended, ligature, signal};

const REPOSITORIES: u32 = 400;

/// What there is in a database.
pub(crate) async fn examine(database: &str) -> Examination {
    let settings = Settings {
        url: database.to_owned(),
        schema: None,
        keys: MasterKeys::parse(&SecretString::from(SECRET_KEY), None).unwrap(),
        max_connections: 2,
    };
    let store = Store::open(settings, SystemClock::default().now())
        .await
        .unwrap();
    let seen = store.examine().await.unwrap();
    store.close().await;
    seen
}

/// A server whose read hangs at the provider, and whose messages at the receiver.
async fn hanging(database: Option<String>) -> (Server, Receiver) {
    let server = Server::start(REPOSITORIES, database).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    receiver.hold();
    let barrier = stall_second_page(&server).await;
    server.install(&["repositories"]).await;
    stalled(&server, &barrier).await;
    receiver.parked().await;
    (server, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_gives_back_what_hangs() {
    let Some(database) = postgres_schema("drain", SECRET_KEY).await else {
        return;
    };
    let (mut server, receiver) = hanging(Some(database.clone())).await;
    server.signal("-TERM");
    // Neither the provider nor the receiver has let go.
    assert!(server.ended().await.success());
    let seen = examine(&database).await;
    assert!(
        seen.work.iter().all(|row| row.owner.is_none()),
        "{:?}",
        seen.work
    );
    assert!(
        seen.messages.iter().all(|m| m.owner.is_none()),
        "{:?}",
        seen.messages
    );
    receiver.answer();
    server.launch().await;
    all_has_come(&receiver, REPOSITORIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_waits_for_its_database_stops_when_asked() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let database = format!("postgres://ada@{}/db", silent.local_addr().unwrap());
    let mut node = ligature()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("LIGATURE_DATABASE_URL", database)
        .env("LIGATURE_SECRET_KEY", SECRET_KEY)
        .spawn()
        .unwrap();
    // It has connected, and nobody says a word.
    let connection = silent.accept().await.unwrap();
    signal(&node, "-TERM");
    // Waited out, this would end as a failure.
    assert!(ended(&mut node).await.success());
    drop(connection);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_too() {
    let (mut server, receiver) = hanging(None).await;
    server.signal("-TERM");
    assert!(server.ended().await.success());
    receiver.answer();
    server.launch().await;
    all_has_come(&receiver, REPOSITORIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_cuts_what_hangs() {
    let Some(database) = postgres_schema("cut", SECRET_KEY).await else {
        return;
    };
    let (mut server, receiver) = hanging(Some(database.clone())).await;
    // Two different ones: of two alike that come at once the system keeps one.
    server.signal("-TERM");
    server.signal("-INT");
    assert!(server.ended().await.success());
    let seen = examine(&database).await;
    // Reads were given back; an attempt that was cut is nobody's to settle.
    assert!(
        seen.work.iter().all(|row| row.owner.is_none()),
        "{:?}",
        seen.work
    );
    assert!(
        seen.messages.iter().any(|m| m.owner.is_some()),
        "{:?}",
        seen.messages
    );
    receiver.answer();
    server.launch().await;
    all_has_come(&receiver, REPOSITORIES).await;
}

/// The provider has rotated the refresh token already, and the old one dies: even
/// a second signal leaves time to store the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_under_way_is_stored() {
    let mut server = Server::start(REPOSITORIES, None).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let expire = json!({ "expire_access": true });
    server.client.post(&server.control("tokens"), &expire).await;
    let rule = json!({ "path": "/site/oauth2/access_token", "hold": "response" });
    let barrier = server.client.post(&server.control("barriers"), &rule).await;
    let barrier = server.control(&format!("barriers/{}", barrier["id"]));
    let installation = server.install(&["repositories"]).await;
    stalled(&server, &barrier).await;
    server.signal("-TERM");
    server.signal("-INT");
    // For longer than anything that is cut may take.
    let begun = Instant::now();
    until("everything else is over", || {
        assert!(server.runs(), "it has left the refresh behind");
        async move { begun.elapsed() > Duration::from_secs(7) }
    })
    .await;
    release(&server, &barrier).await;
    assert!(server.ended().await.success());
    let later = json!({ "advance_seconds": 660 });
    server.client.post(&server.control("clock"), &later).await;
    server.launch().await;
    all_has_come(&receiver, REPOSITORIES).await;
    until("the read is over", || server.has_succeeded(&installation)).await;
}

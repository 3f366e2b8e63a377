//! Several nodes on one PostgreSQL: each does its part, and one that stalls, by
//! itself or because its database is out of reach, loses nothing and spoils
//! nothing when it comes back.

use engine::{Clock as _, SystemClock};
use http::Method;
use serde_json::json;
use tempfile::TempDir;
use testing::postgres_schema;

use crate::api::until;
use crate::proxy::Proxy;
use crate::receiver::Receiver;
use crate::serve::{SECRET_KEY, Server, ligature};

const PAGES: &str = "/2.0/repositories/acme";
const REPOSITORIES: u32 = 400;

/// A barrier at the second page's answer; returns its path.
pub(crate) async fn stall_second_page(server: &Server) -> String {
    let rule = json!({ "path": PAGES, "nth": 2, "hold": "response" });
    let barrier = server.client.post(&server.control("barriers"), &rule).await;
    server.control(&format!("barriers/{}", barrier["id"]))
}

/// Waits until somebody is stopped by it.
pub(crate) async fn stalled(server: &Server, barrier: &str) {
    let parked = format!("{barrier}?wait_ms=60000");
    server.client.json(Method::GET, &parked, None).await;
}

pub(crate) async fn release(server: &Server, barrier: &str) {
    let release = format!("{barrier}/release");
    server.client.json(Method::POST, &release, None).await;
}

/// Waits until everything has come; no record may have come in two messages.
pub(crate) async fn all_has_come(receiver: &Receiver, repositories: u32) {
    until("everything has come", || async {
        receiver.inbox.lock().unwrap().distinct("repositories") == repositories as usize
    })
    .await;
    let inbox = receiver.inbox.lock().unwrap();
    assert_eq!((inbox.repeated_records(), inbox.forged), (0, 0));
}

#[test]
fn a_part_of_the_work_needs_postgresql() {
    for role in ["api", "worker"] {
        let dir = TempDir::new().unwrap();
        let output = ligature()
            .current_dir(dir.path())
            .args(["serve", "--role", role, "--listen", "127.0.0.1:0"])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(
            said.contains("SQLite") && said.contains("LIGATURE_ROLE"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_node_serves_and_a_worker_node_works() {
    let Some(database) = postgres_schema("roles", SECRET_KEY).await else {
        return;
    };
    let roles = vec![("LIGATURE_ROLE", "api")];
    let server = Server::start_with(REPOSITORIES, Some(database), roles).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let installation = server.install(&["repositories"]).await;
    let worker = server.peer(&[("LIGATURE_ROLE", "worker")]).await;
    // Whoever works now is the worker: nothing was asked for until it came.
    all_has_come(&receiver, REPOSITORIES).await;
    until("the read is over", || server.has_succeeded(&installation)).await;
    for path in ["/", "/v1/projects", "/callbacks/v1/oauth"] {
        let url = format!("{}{path}", worker.url);
        let answer = server.client.send(Method::GET, &url, None).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    let health = format!("{}/healthz", worker.url);
    let answer = server
        .client
        .send(Method::GET, &health, None)
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_node_does_not_work() {
    let Some(database) = postgres_schema("api_only", SECRET_KEY).await else {
        return;
    };
    let roles = vec![("LIGATURE_ROLE", "api")];
    let mut server = Server::start_with(REPOSITORIES, Some(database.clone()), roles).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let installation = server.install(&["repositories"]).await;
    // Orderly, so that whatever it had begun would have ended or been given back.
    server.signal("-TERM");
    assert!(server.ended().await.success());
    let seen = crate::drain::examine(&database).await;
    // The read, and what is to be pruned, which is due from the start.
    assert_eq!(seen.work.len(), 2, "{:?}", seen.work);
    let now = SystemClock::default().now();
    assert!(
        seen.work
            .iter()
            .all(|row| row.attempts == 0 && row.next_at.is_some_and(|at| at <= now)),
        "{:?}",
        seen.work
    );
    assert!(seen.messages.is_empty(), "{:?}", seen.messages);
    server.launch().await;
    assert!(!server.has_succeeded(&installation).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_node_spoils_nothing_when_it_comes_back() {
    let Some(database) = postgres_schema("frozen", SECRET_KEY).await else {
        return;
    };
    let mut server = Server::start(REPOSITORIES, Some(database)).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let barrier = stall_second_page(&server).await;
    server.install(&["repositories"]).await;
    stalled(&server, &barrier).await;
    server.signal("-STOP");
    let _other = server.peer(&[]).await;
    all_has_come(&receiver, REPOSITORIES).await;
    // It wakes with a page in its hands that is long committed by another.
    release(&server, &barrier).await;
    server.signal("-CONT");
    // It ends what it has in its hands before it ends itself.
    server.signal("-TERM");
    assert!(server.ended().await.success());
    server.launch().await;
    until("nothing is left to deliver", || {
        server.has_nothing_to_deliver()
    })
    .await;
    all_has_come(&receiver, REPOSITORIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_cut_off_from_the_database_spoils_nothing_and_recovers() {
    let Some(database) = postgres_schema("cut_off", SECRET_KEY).await else {
        return;
    };
    let proxy = Proxy::start(&database).await;
    let server = Server::start(REPOSITORIES, Some(proxy.url.clone())).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let barrier = stall_second_page(&server).await;
    server.install(&["repositories"]).await;
    stalled(&server, &barrier).await;
    proxy.cut();
    let mut other = server.peer(&[("LIGATURE_DATABASE_URL", &database)]).await;
    // The provider answers at last, and the node cannot commit what it says.
    release(&server, &barrier).await;
    all_has_come(&receiver, REPOSITORIES).await;
    proxy.mend();
    server.ready(&server.url).await;
    until("nothing is left to deliver", || {
        server.has_nothing_to_deliver()
    })
    .await;
    all_has_come(&receiver, REPOSITORIES).await;
    assert!(other.runs());
    // It takes part again: the other one is gone, and what is due is done.
    drop(other);
    server.install_next(&["projects"]).await;
    until("the projects have come", || async {
        receiver.inbox.lock().unwrap().distinct("projects") == 12
    })
    .await;
    all_has_come(&receiver, REPOSITORIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_connection_that_breaks_while_a_node_starts_is_made_anew() {
    let Some(database) = postgres_schema("broken_at_start", SECRET_KEY).await else {
        return;
    };
    let proxy = Proxy::breaking(&database, 2).await;
    let server = Server::start(1, Some(proxy.url.clone())).await;
    server.ready(&server.url).await;
}

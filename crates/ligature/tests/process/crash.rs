//! SIGKILL, at chosen boundaries and at random moments: every record arrives, and
//! what is repeated is whole messages under their own ids.
//!
//! `LIGATURE_TEST_REPOSITORIES` makes the run larger, and `LIGATURE_TEST_KILLS`
//! set to `all` tries every kill on PostgreSQL too, where each costs the half
//! minute that a dead node's lease lasts.

use http::Method;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::api::until;
use crate::receiver::{Inbox, Receiver};
use crate::serve::Server;

/// When the process dies.
#[derive(Debug, Clone, Copy)]
enum Kill {
    /// The first page was asked for, and nothing came yet.
    FirstPageAsked,
    /// Bitbucket has answered a page in the middle; we have not seen it.
    PageAnswered,
    /// Bitbucket has rotated the refresh token; the new one is not stored.
    TokenRotated,
    /// The receiver has taken messages; we do not know that.
    MessageTaken,
    /// Everything is read; messages are still to be delivered.
    ReadEnded,
    /// After a random number of records.
    AtRandom,
}

const ALL: [Kill; 10] = [
    Kill::FirstPageAsked,
    Kill::AtRandom,
    Kill::PageAnswered,
    Kill::AtRandom,
    Kill::TokenRotated,
    Kill::AtRandom,
    Kill::MessageTaken,
    Kill::AtRandom,
    Kill::AtRandom,
    Kill::ReadEnded,
];
const FEW: [Kill; 3] = [Kill::PageAnswered, Kill::MessageTaken, Kill::ReadEnded];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_sqlite() {
    nothing_is_lost(None, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_postgres() {
    if let Some(url) = testing::postgres_url() {
        let all = std::env::var("LIGATURE_TEST_KILLS").is_ok_and(|kills| kills == "all");
        nothing_is_lost(Some(url.to_owned()), if all { &ALL } else { &FEW }).await;
    }
}

async fn nothing_is_lost(database: Option<String>, kills: &[Kill]) {
    let on = if database.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    let repositories = std::env::var("LIGATURE_TEST_REPOSITORIES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3000);
    let mut server = Server::start(repositories, database).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    // Slow enough that a page takes longer than it takes us to notice something.
    server
        .client
        .json(
            Method::PUT,
            &server.control("latency"),
            Some(&json!({ "ms": 30 })),
        )
        .await;

    let mut random = SmallRng::seed_from_u64(7);
    let mut installation = None;
    for kill in kills {
        let wait = prepare(*kill, &server, &receiver).await;
        let path = match &installation {
            Some(path) => path,
            None => installation.insert(server.install(&["repositories", "projects"]).await),
        };
        wait_for(
            *kill,
            wait,
            &server,
            &receiver,
            path,
            &mut random,
            repositories / 25,
        )
        .await;
        let ended = server.has_succeeded(path).await;
        assert_eq!(
            ended,
            matches!(kill, Kill::ReadEnded),
            "{kill:?} came at the wrong time"
        );
        server.kill();
        if let Some(barrier) = wait {
            server
                .client
                .json(
                    Method::POST,
                    &server.control(&format!("barriers/{barrier}/release")),
                    None,
                )
                .await;
        }
        receiver.answer();
        server.launch().await;
    }
    let path = installation.unwrap();
    until("everything is read and delivered", || async {
        let all = receiver.inbox.lock().unwrap().distinct("repositories") == repositories as usize;
        all && server.has_succeeded(&path).await && server.has_nothing_to_deliver().await
    })
    .await;
    account(on, kills.len(), &receiver.inbox.lock().unwrap());
}

#[allow(
    clippy::print_stdout,
    reason = "the figures are the point of a larger run"
)]
fn account(on: &str, kills: usize, inbox: &Inbox) {
    println!(
        "{on}: {} kills, {} repositories and {} projects, {} messages, {} delivered again, {} records in two messages",
        kills,
        inbox.distinct("repositories"),
        inbox.distinct("projects"),
        inbox.messages.len(),
        inbox.repeated_messages(),
        inbox.repeated_records(),
    );
    assert_eq!(inbox.distinct("projects"), 12);
    assert_eq!(inbox.forged, 0);
    // A page is committed with its messages and its position, so a page that is
    // read again was never sent; only acknowledgements get lost.
    assert_eq!(
        inbox.repeated_records(),
        0,
        "a record came in two different messages"
    );
}

/// Sets the trap; returns the barrier, if it is one.
async fn prepare(kill: Kill, server: &Server, receiver: &Receiver) -> Option<u64> {
    let pages = "/2.0/repositories/acme";
    let barrier = match kill {
        Kill::FirstPageAsked => json!({ "path": pages, "nth": 1 }),
        Kill::PageAnswered => json!({ "path": pages, "nth": 3, "hold": "response" }),
        Kill::TokenRotated => {
            let expire = json!({ "expire_access": true });
            server.client.post(&server.control("tokens"), &expire).await;
            json!({ "path": "/site/oauth2/access_token", "hold": "response" })
        }
        Kill::MessageTaken | Kill::ReadEnded => {
            receiver.hold();
            return None;
        }
        Kill::AtRandom => return None,
    };
    server
        .client
        .post(&server.control("barriers"), &barrier)
        .await["id"]
        .as_u64()
}

/// Returns when it is time to die.
async fn wait_for(
    kill: Kill,
    barrier: Option<u64>,
    server: &Server,
    receiver: &Receiver,
    installation: &str,
    random: &mut SmallRng,
    at_most: u32,
) {
    match (kill, barrier) {
        (_, Some(barrier)) => {
            let parked = server.control(&format!("barriers/{barrier}?wait_ms=60000"));
            server.client.json(Method::GET, &parked, None).await;
        }
        (Kill::ReadEnded, _) => {
            receiver.parked().await;
            until("everything is read", || server.has_succeeded(installation)).await;
        }
        (Kill::MessageTaken, _) => receiver.parked().await,
        (Kill::AtRandom, _) => {
            let more = random.random_range(0..=at_most) as usize;
            let enough = receiver.inbox.lock().unwrap().records.len() + more;
            until("so many records have come", || async {
                receiver.inbox.lock().unwrap().records.len() >= enough
            })
            .await;
        }
        (Kill::FirstPageAsked | Kill::PageAnswered | Kill::TokenRotated, None) => {
            unreachable!("these have a barrier")
        }
    }
}

//! What a node tells those who watch it: its traces.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::Method;
use tokio::net::TcpListener;

use crate::api::until;
use crate::receiver::Receiver;
use crate::serve::Server;

/// A collector that keeps what it is sent, as it comes.
type Collected = Arc<Mutex<Vec<u8>>>;

async fn collector() -> (String, Collected) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let collected = Collected::default();
    let keep = async |State(collected): State<Collected>, body: Bytes| {
        collected.lock().unwrap().extend_from_slice(&body);
    };
    let router = Router::new()
        .route("/v1/traces", post(keep))
        .with_state(Arc::clone(&collected));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, collected)
}

/// How often some bytes occur.
fn count(collected: &Collected, wanted: &[u8]) -> usize {
    let collected = collected.lock().unwrap();
    let windows = collected.windows(wanted.len());
    windows.filter(|window| *window == wanted).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_a_trace_from_its_read_to_its_deliveries() {
    let (url, collected) = collector().await;
    let variables = vec![
        ("LIGATURE_OTLP_ENDPOINT", &*url.leak()),
        ("LIGATURE_LOG", "info"),
    ];
    let mut server = Server::start_with(100, None, variables).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let installation = server.install(&["repositories"]).await;
    until("everything is delivered", || async {
        server.has_succeeded(&installation).await && server.has_nothing_to_deliver().await
    })
    .await;
    let operations = format!("{installation}/operations");
    let operations = server.client.json(Method::GET, &operations, None).await;
    let id = operations["results"][0]["id"].as_str().unwrap();
    // What is left is sent at the end.
    server.signal("-TERM");
    assert!(server.ended().await.success());
    // In OTLP, the operation's id without its dashes, as bytes.
    let trace_id = u128::from_str_radix(&id.replace('-', ""), 16).unwrap();
    // The read, two calls at least, their commits, and the deliveries.
    assert!(count(&collected, &trace_id.to_be_bytes()) >= 4, "{id}");
    for name in ["read", "call", "commit", "deliver"] {
        // A name is field 5 of a span: its tag, its length, its text.
        let mut field = vec![0x2a, u8::try_from(name.len()).unwrap()];
        field.extend_from_slice(name.as_bytes());
        assert!(count(&collected, &field) > 0, "no span `{name}`");
    }
    assert_eq!(count(&collected, b"sandbox-secret"), 0);
}

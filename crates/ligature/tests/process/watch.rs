//! What a node tells those who watch it: its traces.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::api::until;
use crate::receiver::Receiver;
use crate::serve::{KEY, Server};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_proxied_call_is_a_span_whether_it_is_kept_or_not() {
    for sample in ["1", "0"] {
        let (url, collected) = collector().await;
        let variables = vec![
            ("LIGATURE_OTLP_ENDPOINT", &*url.leak()),
            ("LIGATURE_PROXY_SAMPLE", sample),
        ];
        let mut server = Server::start_with(3, None, variables).await;
        server.connect(&Receiver::start().await).await;
        let new =
            json!({ "groupRef": "g", "config": { "content": { "proxy": { "enabled": true } } } });
        let path = server.path("/integrations/bitbucket/installations");
        let installation = server.client.post(&path, &new).await;
        let id = installation["id"].as_str().unwrap();
        let call = Request::get(format!("{}/2.0/user?q=needle-query", server.url))
            .header("x-api-key", KEY)
            .header("x-amp-proxy-version", "1")
            .header("x-amp-project-id", "app")
            .header("x-amp-installation-id", id)
            .header("x-needle", "needle-header");
        let answer = server.client.raw(call.body(Vec::new()).unwrap()).await;
        assert_eq!(answer.status(), 200);
        let mut trace_ids = Vec::new();
        if sample == "1" {
            let operations = format!("{path}/{id}/operations");
            until("the call is kept", || async {
                let page = server.client.json(Method::GET, &operations, None).await;
                page["results"]
                    .as_array()
                    .is_some_and(|kept| kept.len() == 1)
            })
            .await;
            let page = server.client.json(Method::GET, &operations, None).await;
            let operation = page["results"][0]["id"].as_str().unwrap().replace('-', "");
            trace_ids.push(u128::from_str_radix(&operation, 16).unwrap());
        }
        server.signal("-TERM");
        assert!(server.ended().await.success());
        // A span's name is its field 5; an attribute is a key and a value. Each has its
        // tag, its length and what it is.
        assert_eq!(count(&collected, b"\x2a\x05proxy"), 1);
        assert_eq!(count(&collected, b"\x0a\x06method\x12\x05\x0a\x03GET"), 1);
        assert!(count(&collected, b"\x0a\x06status\x12\x05\x0a\x03200") >= 1);
        assert_eq!(count(&collected, id.as_bytes()), 1);
        for trace_id in trace_ids {
            assert_eq!(count(&collected, &trace_id.to_be_bytes()), 1);
        }
        for secret in ["needle", "/2.0/user", "sandbox-secret", KEY] {
            assert_eq!(count(&collected, secret.as_bytes()), 0, "{secret}");
        }
    }
}

/// Fails requests with a method below a path, once.
async fn fail_once(server: &Server, path: &str, method: &str, action: Value) {
    let path = format!("/2.0/workspaces/acme/{path}");
    let rule = json!({ "path": path, "method": method, "nth": 1, "times": 1, "action": action });
    server.client.post(&server.control("faults"), &rule).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_records_is_counted() {
    let server = Server::start(3, None).await;
    server.connect(&Receiver::start().await).await;
    server.install(&["projects"]).await;
    let settings = json!({ "private_hook_urls": true });
    let control = server.control("settings");
    server
        .client
        .json(Method::PUT, &control, Some(&settings))
        .await;
    let variables = "pipelines-config/variables";
    let write = async |object: &str, action: &str, mode: &str, record: Value| {
        let url = format!(
            "{}/write/v1/projects/app/integrations/bitbucket/objects/{object}",
            server.url
        );
        let body = json!({ "groupRef": "g", "type": action, "mode": mode, "record": record });
        server.client.post(&url, &body).await
    };
    // Waited for; refused; not answered though it is made; and failed for a while.
    let waited = json!({ "key": "ONE", "value": "1" });
    let waited = write(variables, "create", "synchronous", waited).await;
    let one = &waited["result"]["recordId"];
    fail_once(
        &server,
        "hooks",
        "POST",
        json!({ "kind": "truncate", "keep_bytes": 10 }),
    )
    .await;
    fail_once(&server, variables, "PUT", json!({ "kind": "html_error" })).await;
    for (object, action, record) in [
        (variables, "create", json!({ "key": "TWO", "value": "2" })),
        (
            "projects",
            "create",
            json!({ "key": "no key", "name": "3" }),
        ),
        (
            "hooks",
            "create",
            json!({ "url": "http://127.0.0.1:9/", "events": ["repo:push"] }),
        ),
        (variables, "update", json!({ "id": one, "value": "4" })),
    ] {
        let accepted = write(object, action, "asynchronous", record).await;
        let id = accepted["operationId"].as_str().unwrap();
        let operation = server.path(&format!("/operations/{id}"));
        until("the write has ended", || async {
            let shown = server.client.json(Method::GET, &operation, None).await;
            shown["status"] != "in_progress"
        })
        .await;
    }
    let metrics = format!("{}/metrics", server.url);
    let metrics = server.client.json(Method::GET, &metrics, None).await;
    let metrics = metrics.as_str().unwrap().lines();
    let mut counted: Vec<&str> = metrics
        .filter_map(|line| {
            line.strip_prefix("ligature_write_records_total{provider=\"bitbucket\",")
        })
        .collect();
    counted.sort_unstable();
    assert_eq!(
        counted,
        [
            r#"object="hooks",action="create",outcome="lost"} 1"#,
            r#"object="hooks",action="create",outcome="made"} 1"#,
            r#"object="pipelines-config/variables",action="create",outcome="made"} 2"#,
            r#"object="pipelines-config/variables",action="update",outcome="made"} 1"#,
            r#"object="pipelines-config/variables",action="update",outcome="retry"} 1"#,
            r#"object="projects",action="create",outcome="failed"} 1"#,
        ]
    );
}

//! SIGKILL during 500 asynchronous creates: none is lost, and none is done twice,
//! though half of them are webhooks, of which any number may be alike.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::api::until;
use crate::receiver::Receiver;
use crate::serve::Server;

/// Creates of each of the two objects.
const EACH: usize = 250;
/// So many webhooks are alike.
const ALIKE: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn no_write_is_lost_or_doubled_on_sqlite() {
    no_write_is_lost_or_doubled(None, &[60, 200, 333, 480]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_is_lost_or_doubled_on_postgres() {
    if let Some(url) = testing::new_postgres_database("crash_writes") {
        no_write_is_lost_or_doubled(Some(url), &[320]).await;
    }
}

async fn no_write_is_lost_or_doubled(database: Option<String>, kills: &[usize]) {
    let mut server = Server::start(3, database).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    server.install(&["projects"]).await;
    let settings = json!({ "private_hook_urls": true, "latency_ms": 20 });
    let control = server.control("settings");
    server
        .client
        .json(Method::PUT, &control, Some(&settings))
        .await;

    let mut operations = Vec::new();
    for n in 0..2 * EACH {
        let (object, record) = record(n);
        let url = format!(
            "{}/write/v1/projects/app/integrations/bitbucket/objects/{object}",
            server.url
        );
        let body =
            json!({ "groupRef": "g", "type": "create", "mode": "asynchronous", "record": record });
        let answer = server.client.post(&url, &body).await;
        operations.push(answer["operationId"].as_str().unwrap().to_owned());
        if kills.contains(&n) {
            until("some are on their way", || async {
                sent(&server).await > n / 4
            })
            .await;
            server.kill();
            server.launch().await;
        }
    }
    for operation in &operations {
        let path = server.path(&format!("/operations/{operation}"));
        until("the write has ended", || async {
            let shown = server.client.json(Method::GET, &path, None).await;
            assert_ne!(shown["status"], "failure", "{shown}");
            shown["status"] == "success"
        })
        .await;
    }
    let hooks = records(&server, "hooks", "url", "http://127.0.0.1:9/").await;
    assert_eq!(hooks.len(), EACH / ALIKE, "{hooks:?}");
    assert!(hooks.values().all(|count| *count == ALIKE), "{hooks:?}");
    let variables = records(&server, "pipelines-config/variables", "key", "CRASH_").await;
    assert_eq!(variables.len(), EACH);
    assert!(variables.values().all(|count| *count == 1), "{variables:?}");
}

/// The nth create: every other one is a webhook.
fn record(n: usize) -> (&'static str, Value) {
    let half = n / 2;
    match n % 2 {
        0 => {
            let url = format!("http://127.0.0.1:9/{}", half % (EACH / ALIKE));
            ("hooks", json!({ "url": url, "events": ["repo:push"] }))
        }
        _ => {
            let key = format!("CRASH_{half}");
            (
                "pipelines-config/variables",
                json!({ "key": key, "value": "v" }),
            )
        }
    }
}

/// Creates that the sandbox has answered.
async fn sent(server: &Server) -> usize {
    let stats = server
        .client
        .json(Method::GET, &server.control("stats"), None)
        .await;
    let calls = stats["calls"].as_object().unwrap().values();
    let made = calls.filter_map(|statuses| statuses["201"].as_u64());
    usize::try_from(made.sum::<u64>()).unwrap()
}

/// How many records there are of each value of a field that begins so.
async fn records(
    server: &Server,
    object: &str,
    field: &str,
    prefix: &str,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for page in 1.. {
        let url = format!(
            "{}/2.0/workspaces/acme/{object}?pagelen=100&page={page}",
            server.sandbox.url()
        );
        let request =
            http::Request::get(url).header("authorization", "Bearer sandbox-access-token");
        let answer = server.client.raw(request.body(Vec::new()).unwrap()).await;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        let values = answer["values"].as_array().unwrap();
        for value in values {
            let text = value[field].as_str().unwrap();
            if text.starts_with(prefix) {
                *counts.entry(text.to_owned()).or_default() += 1;
            }
        }
        if page * 100 >= answer["size"].as_u64().unwrap() {
            break;
        }
    }
    counts
}

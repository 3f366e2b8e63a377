//! Clients of the provider that people have, pointed at the proxy: they list, page,
//! create and are refused as if they were at the provider. The packages and their
//! versions are in `tests/clients`.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use testing::packages;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{for_installation, installed};
use crate::world::World;

/// Where the libraries are installed, below `target/`.
const TARGET: &str = env!("CARGO_TARGET_TMPDIR");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

fn list(name: &str) -> String {
    std::fs::read_to_string(Path::new(SCRIPTS).join(name)).unwrap()
}

/// Has the program do what it does through the proxy of a world of its own.
async fn walk(mut program: Command) -> (World, Value) {
    let (world, installation) = installed(testing::sqlite().await).await;
    let mut headers: serde_json::Map<String, Value> = for_installation(&installation)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    headers.insert("x-api-key".to_owned(), json!(world.api.key));
    headers.insert("x-ligature-rewrite-links".to_owned(), json!("true"));
    let given = json!({ "origin": world.api.origin, "headers": headers });
    let mut program = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    input.write_all(given.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = program.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let saw = serde_json::from_slice(&output.stdout).unwrap();
    (world, saw)
}

/// What both of them saw.
async fn check(world: &World, saw: &Value, key: &str) {
    let repositories = saw["repositories"].as_array().unwrap();
    let mut distinct: Vec<&str> = repositories.iter().filter_map(Value::as_str).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((repositories.len(), distinct.len()), (230, 230));
    assert_eq!(saw["made"], key);
    assert_eq!(saw["read"], "made through the proxy");
    assert_eq!(saw["refusal"]["status"], 404, "{}", saw["refusal"]);
    assert_eq!(saw["again"]["status"], 400, "{}", saw["again"]);
    assert!(!saw["again"]["message"].as_str().unwrap().is_empty());
    // Nothing was asked of anybody but this server.
    let asked = saw["asked"].as_array().unwrap();
    assert!(asked.len() > 4, "{asked:?}");
    for url in asked {
        assert!(
            url.as_str().unwrap().starts_with(&world.api.origin),
            "{url}"
        );
    }
    // It was the customer who was called for.
    let calls = world.provider.calls("/2.0/").await;
    assert!(calls.iter().all(|call| call["status"] != 401), "{calls:?}");
}

#[tokio::test]
async fn a_python_app_uses_the_proxy_as_the_provider() {
    let Some(modules) = packages::pip(Path::new(TARGET), &list("proxy-requirements.txt")) else {
        return;
    };
    let mut python = Command::new("python3");
    python
        .arg(Path::new(SCRIPTS).join("proxy.py"))
        .env("PYTHONPATH", modules)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let (world, saw) = walk(python).await;
    check(&world, &saw, "PYTHON").await;
    assert_eq!(saw["projects"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn a_node_app_uses_the_proxy_as_the_provider() {
    let Some(modules) = packages::npm(Path::new(TARGET), &list("proxy-package.json")) else {
        return;
    };
    let mut node = Command::new("node");
    node.arg(Path::new(SCRIPTS).join("proxy.cjs")).arg(modules);
    let (world, saw) = walk(node).await;
    check(&world, &saw, "NODE").await;
}

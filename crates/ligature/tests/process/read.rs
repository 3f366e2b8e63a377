//! `ligature read`: straight from a provider to standard output.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::api::Client;
use crate::serve::ligature;

struct World {
    sandbox: sandbox::Running,
    client: Client,
    dir: TempDir,
}

impl World {
    async fn of(repositories: u32) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let options = sandbox::Options {
            repositories,
            ..sandbox::Options::default()
        };
        let sandbox = sandbox::start(listener, options).unwrap();
        Self {
            sandbox,
            client: Client::new(""),
            dir: TempDir::new().unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ligature();
        for name in [
            "BITBUCKET_EMAIL",
            "BITBUCKET_API_TOKEN",
            "BITBUCKET_WORKSPACE",
        ] {
            command.env_remove(name);
        }
        command
            .arg("read")
            .args(arguments)
            .env("LIGATURE_BITBUCKET_API_URL", self.sandbox.url())
            .env("BITBUCKET_TOKEN", "sandbox-access-token");
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    async fn control(&self, method: Method, rest: &str, body: Option<&Value>) -> Value {
        self.client
            .json(
                method,
                &format!("{}/_sandbox/{rest}", self.sandbox.url()),
                body,
            )
            .await
    }
}

fn lines(output: &Output) -> Vec<Value> {
    parsed(std::str::from_utf8(&output.stdout).unwrap())
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn keys(records: &[Value]) -> HashSet<String> {
    records
        .iter()
        .map(|record| record["uuid"].to_string())
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_is_a_line_once_and_as_it_was_sent() {
    let world = World::of(430).await;
    let output = world.run(&["repositories", "--workspace", "acme"]).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(stderr(&output), "", "progress is for terminals");
    let records = lines(&output);
    assert_eq!((records.len(), keys(&records).len()), (430, 430));
    let slug = records[7]["slug"].as_str().unwrap();
    let path = format!("{}/2.0/repositories/acme/{slug}", world.sandbox.url());
    let request = http::Request::get(&path).header("authorization", "Bearer sandbox-access-token");
    let sent = world.client.raw(request.body(Vec::new()).unwrap()).await;
    let line = output.stdout.split(|byte| *byte == b'\n').nth(7).unwrap();
    assert_eq!(
        String::from_utf8_lossy(line),
        String::from_utf8_lossy(sent.body())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_some_fields_by_name_or_path() {
    let world = World::of(3).await;
    let fields = [
        "projects",
        "--workspace",
        "acme",
        "--field",
        "key",
        "--field",
        "$['owner']['uuid']",
        "--field",
        "nope",
    ];
    let output = world.run(&fields).await;
    let records = lines(&output);
    assert_eq!(records.len(), 12, "{output:?}");
    for record in records {
        let names: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(names, ["$['owner']['uuid']", "key"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_since() {
    let world = World::of(150).await;
    let touch =
        json!({ "kind": "touch", "object": "repositories", "workspace": "acme", "index": 5 });
    let changed = world.control(Method::POST, "mutations", Some(&touch)).await;
    let since = changed["changed"][0]["updated_on"].as_str().unwrap();
    let output = world
        .run(&["repositories", "--workspace", "acme", "--since", since])
        .await;
    let records = lines(&output);
    assert_eq!(records.len(), 1, "{output:?}");
    assert_eq!(records[0]["full_name"], changed["changed"][0]["full_name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_was_killed_goes_on() {
    let world = World::of(900).await;
    let file = world.dir.path().join("position.json");
    let arguments = [
        "repositories",
        "--workspace",
        "acme",
        "--resume",
        file.to_str().unwrap(),
    ];
    let barrier = json!({ "path": "/2.0/repositories/acme", "nth": 5 });
    let barrier = world
        .control(Method::POST, "barriers", Some(&barrier))
        .await["id"]
        .clone();
    let written = world.dir.path().join("records.jsonl");
    let into = std::fs::File::create(&written).unwrap();
    let mut child = world.command(&arguments).stdout(into).spawn().unwrap();
    world
        .control(
            Method::GET,
            &format!("barriers/{barrier}?wait_ms=60000"),
            None,
        )
        .await;
    child.kill().unwrap();
    child.wait().unwrap();
    let first = std::fs::read_to_string(&written).unwrap();
    world
        .control(Method::POST, &format!("barriers/{barrier}/release"), None)
        .await;
    let second = world.run(&arguments).await;
    assert!(second.status.success(), "{second:?}");

    let (first, second) = (parsed(&first), lines(&second));
    assert!((300..900).contains(&first.len()), "{}", first.len());
    let all: Vec<Value> = first.iter().chain(&second).cloned().collect();
    assert_eq!(keys(&all).len(), 900);
    assert!(
        all.len() <= 1000,
        "more than a page came twice: {}",
        all.len()
    );

    let again = world.run(&arguments).await;
    assert!(
        !again.status.success() && stderr(&again).contains("complete already"),
        "{again:?}"
    );
    let other = [
        "projects",
        "--workspace",
        "acme",
        "--resume",
        file.to_str().unwrap(),
    ];
    let other = world.run(&other).await;
    assert!(
        !other.status.success() && stderr(&other).contains("another read"),
        "{other:?}"
    );
    assert!(!Path::new(&format!("{}.new", file.display())).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_ends_it_quietly() {
    let world = World::of(600).await;
    let mut command = world.command(&["repositories", "--workspace", "acme"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    serde_json::from_str::<Value>(&line).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_keeps_the_limit() {
    let world = World::of(500).await;
    let limit = json!({ "rate_limit": 3, "rate_window_seconds": 1 });
    world.control(Method::PUT, "settings", Some(&limit)).await;
    let mut command = world.command(&["repositories", "--workspace", "acme"]);
    command
        .env("LIGATURE_BITBUCKET_BUDGET", "2")
        .env("LIGATURE_BITBUCKET_BUDGET_WINDOW_SECONDS", "1");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert_eq!(lines(&output).len(), 500, "{output:?}");
    assert_eq!(
        world.control(Method::GET, "stats", None).await["rate_limited"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named_with_what_to_do() {
    let world = World::of(1).await;
    let object = world.run(&["issues", "--workspace", "acme"]).await;
    assert!(
        stderr(&object).contains("no object `issues`; there are: repositories, projects"),
        "{object:?}"
    );
    let workspace = world.run(&["repositories"]).await;
    assert!(stderr(&workspace).contains("--workspace"), "{workspace:?}");
    let nowhere = world.run(&["repositories", "--workspace", "nowhere"]).await;
    assert!(
        stderr(&nowhere).contains("nowhere") && stderr(&nowhere).contains("--workspace"),
        "{nowhere:?}"
    );
    let since = world
        .run(&[
            "projects",
            "--workspace",
            "acme",
            "--since",
            "2026-01-01T00:00:00Z",
        ])
        .await;
    assert!(
        stderr(&since).contains("it can for: repositories"),
        "{since:?}"
    );

    let arguments = ["repositories", "--workspace", "acme"];
    let refused = |variables: &[(&str, &str)]| {
        let mut command = world.command(&arguments);
        command
            .env_remove("BITBUCKET_TOKEN")
            .envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        stderr(&output)
    };
    assert!(refused(&[]).contains("Set BITBUCKET_TOKEN"));
    assert!(refused(&[("BITBUCKET_API_TOKEN", "x")]).contains("BITBUCKET_EMAIL is not"));
    assert!(
        refused(&[("BITBUCKET_TOKEN", "wrong")])
            .contains("refused the access token in BITBUCKET_TOKEN")
    );
    let basic = refused(&[
        ("BITBUCKET_EMAIL", "a@example.com"),
        ("BITBUCKET_API_TOKEN", "wrong"),
    ]);
    assert!(
        basic.contains("refused BITBUCKET_EMAIL with BITBUCKET_API_TOKEN"),
        "{basic}"
    );
    assert!(!basic.contains("a@example.com"));
    let scopes = json!({ "scopes": ["account"] });
    let grant = world.control(Method::POST, "grants", Some(&scopes)).await;
    let scopeless = refused(&[("BITBUCKET_TOKEN", grant["access_token"].as_str().unwrap())]);
    assert!(
        scopeless.contains("it needs repository and has account"),
        "{scopeless}"
    );
}

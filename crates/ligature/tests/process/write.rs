//! `ligature write`: from standard input straight to a provider.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Output, Stdio};

use http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::api::Client;
use crate::serve::ligature;

async fn sandbox() -> sandbox::Running {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    sandbox::start(listener, sandbox::Options::default()).unwrap()
}

/// Runs the command with these lines on its standard input.
async fn run(sandbox: &sandbox::Running, arguments: &[&str], lines: &[Value]) -> Output {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    run_with(sandbox, arguments, input.into_bytes()).await
}

async fn run_with(sandbox: &sandbox::Running, arguments: &[&str], input: Vec<u8>) -> Output {
    let mut command = ligature();
    for name in [
        "BITBUCKET_EMAIL",
        "BITBUCKET_API_TOKEN",
        "BITBUCKET_WORKSPACE",
    ] {
        command.env_remove(name);
    }
    command
        .arg("write")
        .args(arguments)
        .env("LIGATURE_BITBUCKET_API_URL", sandbox.url())
        .env("BITBUCKET_TOKEN", "sandbox-access-token")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // A command that refuses its arguments reads nothing.
        child.stdin.take().unwrap().write_all(&input).ok();
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap()
}

fn results(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_line_for_each_record() {
    let sandbox = sandbox().await;
    let acme = ["--workspace", "acme"];
    let arguments = |action| [&["projects", action][..], &acme].concat();
    let new = [
        json!({ "key": "CLI", "name": "Made here" }),
        json!({ "key": "no key", "name": "Refused" }),
        json!({ "key": "CLI_2", "name": "Made too" }),
    ];
    let output = run(&sandbox, &arguments("--create"), &new).await;
    assert_eq!(output.status.code(), Some(1), "one was refused: {output:?}");
    let made = results(&output);
    assert_eq!(made.len(), 3, "{made:?}");
    assert_eq!(
        (&made[0]["recordId"], &made[0]["line"]),
        (&json!("CLI"), &json!(1))
    );
    assert_eq!(made[0]["data"]["name"], "Made here");
    assert_eq!(made[1]["success"], false);
    assert!(
        made[1]["error"].as_str().unwrap().contains("key: "),
        "{made:?}"
    );
    assert_eq!(made[2]["recordId"], "CLI_2");

    let change = [json!({ "id": made[0]["data"]["uuid"], "key": "MOVED" })];
    let output = run(&sandbox, &arguments("--update"), &change).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(results(&output)[0]["recordId"], "MOVED");
    let gone = [json!({ "id": "MOVED" }), json!({ "id": "CLI_2" })];
    let output = run(&sandbox, &arguments("--delete"), &gone).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        results(&output)[1],
        json!({ "line": 2, "success": true, "recordId": "CLI_2", "data": null })
    );

    let files = json!({ "title": "T", "files": { "a.txt": "a", "b.bin": { "base64": "AAE=" } } });
    let output = run(
        &sandbox,
        &["snippets", "--create", "--workspace", "acme"],
        &[files],
    )
    .await;
    assert_eq!(
        results(&output)[0]["data"]["files"]
            .as_object()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_alike_make_one_record_each() {
    let sandbox = sandbox().await;
    let client = Client::new("");
    let control = |rest: &str| format!("{}/_sandbox/{rest}", sandbox.url());
    let settings = json!({ "private_hook_urls": true });
    client
        .json(Method::PUT, &control("settings"), Some(&settings))
        .await;
    // The second is made, and nobody hears of it.
    let cut = json!({
        "path": "/2.0/workspaces/acme/hooks", "method": "POST", "nth": 2, "times": 1,
        "action": { "kind": "truncate", "keep_bytes": 10 },
    });
    client.post(&control("faults"), &cut).await;
    let hook = json!({ "url": "http://127.0.0.1:9/alike", "events": ["repo:push"] });
    let arguments = ["hooks", "--create", "--workspace", "acme"];
    let output = run(&sandbox, &arguments, &[hook.clone(), hook]).await;
    assert!(output.status.success(), "{output:?}");
    let made = results(&output);
    assert_ne!(made[0]["recordId"], made[1]["recordId"], "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_no_record_has_its_result_and_the_rest_is_written() {
    let sandbox = sandbox().await;
    let arguments = ["projects", "--create", "--workspace", "acme"];
    let input = b"[1]\n{\"key\": \"ONE\", \"name\": \"1\"}\r\n{\"key\": \"needle\n\n\xff\xfe\n\
        {\"key\": \"TWO\", \"name\": \"2\"}";
    let output = run_with(&sandbox, &arguments, input.to_vec()).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let results = results(&output);
    let shown: Vec<(u64, bool)> = results
        .iter()
        .map(|result| {
            let line = result["line"].as_u64().unwrap();
            (line, result["success"].as_bool().unwrap())
        })
        .collect();
    let expected = [(1, false), (2, true), (3, false), (5, false), (6, true)];
    assert_eq!(shown, expected, "{results:?}");
    for result in results.iter().filter(|result| result["success"] == false) {
        let error = result["error"].as_str().unwrap();
        assert!(error.contains("is not a JSON object"), "{error}");
    }
    let said = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains("needle"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said() {
    let sandbox = sandbox().await;
    for (arguments, lines, words) in [
        (
            &["members", "--create", "--workspace", "acme"][..],
            vec![],
            "there are: projects, hooks",
        ),
        (&["projects", "--workspace", "acme"], vec![], "--create"),
        (
            &["projects", "--create", "--delete", "--workspace", "acme"],
            vec![],
            "cannot be used with",
        ),
        (&["projects", "--create"], vec![], "--workspace"),
    ] {
        let output = run(&sandbox, arguments, &lines).await;
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(
            !output.status.success() && said.contains(words),
            "{arguments:?}: {said}"
        );
        assert!(output.stdout.is_empty());
    }
}

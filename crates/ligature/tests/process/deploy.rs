//! `ligature deploy`, against a server process.

use std::process::Output;

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serve::{KEY, Server, ligature};

const MANIFEST: &str = "specVersion: 1.0.0\nintegrations:\n  - name: mine\n    provider: bitbucket\n    read:\n      objects:\n        - objectName: projects\n          destination: inbox\n          optionalFieldsAuto: all\n";

/// What to deploy, where and with which key.
#[derive(Clone, Copy)]
struct Call<'a> {
    manifest: &'a str,
    server: &'a str,
    project: &'a str,
    key: &'a str,
}

impl Call<'_> {
    async fn run(&self, more: &[&str]) -> Output {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("amp.yaml"), self.manifest).unwrap();
        let mut command = tokio::process::Command::from(ligature());
        command
            .current_dir(dir.path())
            .args([
                "deploy",
                "amp.yaml",
                "--project",
                self.project,
                "--server",
                self.server,
            ])
            .args(more)
            .env("AMP_API_KEY", self.key);
        command.output().await.unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_checked_and_deployed() {
    let server = Server::start(10, None).await;
    let call = Call {
        manifest: MANIFEST,
        server: &server.url,
        project: "app",
        key: KEY,
    };
    let output = call.run(&[]).await;
    assert!(output.status.success(), "{output:?}");
    assert!(
        stdout(&output).starts_with("Deployed mine (integration "),
        "{output:?}"
    );
    let said = stderr(&output);
    assert!(
        said.contains("warning[unknown-destination]: the project has no destination `inbox` yet")
            && said.contains("--> amp.yaml:8:24"),
        "{said}"
    );
    let inbox = json!({ "name": "inbox", "type": "webhook", "metadata": { "url": "https://example.com/" } });
    server
        .client
        .post(&server.path("/destinations"), &inbox)
        .await;
    let output = call.run(&["--json"]).await;
    assert_eq!(stderr(&output), "");
    let deployed: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let listed = server
        .client
        .json(Method::GET, &server.path("/integrations"), None)
        .await;
    assert_eq!(deployed, listed);
    assert_eq!(listed[0]["name"], "mine");

    // What is wrong is told before the server is asked, which would tell it too.
    let broken = MANIFEST.replace("objectName: projects", "objectName: project");
    let refused = Call {
        manifest: &broken,
        server: "http://127.0.0.1:9",
        ..call
    };
    let output = refused.run(&[]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("error[unsupported-object]") && said.contains("Nothing was deployed."),
        "{said}"
    );
    // How often is the server's to say.
    let often = MANIFEST.replace(
        "optionalFieldsAuto: all",
        "optionalFieldsAuto: all\n          schedule: '* * * * *'",
    );
    let output = Call {
        manifest: &often,
        ..call
    }
    .run(&[])
    .await;
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("10:21")
            && said.contains("at least 600")
            && said.contains("nothing was changed"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_being_deployed_is_named() {
    let server = Server::start(10, None).await;
    let call = Call {
        manifest: MANIFEST,
        server: &server.url,
        project: "app",
        key: KEY,
    };
    let sandbox = server.sandbox.url();
    let with_key = |key| Call { key, ..call };
    let at = |server| Call { server, ..call };
    let to = |project| Call { project, ..call };
    for (call, words) in [
        (
            with_key("lig_wrong"),
            "set AMP_API_KEY to a key of this server",
        ),
        (with_key(""), "AMP_API_KEY is not set"),
        (with_key("a\nb"), "AMP_API_KEY cannot be sent"),
        (to("other"), "sees no project `other`"),
        (to("a/../b"), "sees no project `a/../b`"),
        (at("http://127.0.0.1:9"), "start one with `ligature serve`"),
        (at("localhost:8080"), "is not the URL of a server"),
        (at("ftp://localhost"), "is not the URL of a server"),
        (at(&sandbox), "is not Ligature"),
    ] {
        let output = call.run(&[]).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = stderr(&output);
        assert!(said.contains(words), "{words}: {said}");
        assert!(
            !said.contains(KEY) && stdout(&output).is_empty(),
            "{output:?}"
        );
    }
    let listed = server
        .client
        .json(Method::GET, &server.path("/integrations"), None)
        .await;
    assert_eq!(listed, json!([]));
}

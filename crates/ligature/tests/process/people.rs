//! Accounts and invitations from the command line, and what they open.

use std::io::Write as _;
use std::process::{Output, Stdio};

use http::{Method, Request, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serve::{Server, ligature};

/// Runs a command on a data directory, with something on standard input.
fn run(dir: &TempDir, input: &str, arguments: &[&str]) -> Output {
    let mut child = ligature()
        .current_dir(dir.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_account_has_the_password_that_is_piped_in_or_one_that_is_made() {
    let dir = TempDir::new().unwrap();
    let none = run(&dir, "", &["user", "list"]);
    assert!(none.status.success() && err(&none).contains("ligature user create"));

    let piped = run(
        &dir,
        "a password of mine\n",
        &["user", "create", "Ada@Example.com"],
    );
    assert!(piped.status.success(), "{piped:?}");
    assert_eq!(out(&piped), "", "a password that is known is not repeated");
    let made = run(
        &dir,
        "",
        &[
            "user",
            "create",
            "bob@example.com",
            "--role",
            "member",
            "--json",
        ],
    );
    let bob: Value = serde_json::from_str(&out(&made)).unwrap();
    assert_eq!(bob["primaryEmail"], "bob@example.com");
    assert!(bob["password"].as_str().unwrap().len() >= 20, "{bob}");

    let listed = run(&dir, "", &["user", "list", "--json"]);
    let listed: Value = serde_json::from_str(&out(&listed)).unwrap();
    assert_eq!(listed[0]["primaryEmail"], "ada@example.com");
    assert_eq!(listed[1]["id"], bob["id"]);
    assert!(listed[1].get("password").is_none());

    let again = run(&dir, "", &["user", "create", "ada@example.com"]);
    assert!(
        !again.status.success() && err(&again).contains("exists already"),
        "{again:?}"
    );
    for (input, email, why) in [
        ("short\n", "eve@example.com", "8 to 1024"),
        ("", "no-address", "no e-mail address"),
    ] {
        let refused = run(&dir, input, &["user", "create", email]);
        assert!(
            !refused.status.success() && err(&refused).contains(why),
            "{refused:?}"
        );
    }
    let changed = run(&dir, "", &["user", "set-password", "ada@example.com"]);
    assert!(
        changed.status.success() && out(&changed).len() >= 20,
        "{changed:?}"
    );
    let unknown = run(&dir, "", &["user", "set-password", "eve@example.com"]);
    assert!(
        !unknown.status.success() && err(&unknown).contains("not found"),
        "{unknown:?}"
    );
}

#[test]
fn an_invitation_is_a_link() {
    let dir = TempDir::new().unwrap();
    let made = run(&dir, "", &["invite", "create", "eve@example.com"]);
    let link = out(&made);
    assert!(
        link.starts_with("http://localhost:8080/invite?token="),
        "{made:?}"
    );
    assert!(err(&made).contains("7 days"), "{made:?}");
    let made = run(&dir, "", &["invite", "create", "eve@example.com", "--json"]);
    let invite: Value = serde_json::from_str(&out(&made)).unwrap();
    assert_eq!(
        (&invite["status"], &invite["parentType"]),
        (&json!("pending"), &json!("org"))
    );
    assert_ne!(invite["link"], json!(link));
    let member = run(
        &dir,
        "a password of mine",
        &["user", "create", "ada@example.com"],
    );
    assert!(member.status.success(), "{member:?}");
    let refused = run(&dir, "", &["invite", "create", "ada@example.com"]);
    assert!(
        !refused.status.success() && err(&refused).contains("member"),
        "{refused:?}"
    );
    let nowhere = ["invite", "create", "x@example.com", "--org", "none"];
    let nowhere = run(&dir, "", &nowhere);
    assert!(
        !nowhere.status.success() && err(&nowhere).contains("not found"),
        "{nowhere:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_of_the_environment_signs_in_and_stays() {
    let variables = vec![
        ("LIGATURE_ADMIN_EMAIL", "ada@example.com"),
        ("LIGATURE_ADMIN_PASSWORD", "a password of ada"),
        ("LIGATURE_API_RATE", "5"),
        ("LIGATURE_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.0/8"),
    ];
    let mut server = Server::start_with(5, None, variables).await;
    let sign_in = json!({ "email": "ada@example.com", "password": "a password of ada" });
    let sessions = format!("{}/v1/sessions", server.url);
    let session = server.client.post(&sessions, &sign_in).await;
    server.kill();
    server.launch().await;
    // The account is the one that was there, and so is the session.
    let ask = Request::get(format!("{}/v1/my-info", server.url));
    let token = format!("Bearer {}", session["token"].as_str().unwrap());
    let ask = ask
        .header(header::AUTHORIZATION, token)
        .body(Vec::new())
        .unwrap();
    let info = server.client.raw(ask).await;
    let info: Value = serde_json::from_slice(info.body()).unwrap();
    assert_eq!(info["orgRole"]["role"], "owner", "{info}");
    assert_eq!(info["builder"]["id"], session["builder"]["id"]);

    // Ten at once, then five a second: nobody asks faster than that for long.
    let mut refused = None;
    for _ in 0..1000 {
        let answer = server
            .client
            .send(Method::GET, &server.path(""), None)
            .await
            .unwrap();
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status(), 200);
    }
    let refused = refused.unwrap();
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
}

#[test]
fn a_bad_protection_is_named_at_the_start() {
    let dir = TempDir::new().unwrap();
    let serve = |name: &str, value: &str| {
        let mut command = ligature();
        command
            .current_dir(dir.path())
            .arg("serve")
            .env(name, value);
        command
            .env("LIGATURE_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap()
    };
    let networks = serve("LIGATURE_TRUSTED_PROXIES", "10.0.0.1/99");
    assert!(!networks.status.success(), "{networks:?}");
    assert!(
        err(&networks).contains("is not a network such as"),
        "{networks:?}"
    );
    let alone = serve("LIGATURE_ADMIN_EMAIL", "ada@example.com");
    assert!(
        !alone.status.success() && err(&alone).contains("--admin-password"),
        "{alone:?}"
    );
}

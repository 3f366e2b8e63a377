//! The administration commands and what they say when something is wrong.

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::serve::{Server, ligature};

fn run(dir: &TempDir, arguments: &[&str]) -> Output {
    ligature()
        .current_dir(dir.path())
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_project_and_its_keys() {
    let dir = TempDir::new().unwrap();
    let empty = run(&dir, &["project", "list"]);
    assert!(empty.status.success() && stdout(&empty).is_empty());
    assert!(
        stderr(&empty).contains("ligature project create NAME"),
        "{empty:?}"
    );

    let created = run(&dir, &["project", "create", "my-app", "--json"]);
    let project: Value = serde_json::from_str(&stdout(&created)).unwrap();
    assert_eq!(project["name"], "my-app");
    let listed: Value =
        serde_json::from_str(&stdout(&run(&dir, &["project", "list", "--json"]))).unwrap();
    assert_eq!(listed[0]["id"], project["id"]);

    let key = run(
        &dir,
        &["api-key", "create", "--project", "my-app", "--label", "ci"],
    );
    let key = stdout(&key).trim().to_owned();
    assert!(key.starts_with("lig_") && key.len() > 40, "{key}");
    let keys = stdout(&run(
        &dir,
        &["api-key", "list", "--project", "my-app", "--json"],
    ));
    assert!(!keys.contains(&key), "a list shows public parts only");
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let public = keys[0]["key"].as_str().unwrap();
    assert!(key.starts_with(public) && public.len() == 16, "{public}");
    assert_eq!(
        (&keys[0]["label"], &keys[0]["active"]),
        (&Value::from("ci"), &Value::from(true))
    );

    assert!(
        run(&dir, &["api-key", "revoke", public, "--project", "my-app"])
            .status
            .success()
    );
    let keys = stdout(&run(
        &dir,
        &["api-key", "list", "--project", "my-app", "--json"],
    ));
    let keys: Value = serde_json::from_str(&keys).unwrap();
    assert!(
        keys.as_array()
            .unwrap()
            .iter()
            .all(|key| key["active"] == false),
        "{keys}"
    );
}

#[test]
fn mistakes_are_named() {
    let dir = TempDir::new().unwrap();
    run(&dir, &["project", "create", "my-app"]);
    let again = run(&dir, &["project", "create", "my-app"]);
    assert!(
        !again.status.success() && stderr(&again).contains("exists already"),
        "{again:?}"
    );
    let unknown = run(&dir, &["api-key", "create", "--project", "nowhere"]);
    assert!(
        !unknown.status.success() && stderr(&unknown).contains("`nowhere` was not found"),
        "{unknown:?}"
    );
    let scope = run(
        &dir,
        &[
            "api-key",
            "create",
            "--project",
            "my-app",
            "--scope",
            "everything",
        ],
    );
    assert!(
        !scope.status.success() && stderr(&scope).contains("no scope `everything`"),
        "{scope:?}"
    );
    let mut keyless = ligature();
    keyless.current_dir(dir.path()).args(["project", "list"]);
    let keyless = keyless
        .env("LIGATURE_DATABASE_URL", "postgres://localhost/x")
        .output()
        .unwrap();
    assert!(
        stderr(&keyless).contains("PostgreSQL needs LIGATURE_SECRET_KEY"),
        "{keyless:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_one_data_directory_is_refused() {
    let server = Server::start(10, None).await;
    let dir = server.data_dir();
    let second = ligature()
        .args(["project", "list", "--data-dir"])
        .arg(&dir)
        .output()
        .unwrap();
    assert!(!second.status.success(), "{second:?}");
    assert!(stderr(&second).contains("another process"), "{second:?}");
}

#[test]
fn the_guide_to_hosting_has_every_setting() {
    let guide = include_str!("../../../../docs/self-hosting.md");
    let help = ligature().args(["serve", "--help"]).output().unwrap();
    let help = stdout(&help);
    let settings: Vec<&str> = help
        .split("[env: ")
        .skip(1)
        .map(|rest| rest.split(['=', ']']).next().unwrap())
        .collect();
    assert!(settings.len() > 20, "{help}");
    for setting in settings {
        let row = guide.lines().any(|line| {
            let mut cells = line.split('|').skip(1);
            cells
                .next()
                .is_some_and(|cell| cell.contains(&format!("`{setting}`")))
        });
        assert!(row, "docs/self-hosting.md lacks a row for {setting}");
    }
}

#[test]
fn the_help_names_every_command() {
    let help = ligature().arg("--help").output().unwrap();
    for command in [
        "serve", "demo", "check", "deploy", "sandbox", "read", "project", "api-key", "user",
        "invite", "delivery", "backup", "restore", "migrate", "version",
    ] {
        assert!(
            stdout(&help).contains(&format!("\n  {command} ")),
            "{command}"
        );
    }
    let version = stdout(&ligature().arg("version").output().unwrap());
    assert_eq!(
        version.trim(),
        concat!("ligature ", env!("CARGO_PKG_VERSION"))
    );
}

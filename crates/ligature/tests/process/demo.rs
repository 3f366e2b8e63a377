//! `ligature demo --once`: what a new user runs first.

use std::process::Output;

use tempfile::TempDir;

use crate::serve::ligature;

fn demo(dir: &TempDir, arguments: &[&str], database: Option<&str>) -> Output {
    let mut command = ligature();
    command
        .current_dir(dir.path())
        .args(["demo", "--once"])
        .args(arguments);
    if let Some(database) = database {
        command.env("LIGATURE_DATABASE_URL", database);
    }
    command.output().unwrap()
}

/// The cells of an object's row.
fn row(output: &Output, object: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with(&format!("{object} ")))
        .unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn everything_is_delivered_on_sqlite_and_again() {
    let dir = TempDir::new().unwrap();
    for _ in 0..2 {
        let output = demo(&dir, &["--repositories", "230"], None);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            row(&output, "repositories")[..6],
            ["repositories", "success", "230", "230", "230", "230"]
        );
        assert_eq!(
            row(&output, "projects")[..6],
            ["projects", "success", "12", "12", "12", "12"]
        );
        let removed = row(&output, "addon/linkers").join(" ");
        assert!(
            removed.starts_with("addon/linkers not offered any more - 0 0 0 0"),
            "{removed}"
        );
        let objects = bitbucket::Bitbucket::new(&bitbucket::Endpoints::default()).unwrap();
        for object in connector::Connector::describe(&objects).objects {
            assert_eq!(row(&output, object.name)[0], object.name);
        }
    }
    assert!(dir.path().join("ligature-demo/ligature.db").exists());
}

#[test]
fn everything_is_delivered_on_postgres() {
    let Some(url) = testing::postgres_url() else {
        return;
    };
    let output = demo(
        &TempDir::new().unwrap(),
        &["--repositories", "120"],
        Some(url),
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        row(&output, "repositories")[..6],
        ["repositories", "success", "120", "120", "120", "120"]
    );
}

#[test]
fn an_empty_workspace_is_complete_too() {
    let output = demo(&TempDir::new().unwrap(), &["--repositories", "0"], None);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        row(&output, "repositories")[..6],
        ["repositories", "success", "0", "0", "0", "0"]
    );
}

#[test]
fn nothing_secret_is_printed() {
    let output = demo(
        &TempDir::new().unwrap(),
        &["--repositories", "20", "--log", "trace"],
        None,
    );
    assert!(output.status.success());
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.contains("TRACE") && text.contains("DEBUG"),
        "the log was not as fine as it should be"
    );
    for secret in ["sandbox-secret", "whsec_", "lig_", "Bearer ", "Basic "] {
        assert!(!text.contains(secret), "{secret} is in the output");
    }
}

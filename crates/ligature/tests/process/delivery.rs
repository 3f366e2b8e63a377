//! `ligature delivery`: straight on the store, and through a server that has the
//! store to itself.

use std::process::Output;

use serde_json::Value;

use crate::api::until;
use crate::receiver::Receiver;
use crate::serve::{KEY, Server, ligature};

fn run(server: &Server, arguments: &[&str]) -> Output {
    ligature()
        .arg("delivery")
        .args(arguments)
        .args(["--project", "app", "--data-dir"])
        .arg(server.data_dir())
        .env("AMP_API_KEY", KEY)
        .env("LIGATURE_SECRET_KEY", crate::serve::SECRET_KEY)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_listed_and_replayed_both_ways() {
    let receiver = Receiver::start().await;
    let mut server = Server::start(3, None).await;
    server.connect(&receiver).await;
    let installation = server.install(&["projects"]).await;
    until("the read has ended", || server.has_succeeded(&installation)).await;
    until("everything is delivered", || {
        server.has_nothing_to_deliver()
    })
    .await;

    // The server has the store to itself, and the way round it is named.
    let busy = run(&server, &["list"]);
    assert!(!busy.status.success());
    assert!(text(&busy.stderr).contains("--server"), "{busy:?}");
    let through = ["--server", &server.url];
    let listed = json(&run(&server, &[&["list", "--json"], &through[..]].concat()));
    let listed = listed.as_array().unwrap();
    assert!(!listed.is_empty());
    assert_eq!(listed[0]["status"], "delivered");
    assert_eq!(listed[0]["destinationName"], "bitbucketWebhook");
    let id = listed[0]["id"].as_str().unwrap();
    let one = run(
        &server,
        &[&["list", "--status", "dead"], &through[..]].concat(),
    );
    assert!(one.status.success() && one.stdout.is_empty(), "{one:?}");
    let replayed = json(&run(
        &server,
        &[&["replay", id, "--json"], &through[..]].concat(),
    ));
    assert_eq!(replayed["replayed"], 1);
    let all = [
        "replay",
        "--destination",
        "bitbucketWebhook",
        "--status",
        "delivered",
    ];
    let all_again = run(&server, &[&all[..], &through[..]].concat());
    assert!(
        text(&all_again.stdout).starts_with("Replayed: "),
        "{all_again:?}"
    );
    let unknown = run(&server, &[&["replay", "unknown"], &through[..]].concat());
    assert!(
        text(&unknown.stderr).contains("`unknown` was not found"),
        "{unknown:?}"
    );
    until("the replays are delivered", || {
        server.has_nothing_to_deliver()
    })
    .await;

    server.kill();
    let straight = json(&run(
        &server,
        &["list", "--json", "--destination", "bitbucketWebhook"],
    ));
    let same = |of: &Value| of["id"].as_str().unwrap().to_owned();
    assert_eq!(
        straight
            .as_array()
            .unwrap()
            .iter()
            .map(same)
            .collect::<Vec<_>>(),
        listed.iter().map(same).collect::<Vec<_>>()
    );
    let lines = run(&server, &["list", "--limit", "1"]);
    assert_eq!(text(&lines.stdout).lines().count(), 1, "{lines:?}");
    let replayed = json(&run(&server, &["replay", id, "--json"]));
    assert_eq!(replayed["replayed"], 1);
    let pending = json(&run(&server, &["list", "--json", "--status", "pending"]));
    assert_eq!(pending[0]["id"], id);
    let wrong = run(&server, &["list", "--status", "lost"]);
    assert!(
        text(&wrong.stderr).contains("held, pending, delivered, dead"),
        "{wrong:?}"
    );
    let neither = run(&server, &["replay"]);
    assert!(!neither.status.success());
}

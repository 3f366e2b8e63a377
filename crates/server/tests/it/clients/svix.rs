//! Messages verified by the libraries that apps verify them with: the `svix` packages
//! for Node.js and for Python, in the versions that `tests/clients` names. They get
//! what a receiver was sent, byte for byte.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::{TestStore, packages};

use crate::world::receiver::Delivery;
use crate::world::steps::{GROUP, everything, install_body, installations};
use crate::world::{World, path};

testing::both!(
    both_libraries_verify_before_and_after_a_rotation,
    both_libraries_refuse_the_old_secret_after_a_day,
);

/// Where the libraries are installed, below `target/`.
const TARGET: &str = env!("CARGO_TARGET_TMPDIR");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// A message as a library gets it, and whether it is to be taken.
struct Case {
    what: &'static str,
    webhook: Value,
    taken: bool,
}

/// Which of the two sets of headers, which say the same, an app has looked at.
const PREFIXES: [&str; 2] = ["svix-", "webhook-"];

/// The same message with each set of headers.
fn cases(what: &'static str, secret: &str, delivery: &Delivery, taken: bool) -> Vec<Case> {
    let with = |prefix: &str| {
        let names = delivery.headers.iter();
        let names = names.filter(|(name, _)| name.as_str().starts_with(prefix));
        let headers: serde_json::Map<String, Value> = names
            .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
            .collect();
        assert_eq!(headers.len(), 3, "{headers:?}");
        let body = std::str::from_utf8(&delivery.body).unwrap();
        json!({ "secret": secret, "headers": headers, "body": body })
    };
    let each = PREFIXES.into_iter().map(with);
    each.map(|webhook| Case {
        what,
        webhook,
        taken,
    })
    .collect()
}

/// Has each library verify all of them. Nothing where neither can be installed.
fn check(cases: &[Case]) {
    let read = |name: &str| std::fs::read_to_string(Path::new(SCRIPTS).join(name)).unwrap();
    let target = Path::new(TARGET);
    if let Some(modules) = packages::npm(target, &read("package.json")) {
        let mut node = Command::new("node");
        node.arg(Path::new(SCRIPTS).join("verify.cjs")).arg(modules);
        verify("svix for Node.js", node, cases);
    }
    if let Some(modules) = packages::pip(target, &read("requirements.txt")) {
        let mut python = Command::new("python3");
        python
            .arg(Path::new(SCRIPTS).join("verify.py"))
            .env("PYTHONPATH", modules)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        verify("svix for Python", python, cases);
    }
}

fn verify(library: &str, mut program: Command, cases: &[Case]) {
    let mut program = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let webhooks: Vec<&Value> = cases.iter().map(|case| &case.webhook).collect();
    let mut input = program.stdin.take().unwrap();
    input
        .write_all(json!(webhooks).to_string().as_bytes())
        .unwrap();
    drop(input);
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{library}: {said}");
    let verified: Vec<bool> = serde_json::from_slice(&output.stdout).unwrap();
    let expected: Vec<bool> = cases.iter().map(|case| case.taken).collect();
    let whats: Vec<&str> = cases.iter().map(|case| case.what).collect();
    assert_eq!(verified, expected, "{library}: {whats:?}");
}

/// Installs for a group, and returns the message that comes of it.
async fn message(world: &World, group: &str) -> Delivery {
    let before = world.receiver.taken().len();
    if group != GROUP {
        world.connect(group).await;
    }
    let body = install_body(group, json!({ "projects": everything("projects") }));
    world.api.post(&installations(), &body).await.json(201);
    world
        .until("the message", async || {
            world.receiver.taken().into_iter().nth(before)
        })
        .await
}

async fn secret(world: &World) -> String {
    let shown = path("/destinations/inbox?includeSecrets=true");
    let shown = world.api.get(&shown).await.json(200);
    shown["secrets"]["webhookSigningKey"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Makes a new secret; the one before and the one after.
async fn rotate(world: &World) -> [String; 2] {
    let old = secret(world).await;
    let call = path("/destinations/inbox:rotate-secret");
    world.api.post(&call, &json!({})).await.json(200);
    [old, secret(world).await]
}

/// Some of what somebody in between might do.
fn tampered(delivery: &Delivery) -> Vec<(&'static str, Delivery)> {
    let changed = |change: &dyn Fn(&mut Delivery)| {
        let mut other = delivery.clone();
        change(&mut other);
        other
    };
    let header = |part: &str, value: String| {
        changed(&|other| {
            for prefix in PREFIXES {
                let name: http::HeaderName = format!("{prefix}{part}").parse().unwrap();
                other.headers.insert(name, value.parse().unwrap());
            }
        })
    };
    let text = |name: &str| delivery.headers[name].to_str().unwrap().to_owned();
    let sent_s: i64 = text("svix-timestamp").parse().unwrap();
    vec![
        (
            "a record changed",
            changed(&|other| {
                let body = String::from_utf8(other.body.to_vec()).unwrap();
                let body = body.replacen("\"is_private\":", "\"is_Private\":", 1);
                assert_ne!(body.as_bytes(), delivery.body);
                other.body = body.into();
            }),
        ),
        (
            "a byte more",
            changed(&|other| other.body = [&other.body[..], b" "].concat().into()),
        ),
        ("another id", header("id", format!("{}x", text("svix-id")))),
        (
            "a second later",
            header("timestamp", (sent_s + 1).to_string()),
        ),
        (
            "an hour old",
            header("timestamp", (sent_s - 3_600).to_string()),
        ),
        ("no signature", header("signature", "v1,".to_owned())),
    ]
}

async fn both_libraries_verify_before_and_after_a_rotation(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let before = message(&world, GROUP).await;
    let [old, new] = rotate(&world).await;
    let after = message(&world, "customer-2").await;
    let mut all = cases("before the rotation", &old, &before, true);
    all.extend(cases("with a secret made later", &new, &before, false));
    all.extend(cases("the old secret in the overlap", &old, &after, true));
    all.extend(cases("the new secret in the overlap", &new, &after, true));
    for (what, delivery) in tampered(&after) {
        for secret in [&old, &new] {
            all.extend(cases(what, secret, &delivery, false));
        }
    }
    check(&all);
}

async fn both_libraries_refuse_the_old_secret_after_a_day(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    // The rotation was a day ago, so that the delivery is now, as verifying wants.
    let day = SignedDuration::from_hours(24);
    world.clock.advance(-day);
    let [old, new] = rotate(&world).await;
    world.clock.advance(day);
    let delivery = message(&world, GROUP).await;
    let mut all = cases("the new secret", &new, &delivery, true);
    all.extend(cases("the old secret", &old, &delivery, false));
    check(&all);
}

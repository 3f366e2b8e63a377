//! The functions of `docs/signatures.md`, each run by its language on messages that a
//! server has sent, and on some that nobody has signed.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::receiver::Delivery;
use crate::world::steps::{GROUP, everything, install_body, installations};
use crate::world::{World, path};

/// A language, and how its function is run: on lines of base64, a line a message.
struct Language {
    /// As its block of code says.
    fence: &'static str,
    harness: &'static str,
    /// The file that function and harness go into, or only the function.
    file: &'static str,
    /// The harness's own file, where the language wants two.
    second: Option<&'static str>,
    program: &'static str,
    arguments: &'static [&'static str],
    /// Whether other tests want it too.
    is_required: bool,
}

const LANGUAGES: &[Language] = &[
    Language {
        fence: "js",
        harness: include_str!("harness/node.mjs"),
        file: "verify.mjs",
        second: None,
        program: "node",
        arguments: &["verify.mjs"],
        is_required: true,
    },
    Language {
        fence: "python",
        harness: include_str!("harness/python.py"),
        file: "verify.py",
        second: None,
        program: "python3",
        arguments: &["verify.py"],
        is_required: true,
    },
    Language {
        fence: "go",
        harness: include_str!("harness/go.go"),
        file: "verify.go",
        second: Some("main.go"),
        program: "go",
        arguments: &["run", "verify.go", "main.go"],
        is_required: false,
    },
    Language {
        fence: "ruby",
        harness: include_str!("harness/ruby.rb"),
        file: "verify.rb",
        second: None,
        program: "ruby",
        arguments: &["verify.rb"],
        is_required: false,
    },
    Language {
        fence: "php",
        harness: include_str!("harness/php.php"),
        file: "verify.php",
        second: None,
        program: "php",
        arguments: &["verify.php"],
        is_required: false,
    },
    Language {
        fence: "java",
        harness: include_str!("harness/Main.java"),
        file: "Signatures.java",
        second: None,
        program: "sh",
        arguments: &["-c", "javac Signatures.java && java -cp . Main"],
        is_required: false,
    },
];

/// A message, and whether it is to be taken.
struct Case {
    what: &'static str,
    parts: [Vec<u8>; 5],
    taken: bool,
}

fn case(what: &'static str, secret: &str, delivery: &Delivery, taken: bool) -> Case {
    let header = |name: &str| delivery.headers[name].as_bytes().to_vec();
    let parts = [
        secret.as_bytes().to_vec(),
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
        delivery.body.to_vec(),
    ];
    Case { what, parts, taken }
}

/// The same with one part made by `change`, which nobody has signed.
fn tampered(what: &'static str, of: &Case, part: usize, change: &dyn Fn(&[u8]) -> Vec<u8>) -> Case {
    let mut parts = of.parts.clone();
    parts[part] = change(&parts[part]);
    Case {
        what,
        parts,
        taken: false,
    }
}

/// The only block of code of a language.
fn block<'a>(guide: &'a str, fence: &str) -> &'a str {
    let begin = format!("```{fence}\n");
    let mut blocks = guide.split(begin.as_str()).skip(1);
    let block = blocks.next().unwrap().split("```").next().unwrap();
    assert!(blocks.next().is_none(), "two blocks of {fence}");
    block
}

/// What a function says of each message; `None` where its language is not there.
fn run(language: &Language, guide: &str, cases: &[Case]) -> Option<Vec<bool>> {
    let asked = if language.fence == "java" {
        "javac"
    } else {
        language.program
    };
    let version = if language.fence == "go" {
        "version"
    } else {
        "--version"
    };
    let answer = Command::new(asked)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !answer.is_ok_and(|status| status.success()) {
        if language.is_required {
            testing::missing(asked);
        }
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    let function = block(guide, language.fence);
    match language.second {
        Some(second) => {
            write(language.file, function);
            write(second, language.harness);
        }
        None => write(language.file, &format!("{function}{}", language.harness)),
    }
    let mut program = Command::new(language.program)
        .args(language.arguments)
        .current_dir(directory.path())
        .env("GOCACHE", directory.path().join("cache"))
        .env("GO111MODULE", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    for case in cases {
        let parts: Vec<String> = case
            .parts
            .iter()
            .map(|part| BASE64_STANDARD.encode(part))
            .collect();
        writeln!(input, "{}", parts.join(",")).unwrap();
    }
    drop(input);
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", language.fence);
    let said = String::from_utf8(output.stdout).unwrap();
    Some(said.lines().map(|line| line == "true").collect())
}

async fn secret(world: &World) -> String {
    let shown = path("/destinations/inbox?includeSecrets=true");
    let shown: Value = world.api.get(&shown).await.json(200);
    shown["secrets"]["webhookSigningKey"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A message of before a rotation and one of after it, and what somebody in between
/// might make of them.
async fn cases(store: TestStore) -> Vec<Case> {
    let world = World::start(store).await;
    world.prepare().await;
    let old = secret(&world).await;
    let rotate = path("/destinations/inbox:rotate-secret");
    world.api.post(&rotate, &json!({})).await.json(200);
    let new = secret(&world).await;
    let body = install_body(GROUP, json!({ "projects": everything("projects") }));
    world.api.post(&installations(), &body).await.json(201);
    let delivery = world
        .until("the message", async || {
            world.receiver.taken().into_iter().next()
        })
        .await;
    let genuine = case("the new secret", &new, &delivery, true);
    let ago = |seconds: i64| {
        move |at: &[u8]| {
            let at: i64 = std::str::from_utf8(at).unwrap().parse().unwrap();
            (at - seconds).to_string().into_bytes()
        }
    };
    let more = |part: &[u8]| [part, b"x"].concat();
    let changed = [
        tampered("another id", &genuine, 1, &more),
        tampered("a second earlier", &genuine, 2, &ago(1)),
        tampered("an hour old", &genuine, 2, &ago(3_600)),
        tampered("no time", &genuine, 2, &|_| Vec::new()),
        tampered("no signature", &genuine, 3, &|_| Vec::new()),
        tampered("a wrong signature", &genuine, 3, &|_| {
            b"v1,AAAA v1, \xc3\xa4".to_vec()
        }),
        tampered("a byte more", &genuine, 4, &more),
    ];
    let old = case("the old secret in the overlap", &old, &delivery, true);
    [genuine, old].into_iter().chain(changed).collect()
}

#[tokio::test]
async fn each_function_takes_what_is_genuine_and_nothing_else() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/signatures.md");
    let guide = fs::read_to_string(Path::new(guide)).unwrap();
    let cases = cases(testing::sqlite().await).await;
    let expected: Vec<bool> = cases.iter().map(|case| case.taken).collect();
    let whats: Vec<&str> = cases.iter().map(|case| case.what).collect();
    for language in LANGUAGES {
        if let Some(said) = run(language, &guide, &cases) {
            assert_eq!(said, expected, "{}: {whats:?}", language.fence);
        }
    }
}

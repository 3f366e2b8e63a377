//! The published contract, and schemathesis: a generator of requests that holds
//! every answer of a server process to the contract's documents. No answer may be
//! a 5xx, have a status or a content type that the contract does not know, or a
//! body that is not of its schema.
//!
//! The generator is a Python program; it is installed below `target` from the
//! versions of `requirements.txt`. Where there is no Python, or no contract, this
//! test passes over, but not in CI. `exceptions.json` is what the contract is read
//! with: our reviewed differences.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::receiver::Receiver;
use crate::serve::{KEY, Server};

const REQUIREMENTS: &str = include_str!("requirements.txt");
/// The documents that are served, and where.
const SERVED: [(&str, &str); 3] = [
    ("api.json", "/v1"),
    ("read.json", "/read/v1"),
    ("search.json", "/search/v1"),
];
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Requests made up for each operation, beside those that the schemas' edges give.
const EXAMPLES: &str = "5";
const SEED: &str = "1124";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_answer_is_the_contract_s() {
    let Some(documents) = documents() else {
        return;
    };
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(packages) = testing::packages::pip(target, REQUIREMENTS) else {
        return;
    };
    let server = Server::start(10, None).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let installation = server.install(&["projects"]).await;
    let known = known(&server, &installation).await;
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("schemathesis.toml"), settings(&known)).unwrap();
    let mut failed = Vec::new();
    for (file, prefix, document) in documents {
        let path = dir.path().join(file);
        std::fs::write(&path, document.to_string()).unwrap();
        let url = format!("{}{prefix}", server.url);
        let (packages, dir) = (packages.clone(), dir.path().to_owned());
        let run = tokio::task::spawn_blocking(move || generate(&packages, &dir, &path, &url));
        let output = run.await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in said
            .lines()
            .filter(|line| line.contains("test cases") || line.contains("generated"))
        {
            // Past the capture of the test's output: how much was asked is worth seeing.
            writeln!(std::io::stderr(), "{file}: {}", line.trim()).unwrap();
        }
        if !output.status.success() {
            failed.push(format!(
                "{file}:\n{said}\n{}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn generate(packages: &Path, dir: &Path, document: &Path, url: &str) -> Output {
    Command::new(packages.join("bin/schemathesis"))
        .env("PYTHONPATH", packages)
        .current_dir(dir)
        .args(["--no-color", "run"])
        .arg(document)
        .args(["--url", url, "--header", &format!("X-Api-Key: {KEY}")])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", EXAMPLES, "--seed", SEED])
        .args(["--generation-database", "none"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(["--request-timeout", "30", "--continue-on-failure"])
        .output()
        .unwrap()
}

/// What requests are filled with where they are to reach something.
async fn known(server: &Server, installation: &str) -> Vec<(&'static str, Value)> {
    let get = async |path: String| server.client.json(Method::GET, &path, None).await;
    let project = get(server.path("")).await["id"].clone();
    let integration = get(server.path("/integrations")).await[0]["id"].clone();
    let connection = get(server.path("/connections")).await[0]["id"].clone();
    vec![
        ("projectIdOrName", project),
        ("integrationId", integration),
        (
            "installationId",
            json!(installation.rsplit('/').next().unwrap()),
        ),
        ("connectionId", connection),
        ("provider", json!("bitbucket")),
        ("objectName", json!("projects")),
    ]
}

/// The generator's settings: what is known goes into paths, but where something
/// would be deleted that the others need.
fn settings(known: &[(&str, Value)]) -> String {
    let parameters = |names: &[&str]| -> String {
        let known = known
            .iter()
            .filter(|(name, _)| names.is_empty() || names.contains(name));
        let one = |(name, value): &(&str, Value)| format!("\"path.{name}\" = {value}");
        known.map(one).collect::<Vec<_>>().join(", ")
    };
    let mut settings = String::new();
    for method in ["GET", "POST", "PUT", "PATCH"] {
        settings += &format!(
            "[[operations]]\ninclude-method = \"{method}\"\nparameters = {{ {} }}\n",
            parameters(&[])
        );
    }
    settings += &format!(
        "[[operations]]\ninclude-method = \"DELETE\"\nparameters = {{ {} }}\n",
        parameters(&["projectIdOrName", "integrationId"])
    );
    settings
}

/// The contract's documents with our exceptions, and where each is served.
fn documents() -> Option<Vec<(&'static str, &'static str, Value)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract");
    let exceptions: Value = serde_json::from_str(include_str!("exceptions.json")).unwrap();
    let mut used = vec![false; exceptions.as_array().unwrap().len()];
    let mut documents = Vec::new();
    for (file, prefix) in SERVED {
        let text = match std::fs::read_to_string(folder.join(file)) {
            Ok(text) => text,
            Err(error) => {
                testing::missing(&format!("the contract: {file}: {error}"));
                return None;
            }
        };
        let mut document: Value = serde_json::from_str(&text).unwrap();
        for (exception, used) in exceptions.as_array().unwrap().iter().zip(&mut used) {
            assert!(
                exception["reason"].as_str().unwrap().len() > 20,
                "{exception}"
            );
            *used |= apply(&mut document, prefix, exception);
            *used |= loosen(&mut document, exception);
        }
        documents.push((file, prefix, document));
    }
    let unused = exceptions
        .as_array()
        .unwrap()
        .iter()
        .zip(used)
        .find(|(_, used)| !used);
    assert!(unused.is_none(), "nothing needs the exception {unused:?}");
    Some(documents)
}

/// Reads some schemas of which the contract says `oneOf` as `anyOf`; whether one of
/// them is there.
fn loosen(document: &mut Value, exception: &Value) -> bool {
    let mut changed = false;
    for name in exception["overlapping"].as_array().into_iter().flatten() {
        let place = format!("/components/schemas/{}", name.as_str().unwrap());
        let Some(Value::Object(schema)) = document.pointer_mut(&place) else {
            continue;
        };
        let choices = schema.remove("oneOf");
        if let Some(choices) = choices {
            schema.insert("anyOf".to_owned(), choices);
            changed = true;
        }
    }
    changed
}

/// Lets some operations answer, beside what the contract says, with a problem of
/// these statuses; whether that was not so already.
fn apply(document: &mut Value, prefix: &str, exception: &Value) -> bool {
    let mut changed = false;
    let Some(names) = exception["operations"].as_array() else {
        return false;
    };
    for (path, item) in document["paths"].as_object_mut().unwrap() {
        for (method, operation) in item.as_object_mut().unwrap() {
            let name = json!(format!("{} {prefix}{path}", method.to_uppercase()));
            if !names.contains(&name) {
                continue;
            }
            for status in exception["problems"].as_array().unwrap() {
                let status = status.as_str().unwrap();
                let response = &mut operation["responses"][status];
                if response.is_null() {
                    *response = json!({ "description": "A problem", "content": {} });
                }
                let content = &mut response["content"]["application/problem+json"];
                if content.is_null() {
                    *content = json!({ "schema": { "type": "object", "required": ["status", "title", "detail"] } });
                    changed = true;
                }
            }
        }
    }
    changed
}

//! `ligature check`: what it prints, in which form, and how it ends.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::serve::ligature;

const SOUND: &str = "specVersion: 1.0.0\nintegrations:\n  - name: a\n    provider: bitbucket\n    proxy: {enabled: true}\n";
const WARNED: &str = "specVersion: 1.0.0\nintegrations:\n  - name: a\n    provider: bitbucket\n    proxy: {enabled: true}\n    colour: red\n";
const BROKEN: &str = "specVersion: 1.0.0\nintegrations:\n  - name: Büro ✓\n    provider: bitbuket\n    proxy: {enabled: true}\n    colour: red\n";

fn check(dir: &TempDir, arguments: &[&str]) -> Output {
    let mut command = ligature();
    command.current_dir(dir.path()).arg("check").args(arguments);
    command.output().unwrap()
}

/// A directory with one file.
fn dir(name: &str, content: impl AsRef<[u8]>) -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join(name), content).unwrap();
    dir
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn people_see_the_line_and_a_caret() {
    let dir = dir("amp.yaml", BROKEN);
    let output = check(&dir, &["amp.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "");
    let expected = "\
error[unknown-provider]: there is no provider `bitbuket`
 --> amp.yaml:4:15
  |
4 |     provider: bitbuket
  |               ^^^^^^^^ integrations[0].provider
  |
  = help: Did you mean `bitbucket`?

warning[unknown-key]: `colour` is not a known key here
 --> amp.yaml:6:5
  |
6 |     colour: red
  |     ^^^^^^ integrations[0].colour
  |
  = help: Remove it: it has no effect

amp.yaml: 1 error, 1 warning
";
    assert_eq!(stdout(&output), expected);
}

#[test]
fn exit_codes_say_how_it_went() {
    let sound = dir("amp.yaml", SOUND);
    for path in ["amp.yaml", "."] {
        let output = check(&sound, &[path, "--strict"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(
            stdout(&output).ends_with("amp.yaml: no problems\n"),
            "{output:?}"
        );
    }
    let warned = dir("amp.yml", WARNED);
    let output = check(&warned, &["."]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).ends_with("amp.yml: 1 warning; it can be deployed\n"));
    let output = check(&warned, &["amp.yml", "--strict"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).starts_with("error[unknown-key]"),
        "{output:?}"
    );
    assert!(
        stdout(&output).ends_with("amp.yml: 1 error\n"),
        "{output:?}"
    );

    let empty = TempDir::new().unwrap();
    for (path, words) in [
        (".", "there is no amp.yaml in .; name the file"),
        ("amp.yaml", "amp.yaml cannot be read"),
    ] {
        let output = check(&empty, &[path]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            stderr(&output).contains(words) && stdout(&output).is_empty(),
            "{output:?}"
        );
    }
    assert_eq!(check(&sound, &[]).status.code(), Some(2));
}

#[test]
fn standard_input_is_read() {
    let mut command = ligature();
    command
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(WARNED.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("--> <stdin>:6:5"), "{output:?}");
}

#[test]
fn the_least_time_between_reads_can_be_told() {
    let often = SOUND.replace(
        "    proxy: {enabled: true}",
        "    read: {objects: [{objectName: projects, destination: d, optionalFieldsAuto: all, schedule: '* * * * *'}]}",
    );
    let dir = dir("amp.yaml", often);
    assert_eq!(check(&dir, &["."]).status.code(), Some(1));
    assert_eq!(
        check(&dir, &[".", "--min-schedule-seconds", "60"])
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn programs_get_json() {
    let dir = dir("amp.yaml", BROKEN);
    let output = check(&dir, &["amp.yaml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let expected = serde_json::json!({
        "file": "amp.yaml", "errors": 1, "warnings": 1,
        "problems": [
            {
                "severity": "error", "rule": "unknown-provider",
                "message": "there is no provider `bitbuket`", "remedy": "Did you mean `bitbucket`?",
                "path": "integrations[0].provider", "line": 4, "column": 15, "length": 8,
            },
            {
                "severity": "warning", "rule": "unknown-key",
                "message": "`colour` is not a known key here", "remedy": "Remove it: it has no effect",
                "path": "integrations[0].colour", "line": 6, "column": 5, "length": 6,
            },
        ],
    });
    assert_eq!(found, expected);
}

#[test]
fn reviews_get_sarif() {
    let dir = dir(
        "amp.yaml",
        BROKEN.replace("provider: bitbuket", "provider: bitbuket # ü"),
    );
    let output = check(&dir, &["amp.yaml", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for pointer in [
            "/id",
            "/shortDescription/text",
            "/help/text",
            "/helpUri",
            "/defaultConfiguration/level",
        ] {
            assert!(rule.pointer(pointer).unwrap().is_string(), "{rule}");
        }
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(
            rules[index]["defaultConfiguration"]["level"],
            result["level"]
        );
    }
    let expected = serde_json::json!([{
        "physicalLocation": {
            "artifactLocation": { "uri": "amp.yaml" },
            "region": { "startLine": 4, "startColumn": 15, "endColumn": 23 },
        },
        "logicalLocations": [{ "fullyQualifiedName": "integrations[0].provider" }],
    }]);
    assert_eq!(results[0]["locations"], expected);
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let strict = check(&dir, &["amp.yaml", "--format", "sarif", "--strict"]);
    let log: Value = serde_json::from_str(&stdout(&strict)).unwrap();
    assert_eq!(log["runs"][0]["results"][1]["level"], "error");
}

#[test]
fn whatever_the_file_is_something_is_said() {
    let utf16: Vec<u8> = SOUND.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, words) in [
        (Vec::new(), "the manifest is empty"),
        (b"\n\n".to_vec(), "the manifest is empty"),
        (vec![0; 100], "U+0000"),
        (vec![0xff; 100], "byte 0xFF"),
        (utf16, "UTF-16"),
        (b"a: [".to_vec(), "error[yaml]"),
        (b"a:\r\n\t- b\r\n".to_vec(), "YAML allows no tabs"),
        (vec![b'-'; 10 * 1024 * 1024], "10485760 bytes"),
        ("é".repeat(400_000).into_bytes(), "error[type]"),
        (
            format!("{SOUND}# {}", "x".repeat(900_000)).into_bytes(),
            "no problems",
        ),
        (
            format!("{SOUND}    k{}: v", "x".repeat(900)).into_bytes(),
            "warning[unknown-key]",
        ),
    ] {
        let start = String::from_utf8_lossy(&content[..content.len().min(20)]).into_owned();
        let dir = dir("amp.yaml", content);
        let output = check(&dir, &["."]);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{start}: {output:?}"
        );
        let text = stdout(&output);
        assert!(text.contains(words), "{start}: {text}");
        assert!(text.len() < 20_000, "{start}: {} bytes", text.len());
        assert!(!text.contains('\u{1b}'), "colours are for terminals");
    }
}

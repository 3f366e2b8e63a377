//! SARIF 2.1.0, which code review tools show beside the lines:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use manifest::{Problem, Rule};
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::Findings;
use super::json::word;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const RULES: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/manifest-rules.md"
);

/// A whole log with one run.
pub(super) fn render(findings: &Findings<'_>) -> Value {
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ligature check",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": Rule::ALL.iter().map(|rule| describe(*rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.problems.iter().map(|problem| result(findings, problem)).collect::<Vec<_>>(),
        }],
    })
}

fn describe(rule: Rule) -> Value {
    json!({
        "id": rule.name(),
        "shortDescription": { "text": rule.what() },
        "help": { "text": rule.remedy() },
        "helpUri": RULES,
        "defaultConfiguration": { "level": word(rule.severity()) },
    })
}

fn result(findings: &Findings<'_>, problem: &Problem) -> Value {
    let width = findings.source.line(problem.line).chars().count();
    let end = u64::try_from(width).unwrap_or(u64::MAX).saturating_add(1);
    let mut location = Map::new();
    let physical = json!({
        "artifactLocation": { "uri": uri(&findings.source.name) },
        "region": {
            "startLine": problem.line,
            "startColumn": problem.column,
            "endColumn": problem.column.saturating_add(problem.length).min(end).max(problem.column),
        },
    });
    location.insert("physicalLocation".to_owned(), physical);
    if !problem.path.is_empty() {
        let logical = json!([{ "fullyQualifiedName": problem.path }]);
        location.insert("logicalLocations".to_owned(), logical);
    }
    json!({
        "ruleId": problem.rule.name(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == problem.rule),
        "level": word(findings.severity(problem)),
        "message": { "text": format!("{}. {}", problem.message, problem.remedy) },
        "locations": [location],
    })
}

/// A path as a relative reference, or as a `file:` URI if it is absolute.
fn uri(name: &str) -> String {
    let name = name.replace('\\', "/");
    let encode = |part: &str| {
        byte_serialize(part.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let path: Vec<String> = name.split('/').map(encode).collect();
    let path = path.join("/");
    if path.starts_with('/') {
        format!("file://{path}")
    } else {
        path.strip_prefix("./").unwrap_or(&path).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references() {
        for (name, expected) in [
            ("amp.yaml", "amp.yaml"),
            ("./a/amp.yaml", "a/amp.yaml"),
            ("my app/ü#1.yaml", "my%20app/%C3%BC%231.yaml"),
            ("/srv/amp.yaml", "file:///srv/amp.yaml"),
            ("<stdin>", "%3Cstdin%3E"),
        ] {
            assert_eq!(uri(name), expected);
        }
    }
}

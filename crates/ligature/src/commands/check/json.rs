//! For programs: one object with all problems in the order of the text.

use manifest::{Problem, Severity};
use serde_json::{Value, json};

use super::Findings;

/// `{"file", "errors", "warnings", "problems": […]}`.
pub(super) fn render(findings: &Findings<'_>) -> Value {
    let problem = |problem: &Problem| {
        json!({
            "severity": word(findings.severity(problem)),
            "rule": problem.rule.name(),
            "message": problem.message,
            "remedy": problem.remedy,
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "length": problem.length,
        })
    };
    json!({
        "file": findings.source.name,
        "errors": findings.count(Severity::Error),
        "warnings": findings.count(Severity::Warning),
        "problems": findings.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

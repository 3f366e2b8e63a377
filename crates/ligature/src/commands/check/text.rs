//! For people: each problem with its line and a caret, as compilers show theirs.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use manifest::{Problem, Rule, Severity};

use super::Findings;

/// Lines are cut around the caret beyond this many columns.
const WIDTH: usize = 120;
/// Of a line of a megabyte only this much is looked at.
const MOST_LINE_BYTES: usize = 4_096;

/// All problems and a line that counts them.
pub(super) fn render(findings: &Findings<'_>, coloured: bool) -> String {
    let renderer = if coloured {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(WIDTH);
    let mut text = String::new();
    for problem in findings.problems {
        text.push_str(&one(findings, problem, &renderer));
        text.push_str("\n\n");
    }
    text.push_str(&summary(findings));
    text
}

fn one(findings: &Findings<'_>, problem: &Problem, renderer: &Renderer) -> String {
    let level = match findings.severity(problem) {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let line = findings.source.line(problem.line);
    let line = line
        .get(..line.floor_char_boundary(MOST_LINE_BYTES))
        .unwrap_or(line);
    let remedy = annotate_snippets::normalize_untrusted_str(&problem.remedy);
    let help = Level::HELP.message(remedy);
    let title = level
        .primary_title(problem.message.as_str())
        .id(problem.rule.name());
    let place = usize::try_from(problem.line).unwrap_or(usize::MAX);
    // What is in another encoding is nothing to look at.
    if problem.rule == Rule::Encoding && line.contains('\0') {
        let origin = Origin::path(findings.source.name.as_str()).line(place);
        let group: Group<'_> = title.element(origin).element(help);
        return renderer.render(&[group]);
    }
    let label = (!problem.path.is_empty()).then_some(problem.path.as_str());
    let annotation = AnnotationKind::Primary
        .span(span(line, problem))
        .label(label);
    let snippet = Snippet::source(line)
        .line_start(place)
        .path(findings.source.name.as_str())
        .annotation(annotation);
    let group: Group<'_> = title.element(snippet).element(help);
    renderer.render(&[group])
}

/// The bytes of the line that a problem is about.
fn span(line: &str, problem: &Problem) -> Range<usize> {
    let at = |column: u64| {
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        line.char_indices()
            .nth(column)
            .map_or(line.len(), |(byte, _)| byte)
    };
    let start = problem.column.saturating_sub(1);
    at(start)..at(start.saturating_add(problem.length))
}

fn summary(findings: &Findings<'_>) -> String {
    let name = &findings.source.name;
    let errors = findings.count(Severity::Error);
    let warnings = findings.count(Severity::Warning);
    match (errors, warnings) {
        (0, 0) => format!("{name}: no problems"),
        (0, _) => format!(
            "{name}: {}; it can be deployed",
            counted(warnings, "warning")
        ),
        (_, 0) => format!("{name}: {}", counted(errors, "error")),
        (_, _) => format!(
            "{name}: {}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        ),
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

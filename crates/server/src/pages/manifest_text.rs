//! Manifests as text: with their problems at the lines that they are about, and
//! what one says otherwise than another.

use manifest::{Manifest, Problem, Severity};
use similar::{ChangeTag, TextDiff};
use store::Revision;

/// A line of a manifest and what is wrong in it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: String,
    pub(crate) problems: Vec<Marked>,
}

/// A problem as pages show it.
#[derive(Debug)]
pub(crate) struct Marked {
    pub(crate) is_error: bool,
    /// What is wrong and what to do.
    pub(crate) sentence: String,
    pub(crate) rule: String,
}

impl From<&Problem> for Marked {
    fn from(problem: &Problem) -> Self {
        Self {
            is_error: problem.severity() == Severity::Error,
            sentence: format!("{}. {}", problem.message, ended(&problem.remedy)),
            rule: problem.rule.to_string(),
        }
    }
}

/// With a full stop, unless it ends otherwise.
fn ended(sentence: &str) -> String {
    let stop = if sentence.ends_with(['?', '.', '!']) {
        ""
    } else {
        "."
    };
    format!("{sentence}{stop}")
}

/// Lines around each problem that are shown with it.
const AROUND: u64 = 2;

/// The lines that have problems and those around them, in their order; one without
/// text stands for what is left out.
pub(crate) fn marked(text: &str, problems: &[Problem]) -> Vec<Line> {
    let is_near = |number: u64| {
        let near = |problem: &Problem| problem.line.abs_diff(number) <= AROUND;
        problems.iter().any(near)
    };
    let mut lines = Vec::new();
    let mut last = 0;
    for (number, text) in (1_u64..).zip(text.lines()) {
        if !is_near(number) {
            continue;
        }
        if last + 1 < number && last > 0 {
            lines.push(Line {
                number: 0,
                text: String::new(),
                problems: Vec::new(),
            });
        }
        last = number;
        let here = problems.iter().filter(|problem| problem.line == number);
        lines.push(Line {
            number,
            text: text.to_owned(),
            problems: here.map(Marked::from).collect(),
        });
    }
    lines
}

/// What a revision says, as an `amp.yaml`; as JSON where that cannot be had.
pub(crate) fn text_of(revision: &Revision) -> String {
    let manifest = serde_json::from_value(revision.content.clone());
    let manifest = manifest.map(|content| Manifest::of(revision.spec_version.clone(), content));
    let yaml = manifest.ok().and_then(|manifest| manifest.to_yaml());
    yaml.unwrap_or_else(|| format!("{:#}", revision.content))
}

/// A line of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// `+`, `-` or a space; `…` for what is left out.
    pub(crate) sign: char,
    pub(crate) text: String,
}

/// How `new` differs from `old`, with three lines around each change; empty where
/// it does not.
pub(crate) fn compared(old: &str, new: &str) -> Vec<Changed> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for (n, group) in diff.grouped_ops(3).iter().enumerate() {
        if n > 0 {
            lines.push(Changed {
                sign: '…',
                text: String::new(),
            });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let text = change.value().trim_end_matches('\n').to_owned();
            lines.push(Changed { sign, text });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_compared() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
        assert_eq!(compared(old, old), []);
        let lines = compared(old, &old.replace('e', "E"));
        let shown: Vec<_> = lines
            .iter()
            .map(|line| format!("{}{}", line.sign, line.text))
            .collect();
        assert_eq!(shown, [" b", " c", " d", "-e", "+E", " f", " g", " h"]);
    }
}

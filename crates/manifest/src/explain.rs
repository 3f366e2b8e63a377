//! What is wrong, where, and what to do about it.

use std::fmt;

use crate::Rule;
use crate::tree::{At, Position};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The manifest cannot be deployed.
    Error,
    /// It can, but probably not everything is meant as it stands.
    Warning,
}

/// One problem of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule that is broken.
    pub rule: Rule,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it, likewise.
    pub remedy: String,
    /// Where in the document, such as `integrations[0].read.objects[1].schedule`;
    /// empty for the document as a whole.
    pub path: String,
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// How many characters of that line it is about; at least 1, but there may
    /// be fewer.
    pub length: u64,
}

impl Problem {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

/// `3:5 integrations[0].name: what is wrong. What to do about it`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}. {}", self.message, self.remedy)
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: Vec<Problem>,
}

impl Findings {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// A problem with a value.
    pub(crate) fn add(
        &mut self,
        rule: Rule,
        at: &At<'_>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add_at(rule, (at.path.clone(), at.at), message, remedy);
    }

    /// A problem at a place that is no value, such as a key.
    pub(crate) fn add_at(
        &mut self,
        rule: Rule,
        (path, at): (String, Position),
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(Problem {
            rule,
            message: message.into(),
            remedy: remedy.into(),
            path,
            line: at.line,
            column: at.column,
            length: at.length,
        });
    }

    /// Keeps those that `keep` wants.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Problem) -> bool) {
        self.problems.retain(keep);
    }

    /// In the order of the text; errors first where several are at one place.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.problems
            .sort_by_key(|p| (p.line, p.column, p.severity()));
        self.problems
    }
}

/// "Did you mean …?" for the candidate nearest to what was written, or `otherwise`.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    nearest(written, candidates).map_or_else(
        || otherwise.to_owned(),
        |candidate| format!("Did you mean `{candidate}`?"),
    )
}

/// The candidate that was probably meant.
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_lowercase();
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&written, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
/// Long words are not compared, as they are nobody's slip of the pen.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        let mut left = None;
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut here = (at(&row, j) + usize::from(x != *y))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            if last == Some(*y) && left == Some(x) && j > 0 {
                here = here.min(at(&before, j - 1) + 1);
            }
            next.push(here);
            left = Some(*y);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(x);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

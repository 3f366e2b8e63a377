//! `# amp:ignore[rule]`: comments that silence warnings.
//!
//! Such a comment stands at the end of the line that a warning points at, or on
//! a line of its own above it; comments and blank lines may be between. It names
//! one rule or several, separated by commas; what follows the bracket is for
//! people. Errors cannot be silenced. One that silences nothing is a warning
//! itself, so that it goes when its reason has gone.

use granit_parser::{Options, Scanner, StrInput, TokenType};

use crate::explain::{Findings, did_you_mean};
use crate::tree::Position;
use crate::{Rule, Severity, decode};

const MARK: &str = "amp:ignore";

/// One rule in one comment.
#[derive(Debug)]
struct Ignore {
    name: String,
    /// Where the name stands.
    at: Position,
    /// The line whose warnings are silenced.
    line: u64,
    is_used: bool,
}

/// Takes out what comments silence and adds what is wrong with the comments.
pub(crate) fn apply(source: &[u8], knows_destinations: bool, findings: &mut Findings) {
    let Ok(text) = decode(source) else { return };
    // Most manifests have none, and need not be scanned again.
    if !text.contains(MARK) {
        return;
    }
    let mut ignores = find(text, findings);
    findings.retain(|problem| {
        let mut keep = true;
        for ignore in &mut ignores {
            if problem.severity() == Severity::Warning
                && problem.rule != Rule::UnusedIgnore
                && problem.line == ignore.line
                && problem.rule.name() == ignore.name
            {
                ignore.is_used = true;
                keep = false;
            }
        }
        keep
    });
    for ignore in ignores.iter().filter(|ignore| !ignore.is_used) {
        let name = &ignore.name;
        let silenceable = |rule: &Rule| rule.severity() == Severity::Warning;
        let (message, remedy) = match Rule::named(name) {
            None => {
                let rules = Rule::ALL.iter().copied().filter(silenceable);
                let names = rules.map(Rule::name);
                (
                    format!("there is no rule `{name}`"),
                    did_you_mean(name, names, "Name the rule of the warning, or remove it"),
                )
            }
            Some(rule) if !silenceable(&rule) => (
                format!("`{name}` is an error, which cannot be silenced"),
                "Fix the error, and remove this".to_owned(),
            ),
            // Whoever checks without a server must not be told to remove it.
            Some(rule) if rule.needs_destinations() && !knows_destinations => continue,
            Some(_) => (
                format!("there is no `{name}` in line {} to silence", ignore.line),
                "Remove it, or put it on the line above the warning".to_owned(),
            ),
        };
        findings.add_at(
            Rule::UnusedIgnore,
            (String::new(), ignore.at),
            message,
            remedy,
        );
    }
}

/// Every rule that a comment names. Only the scanner knows a comment from a `#`
/// in text.
fn find(text: &str, findings: &mut Findings) -> Vec<Ignore> {
    let lines: Vec<&str> = lines(text).collect();
    let mut ignores = Vec::new();
    let scanner = Scanner::with_options(StrInput::new(text), Options::default());
    for token in scanner.map_while(Result::ok) {
        let (span, TokenType::Comment(comment)) = token.into_parts() else {
            continue;
        };
        let body = comment.text();
        let Some(after) = body.trim_start().strip_prefix(MARK) else {
            continue;
        };
        let (line, column) = (span.start.line(), span.start.col());
        let place = |before: usize, length: usize| Position {
            line: number(line),
            column: number(column + 1 + before),
            length: number(length.max(1)),
        };
        let Some((names, _)) = after
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        else {
            findings.add_at(
                Rule::UnusedIgnore,
                (String::new(), place(0, 1 + body.trim_end().chars().count())),
                format!("`# {MARK}` names no rule in brackets"),
                format!("Write `# {MARK}[rule]`, with the rule of the warning"),
            );
            continue;
        };
        let target = target(&lines, line, column);
        // The `#`, what is before the mark, the mark and the bracket.
        let mut before =
            1 + body.chars().take_while(|c| c.is_whitespace()).count() + MARK.len() + 1;
        for name in names.split(',') {
            let blank = name.chars().take_while(|c| c.is_whitespace()).count();
            ignores.push(Ignore {
                name: name.trim().to_owned(),
                at: place(before + blank, name.trim().chars().count()),
                line: number(target),
                is_used: false,
            });
            before += name.chars().count() + 1;
        }
    }
    ignores
}

/// The line that a comment in `line` (from 1) and `column` (from 0) is about:
/// its own if something stands before it, else the next with anything but a
/// comment.
fn target(lines: &[&str], line: usize, column: usize) -> usize {
    let own = lines.get(line.saturating_sub(1)).copied().unwrap_or("");
    if own.chars().take(column).any(|c| !c.is_whitespace()) {
        return line;
    }
    let is_content = |text: &&str| {
        let text = text.trim_start();
        !text.is_empty() && !text.starts_with('#')
    };
    lines
        .iter()
        .skip(line)
        .position(is_content)
        .map_or(line, |after| line + 1 + after)
}

/// The lines as YAML counts them: a line ends at LF, CR LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

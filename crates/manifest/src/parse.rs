//! From text to a tree, under hard limits.
//!
//! Manifests come from strangers: the size is looked at before anything else,
//! and the parser stops at depths, counts and alias expansions that no real
//! manifest comes near.

use serde_saphyr::{DuplicateKeyPolicy, Options, UserMessageFormatter};

use crate::explain::{Problem, Severity};
use crate::tree::{Node, Position};

/// The largest manifest.
const MAX_BYTES: usize = 1024 * 1024;
/// How deep lists and maps may nest; the deepest documented key is at 9.
const MAX_DEPTH: usize = 32;
/// How many values aliases may stand for, taken together.
const MAX_ALIASED: usize = 50_000;

/// What was made of a text.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub(crate) root: Option<Node>,
    /// Why there is no tree, if there is none. Only that: rules come later.
    pub problems: Vec<Problem>,
}

/// Reads YAML. See [`crate::check`] for what it says.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    if text.len() > MAX_BYTES {
        let message = format!(
            "the manifest has {} bytes, which is above {MAX_BYTES}",
            text.len()
        );
        return refuse(
            "size",
            None,
            message,
            "Split it into several integrations' manifests",
        );
    }
    match serde_saphyr::from_str_with_options::<Node>(text, options()) {
        Ok(root) => Parsed {
            root: Some(root),
            problems: Vec::new(),
        },
        Err(error) => {
            let place = error.location().map(Position::from);
            let said = error.render_with_formatter(&UserMessageFormatter);
            let (rule, remedy) = if is_limit(&error) {
                ("size", "Write it with less nesting and fewer aliases")
            } else {
                (
                    "yaml",
                    "Mend the YAML here; often it is the indentation or a missing quote",
                )
            };
            refuse(
                rule,
                place,
                format!("the YAML cannot be read: {}", without_place(&said)),
                remedy,
            )
        }
    }
}

fn refuse(rule: &'static str, place: Option<Position>, message: String, remedy: &str) -> Parsed {
    let at = place.unwrap_or(Position { line: 1, column: 1 });
    Parsed {
        root: None,
        problems: vec![Problem {
            severity: Severity::Error,
            rule,
            message,
            remedy: remedy.to_owned(),
            path: String::new(),
            line: at.line,
            column: at.column,
        }],
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_documents: 2,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_nodes: 200_000,
            max_events: 400_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED,
            max_replay_stack_depth: 16,
        },
        // The shape reports repeated keys, with all the other problems.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // `on` and `yes` are text, as JSON has them.
        strict_booleans: true,
        with_snippet: false,
    }
}

fn is_limit(error: &serde_saphyr::Error) -> bool {
    use serde_saphyr::Error;
    matches!(
        error.without_snippet(),
        Error::Budget { .. }
            | Error::AliasReplayCounterOverflow { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
    )
}

/// The parser ends its messages with the place, which a problem says itself.
fn without_place(said: &str) -> &str {
    let first = said.lines().next().unwrap_or_default();
    first.split(" at line ").next().unwrap_or(first)
}

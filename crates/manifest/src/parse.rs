//! From bytes to a tree, under hard limits.
//!
//! Manifests come from strangers: the size is looked at before anything else,
//! then the encoding, and the parser stops at depths, counts and alias
//! expansions that no real manifest comes near.

use serde_saphyr::{DuplicateKeyPolicy, Options, UserMessageFormatter};

use crate::Rule;
use crate::explain::Problem;
use crate::tree::{Node, Position};

/// The largest manifest.
const MAX_BYTES: usize = 1024 * 1024;
/// How deep lists and maps may nest; the deepest documented key is at 9.
const MAX_DEPTH: usize = 32;
/// How many values aliases may stand for, taken together.
const MAX_ALIASED: usize = 50_000;

const SAVE: &str = "Save the file as UTF-8";

/// What was made of a text.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub(crate) root: Option<Node>,
    /// Why there is no tree, if there is none. Only that: rules come later.
    pub problems: Vec<Problem>,
}

/// Reads YAML. See [`crate::check`] for what it says.
#[must_use]
pub fn parse(source: &[u8]) -> Parsed {
    let read = if source.len() > MAX_BYTES {
        Err(too_big(source.len()))
    } else {
        decode(source).and_then(read)
    };
    match read {
        Ok(root) => Parsed {
            root: Some(root),
            problems: Vec::new(),
        },
        Err(problem) => Parsed {
            root: None,
            problems: vec![problem],
        },
    }
}

/// The text of a manifest: UTF-8, without the byte-order mark.
///
/// # Errors
/// The problem, when it is in another encoding or has a character that YAML
/// forbids.
pub fn decode(source: &[u8]) -> Result<&str, Problem> {
    if let Some(other) = other_encoding(source) {
        let message = format!("the manifest is in {other}, not in UTF-8");
        return Err(refusal(Rule::Encoding, Position::START, message, SAVE));
    }
    let text = match std::str::from_utf8(source) {
        Ok(text) => text,
        Err(error) => {
            let (before, rest) = source
                .split_at_checked(error.valid_up_to())
                .unwrap_or_default();
            let sound = std::str::from_utf8(before).unwrap_or_default();
            let byte = rest.first().copied().unwrap_or_default();
            let message = format!("the manifest is not UTF-8: there is a byte 0x{byte:02X} here");
            let at = end_of(sound.strip_prefix('\u{feff}').unwrap_or(sound));
            return Err(refusal(Rule::Encoding, at, message, SAVE));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.char_indices().find(|(_, c)| is_forbidden(*c)) {
        None => Ok(text),
        Some((i, c)) => {
            let at = end_of(text.get(..i).unwrap_or_default());
            let message = format!("YAML forbids the character U+{:04X} here", u32::from(c));
            let remedy = "Remove it; it is invisible in most editors";
            Err(refusal(Rule::Encoding, at, message, remedy))
        }
    }
}

/// The encodings that editors write besides UTF-8. Without a byte-order mark
/// they show by their zeros, as a manifest begins with ASCII.
fn other_encoding(source: &[u8]) -> Option<&'static str> {
    match source {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [a, 0, 0, 0, ..] | [0, 0, 0, a, ..] if *a != 0 => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some("UTF-16"),
        _ => None,
    }
}

/// What is not `c-printable`: <https://yaml.org/spec/1.2.2/#51-character-set>.
fn is_forbidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    }
}

/// Where the text after this one begins.
fn end_of(text: &str) -> Position {
    let mut at = Position::START;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                at.line += 1;
                at.column = 1;
            }
            _ => at.column += 1,
        }
    }
    at
}

fn read(text: &str) -> Result<Node, Problem> {
    serde_saphyr::from_str_with_options::<Node>(text, options()).map_err(|error| {
        let at = error.location().map_or(Position::START, Position::from);
        // A span that the parser gives here covers what it has read so far.
        let at = Position { length: 1, ..at };
        let said = error.render_with_formatter(&UserMessageFormatter);
        let (rule, message, remedy) = explain(without_place(&said));
        refusal(rule, at, message, remedy)
    })
}

/// The parser's words for what people get wrong most, in better ones.
fn explain(said: &str) -> (Rule, String, &'static str) {
    if said.starts_with("YAML document too large or too complex") {
        return (
            Rule::Size,
            "the YAML nests deeper, or has more aliases or values, than any manifest needs"
                .to_owned(),
            "Write it with less nesting and fewer aliases",
        );
    }
    let (message, remedy) = match said {
        "reference to unknown value" => (
            "there is no anchor of this name above",
            "Put text that begins with `*` or `&` in quotes",
        ),
        "only single YAML document expected but multiple found" => (
            "a second YAML document begins here",
            "Remove the `---`, and put all integrations into one list",
        ),
        "unclosed quote" => ("this quote is never closed", "Add the closing quote"),
        _ if said.starts_with("tabs disallowed") => {
            ("YAML allows no tabs for indentation", "Indent with spaces")
        }
        said => {
            let remedy =
                "Fix it here or in the line above; often it is the indentation or a missing quote";
            return (
                Rule::Yaml,
                format!("the YAML cannot be read: {said}"),
                remedy,
            );
        }
    };
    (Rule::Yaml, message.to_owned(), remedy)
}

fn too_big(bytes: usize) -> Problem {
    let message = format!("the manifest has {bytes} bytes, which is above {MAX_BYTES}");
    let remedy = "Split it into several integrations' manifests";
    refusal(Rule::Size, Position::START, message, remedy)
}

fn refusal(rule: Rule, at: Position, message: String, remedy: &str) -> Problem {
    Problem {
        rule,
        message,
        remedy: remedy.to_owned(),
        path: String::new(),
        line: at.line,
        column: at.column,
        length: at.length,
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
        // `ignore` reads them by itself; the parser would keep count of them.
        emit_comments: false,
    }
}

/// The parser ends its messages with the place, which a problem says itself.
fn without_place(said: &str) -> &str {
    let first = said.lines().next().unwrap_or_default();
    first.split(" at line ").next().unwrap_or(first)
}

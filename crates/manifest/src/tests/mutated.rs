//! Whatever comes in, nothing panics and every problem points inside the text.
//! `fuzz/` looks for more of the same for as long as one likes.

use proptest::prelude::*;

use super::library;
use crate::{Limits, check};

const EXAMPLE: &str = include_str!("../../../../examples/bitbucket/amp.yaml");

/// What a line may become part of.
const PIECES: [&str; 24] = [
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "- ",
    ": ",
    "# amp:ignore[no-field]",
    "'",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: *a",
    "|\n",
    "---\n",
    "\u{feff}",
    "\0",
    "é",
    "$['a']",
    "!!str ",
];

/// Checks and holds what always holds of a report.
fn hold(source: &[u8]) {
    let report = check(source, &[&library()], Limits::default());
    let text = String::from_utf8_lossy(source);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<&str> = text
        .split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .collect();
    for problem in &report.problems {
        let line = usize::try_from(problem.line).unwrap();
        let column = usize::try_from(problem.column).unwrap();
        assert!(line >= 1 && column >= 1 && problem.length >= 1, "{problem}");
        let found = lines.get(line - 1);
        let width = found.map_or(0, |line| line.chars().count());
        // The end of a text that lacks something is one line or column further.
        assert!(
            line <= lines.len() + 1 && column <= width + 1,
            "{problem}: line {line} of {} has {width} characters",
            lines.len()
        );
        assert!(
            !problem.message.is_empty() && !problem.remedy.is_empty(),
            "{problem}"
        );
    }
    if report.manifest.is_none() {
        assert!(report.has_errors());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_example_is_explained(
        changes in prop::collection::vec((0.0..1.0f64, 0..24usize, 0..24usize, any::<prop::sample::Index>()), 1..8),
    ) {
        let mut text: Vec<char> = EXAMPLE.replace("bitbucket", "library").chars().collect();
        for (at, kind, length, piece) in changes {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short text")]
            let at = ((text.len() as f64) * at) as usize;
            let end = (at + length).min(text.len());
            match kind % 3 {
                0 => drop(text.drain(at..end)),
                1 => drop(text.splice(at..at, piece.get(&PIECES).chars())),
                _ => {
                    let copy: Vec<char> = text[at..end].to_vec();
                    let to = piece.index(text.len() + 1);
                    drop(text.splice(to..to, copy));
                }
            }
        }
        hold(text.iter().collect::<String>().as_bytes());
    }

    #[test]
    fn any_bytes_are_explained(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        hold(&bytes);
    }

    #[test]
    fn any_words_of_yaml_are_explained(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
        hold(pieces.concat().as_bytes());
    }
}

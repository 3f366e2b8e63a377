//! `# amp:ignore[rule]`.

use super::{library, places, report};
use crate::{KnownDestination, Limits, check_for_project};

/// Lines below the integration's head, from line 5 on.
fn with(lines: &str) -> Vec<String> {
    places(&text(lines))
}

fn text(lines: &str) -> String {
    format!("specVersion: 1.0.0\nintegrations:\n  - name: a\n    provider: library\n{lines}\n")
}

#[test]
fn a_comment_silences_its_line_or_the_next() {
    let none: [&str; 0] = [];
    for lines in [
        "    proxy: {}\n    colour: red # amp:ignore[unknown-key]",
        "    proxy: {}\n    # amp:ignore[unknown-key]\n    colour: red",
        "    proxy: {}\n    # amp:ignore[unknown-key] kept for another tool\n\n    # more\n    colour: red",
        "    proxy: {} \n    #amp:ignore[ unknown-key ]\n    colour: red",
        "    read:\n      objects:\n        # amp:ignore[no-field, unknown-key]\n        - {objectName: notes, destination: d, shape: round}",
        "    read:\n      objects:\n        - objectName: tablets # amp:ignore[removed-object,no-field]\n          destination: d",
    ] {
        assert_eq!(with(lines), none, "{lines}");
        assert_eq!(with(&lines.replace('\n', "\r\n")), none, "{lines}");
    }
}

#[test]
fn errors_and_other_lines_are_not_silenced() {
    assert_eq!(
        with("    proxy: {}\n    # amp:ignore[unknown-key]\n    colour: red\n    shape: round"),
        ["~unknown-key 8:5 integrations[0].shape"]
    );
    // In text it is no comment.
    assert_eq!(
        with("    displayName: 'x # amp:ignore[unknown-key]'\n    proxy: {}\n    colour: red"),
        ["~unknown-key 7:5 integrations[0].colour"]
    );
    let block =
        "    displayName: |\n      # amp:ignore[unknown-key]\n    colour: red\n    proxy: {}";
    assert_eq!(with(block), ["~unknown-key 7:5 integrations[0].colour"]);
    assert_eq!(
        with("    module: x # amp:ignore[unknown-module]\n    proxy: {}"),
        [
            "unknown-module 5:13 integrations[0].module",
            "~unused-ignore 5:28 "
        ]
    );
}

#[test]
fn one_that_silences_nothing_is_a_warning() {
    for (comment, expected) in [
        ("# amp:ignore[unknown-key]", "~unused-ignore 5:30 "),
        (
            "# amp:ignore[no-field, unkown-key]",
            "~unused-ignore 5:30  ~unused-ignore 5:40 ",
        ),
        ("# amp:ignore[unused-ignore]", "~unused-ignore 5:30 "),
        ("# amp:ignore[]", "~unused-ignore 5:30 "),
        ("# amp:ignore", "~unused-ignore 5:17 "),
        ("# amp:ignore[no-field", "~unused-ignore 5:17 "),
        ("# an amp:ignore[no-field]", ""),
    ] {
        let found = with(&format!("    proxy: {{}}   {comment}")).join(" ");
        assert_eq!(found, expected, "{comment}");
    }
    let found = report(&text(
        "    proxy: {} # amp:ignore[unkown-key,cron,no-field]",
    ))
    .problems;
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "5:28 there is no rule `unkown-key`. Did you mean `unknown-key`?",
            "5:39 `cron` is an error, which cannot be silenced. Fix the error, and remove this",
            "5:44 there is no `no-field` in line 5 to silence. Remove it, or put it on the line above the warning",
        ]
    );
}

#[test]
fn destinations_are_checked_where_they_are_known() {
    let known = [("inbox", false), ("asleep", true)].map(|(name, disabled)| KnownDestination {
        name: name.to_owned(),
        disabled,
    });
    let object = |name: &str, destination: &str| {
        format!(
            "        - {{objectName: {name}, destination: {destination}, optionalFieldsAuto: all}}\n"
        )
    };
    let lines = format!(
        "    read:\n      objects:\n{}{}{}{}",
        object("books", "inbox"),
        object("notes", "asleep"),
        object("shelves", "inbx"),
        // It was told of already.
        object("tablets", "inbx").trim_end().to_owned() + " # amp:ignore[removed-object]",
    );
    let check = |lines: &str| {
        let report = check_for_project(text(lines), &[&library()], Limits::default(), &known);
        let shown = |p: &crate::Problem| format!("{} {}:{} {}", p.rule, p.line, p.column, p.remedy);
        report.problems.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(with(&lines), Vec::<String>::new());
    assert_eq!(
        check(&lines),
        [
            "disabled-destination 8:44 Enable it; until then its messages wait",
            "unknown-destination 9:46 Did you mean `inbox`?",
        ]
    );
    let ignored = lines.replace("all}\n", "all} # amp:ignore[unknown-destination]\n");
    // Without the destinations nobody knows whether there is anything to silence.
    assert_eq!(with(&ignored), Vec::<String>::new());
    assert_eq!(
        check(&ignored),
        [
            "unused-ignore 7:89 Remove it, or put it on the line above the warning",
            "disabled-destination 8:44 Enable it; until then its messages wait",
            "unused-ignore 8:90 Remove it, or put it on the line above the warning",
        ]
    );
}

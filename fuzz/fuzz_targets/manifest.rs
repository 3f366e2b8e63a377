//! Whatever bytes come as a manifest, checking them ends, does not panic, and
//! every problem points inside the text. `crates/manifest/src/tests/mutated.rs`
//! holds the same for some hundred inputs in every test run.

#![no_main]

use std::sync::LazyLock;

use bitbucket::{Bitbucket, Endpoints};
use connector::Connector as _;
use libfuzzer_sys::fuzz_target;
use manifest::{KnownDestination, Limits};

static BITBUCKET: LazyLock<Bitbucket> =
    LazyLock::new(|| Bitbucket::new(&Endpoints::default()).expect("the real endpoints are URLs"));

fuzz_target!(|source: &[u8]| {
    let providers = [BITBUCKET.describe()];
    let known = [KnownDestination {
        name: "bitbucketWebhook".to_owned(),
        disabled: false,
    }];
    let report = manifest::check_for_project(source, &providers, Limits::default(), &known);
    assert!(report.manifest.is_some() || report.has_errors());
    let text = String::from_utf8_lossy(source);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<&str> = text
        .split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .collect();
    for problem in &report.problems {
        let line = usize::try_from(problem.line).expect("a line of a text in memory");
        let column = usize::try_from(problem.column).expect("a column of a text in memory");
        assert!(line >= 1 && column >= 1 && problem.length >= 1, "{problem}");
        let width = lines.get(line - 1).map_or(0, |line| line.chars().count());
        assert!(line <= lines.len() + 1 && column <= width + 1, "{problem}");
    }
});

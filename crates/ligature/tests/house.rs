//! The house's rules that no compiler holds: which crate may use which, who has
//! SQL and who makes HTTP clients, where a provider may be named, how long a
//! file may be. ARCHITECTURE.md gives the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// The folder with all crates, from where cargo runs this crate's tests.
const CRATES: &str = "..";

/// Which of our crates a crate may depend on. Dev-dependencies are free.
const EDGES: &[(&str, &[&str])] = &[
    ("connector", &[]),
    ("bitbucket", &["connector"]),
    ("manifest", &["connector"]),
    ("outbound", &["connector"]),
    ("store", &["connector"]),
    ("engine", &["store", "outbound", "connector", "manifest"]),
    ("server", &["engine", "store", "manifest", "connector"]),
    ("sandbox", &[]),
    ("testing", &["store"]),
    ("ligature", ALL),
    // Whole nodes made to fail, for tests and for commands of `bench`: it puts the
    // parts together as the binary does, and nothing that ships depends on it.
    (
        "simulation",
        &[
            "connector",
            "bitbucket",
            "manifest",
            "outbound",
            "store",
            "engine",
            "server",
            "sandbox",
            "testing",
        ],
    ),
    ("bench", MEASURING),
];

/// All, and what only tests and measurements use.
const MEASURING: &[&str] = &[
    "connector",
    "bitbucket",
    "manifest",
    "outbound",
    "store",
    "engine",
    "server",
    "sandbox",
    "testing",
    "simulation",
];

const ALL: &[&str] = &[
    "connector",
    "bitbucket",
    "manifest",
    "outbound",
    "store",
    "engine",
    "server",
    "sandbox",
];

/// Libraries that only one crate may depend on.
const DOORS: &[(&str, &[&str])] = &[
    ("store", &["sea-orm", "sea-orm-migration", "sqlx"]),
    ("outbound", &["hyper-rustls", "object_store", "reqwest"]),
];

/// Crates in which no provider is named, and the names.
const PROVIDER_FREE: &[&str] = &["engine", "server"];
const PROVIDERS: &[&str] = &["bitbucket"];

const MOST_LINES: usize = 800;

#[test]
fn crates_use_only_whom_they_may() -> Result<()> {
    let allowed: BTreeMap<_, _> = EDGES.iter().copied().collect();
    let dependencies = dependencies()?;
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    let mut wrong = Vec::new();
    for (from, names) in &dependencies {
        let may = allowed
            .get(from.as_str())
            .with_context(|| format!("{from} is new: say in EDGES whom it may use"))?;
        for to in names.iter().filter(|name| ours.contains(name.as_str())) {
            if !may.contains(&to.as_str()) {
                wrong.push(format!("{from} -> {to}"));
            }
        }
    }
    none(&wrong, "these dependencies go the wrong way");
    Ok(())
}

#[test]
fn only_one_crate_has_sql_and_one_makes_http_clients() -> Result<()> {
    let mut wrong = Vec::new();
    for (name, uses) in dependencies()? {
        for (keeper, libraries) in DOORS.iter().filter(|(keeper, _)| *keeper != name) {
            for library in libraries.iter().filter(|library| uses.contains(**library)) {
                wrong.push(format!("{name} uses {library}, which belongs to {keeper}"));
            }
        }
    }
    none(&wrong, "there is one door for each");
    Ok(())
}

/// The library has both ends of HTTP; `server` is at one of them.
#[test]
fn only_one_crate_has_the_client_half_of_hyper() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files(CRATES.into()) {
        let is_outbound = file.starts_with(Path::new(CRATES).join("outbound"));
        if is_outbound || is_test(&file) {
            continue;
        }
        for (number, line) in code(&fs::read_to_string(&file)?) {
            if line.contains("hyper_util::client") || line.contains("hyper::client") {
                wrong.push(format!("{}:{number}", file.display()));
            }
        }
    }
    none(&wrong, "only one crate makes HTTP clients");
    Ok(())
}

#[test]
fn engine_and_server_name_no_provider() -> Result<()> {
    let mut wrong = Vec::new();
    let folders = PROVIDER_FREE
        .iter()
        .map(|name| Path::new(CRATES).join(name));
    for file in folders.flat_map(files) {
        if is_test(&file) {
            continue;
        }
        let text = fs::read_to_string(&file)?;
        for (number, line) in code(&text) {
            let line = line.to_lowercase();
            if PROVIDERS.iter().any(|provider| line.contains(provider)) {
                wrong.push(format!("{}:{number}", file.display()));
            }
        }
    }
    none(&wrong, "a provider is named outside its crate and start-up");
    Ok(())
}

#[test]
fn files_are_short_and_say_why_they_exist() -> Result<()> {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in files(CRATES.into()) {
        if !has_extension(&file, "rs") {
            continue;
        }
        let text = fs::read_to_string(&file)?;
        seen += 1;
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{}: {lines} lines", file.display()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{}: does not start with //!", file.display()));
        }
    }
    assert!(seen > 0, "no source files were found");
    none(
        &wrong,
        "files are short, and their first line says why they exist",
    );
    Ok(())
}

#[test]
fn comments_and_tests_are_not_code() {
    let text = "//! Bitbucket\nfn a() {} // Bitbucket\nlet u = \"https://b\";\n\
                #[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\nmod tests {\n\"bitbucket\"\n}\n";
    let left: Vec<_> = code(text)
        .map(|(number, line)| (number, line.trim_end()))
        .collect();
    let expected = [
        (1, ""),
        (2, "fn a() {}"),
        (3, "let u = \"https://b\";"),
        (4, "#[cfg(test)]"),
        (5, "mod tests;"),
        (6, "fn b() {}"),
    ];
    assert_eq!(left, expected);
}

/// What each of our crates declares: names of normal and build dependencies.
fn dependencies() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut command = MetadataCommand::new();
    let metadata = command.no_deps().exec()?;
    let packages = metadata.packages.into_iter().map(|package| {
        let declared = package.dependencies.into_iter();
        let used = declared.filter(|d| d.kind != DependencyKind::Development);
        (package.name.to_string(), used.map(|d| d.name).collect())
    });
    Ok(packages.collect())
}

/// Every file of source or template below a folder.
fn files(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if has_extension(&path, "rs") || has_extension(&path, "html") {
                found.push(path);
            }
        }
    }
    found
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

/// Whether a whole file is a test: `tests.rs`, or anything in a folder `tests`.
fn is_test(file: &Path) -> bool {
    file.ends_with("tests.rs") || file.components().any(|part| part.as_os_str() == "tests")
}

/// The lines, numbered, without comments and without the tests at the end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(text);
    text.lines().enumerate().map(|(index, line)| {
        let is_comment = line.trim_start().starts_with("//");
        let code = if is_comment {
            ""
        } else {
            line.split(" //").next().unwrap_or(line)
        };
        (index + 1, code)
    })
}

fn none(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}
